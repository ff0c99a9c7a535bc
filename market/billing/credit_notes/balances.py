"""The balance: what a buyer has to her credit, bought or given. It is taken off her next bill."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import Organization
from market.billing.credit_notes import lots
from market.billing.credit_notes.lot_models import BalanceGrant
from market.billing.credit_notes.models import BalanceEntry, EntryKind
from market.billing.credit_notes.signals import balance_moved
from market.billing.models import Bill


def balance(organization: Organization) -> int:
    """Fen to the organization's credit."""
    return balances([organization.id]).get(organization.id, 0)


def balances(organization_ids: Collection[int]) -> dict[int, int]:
    """The same for many; organizations with nothing to their credit are left out."""
    last = select(BalanceEntry.organization_id, func.max(BalanceEntry.number).label("number"))
    newest = last.where(BalanceEntry.organization_id.in_(organization_ids)).group_by(BalanceEntry.organization_id).subquery()
    own = (BalanceEntry.organization_id == newest.c.organization_id) & (BalanceEntry.number == newest.c.number)
    query = select(BalanceEntry.organization_id, BalanceEntry.after_fen).join(newest, own)
    return {id: fen for id, fen in db.session.execute(query.where(BalanceEntry.after_fen > 0))}


def add(
    organization_id: int,
    amount_fen: int,
    kind: EntryKind,
    *,
    at: datetime,
    parts: Mapping[int, int] | None = None,
    grant: BalanceGrant | None = None,
    noted: Callable[[BalanceEntry], object] | None = None,
    **about: int | None,
) -> BalanceEntry:
    """One movement. The organization is held: movements take turns, and the unique number is the proof of it.

    `parts` says how much of it goes to or comes from which lot; without it, what is added is a lot of its own, and
    what is taken comes from lots as they are spent. Only bills are paid with what was given. `noted` is called before
    anybody hears of it, for who keeps the entry's number.
    """
    query = select(BalanceEntry).where(BalanceEntry.organization_id == organization_id)
    last = db.session.scalar(query.order_by(BalanceEntry.number.desc()).limit(1))
    entry = BalanceEntry(
        organization_id=organization_id,
        number=last.number + 1 if last else 1,
        kind=kind,
        amount_fen=amount_fen,
        after_fen=(last.after_fen if last else 0) + amount_fen,
        at=at,
        **about,
    )
    db.session.add(entry)
    db.session.flush()
    lots.note(entry, parts, grant=grant, at=at)
    if noted is not None:
        noted(entry)
    balance_moved.send(entry, at=at)
    return entry


def entries(organization: Organization) -> Any:
    """Every movement, newest first, with what it is about."""
    query = select(BalanceEntry).where(BalanceEntry.organization_id == organization.id)
    load = joinedload(BalanceEntry.credit_note), joinedload(BalanceEntry.bill), joinedload(BalanceEntry.refund_request)
    return query.options(*load).order_by(BalanceEntry.number.desc())


def applied_to(bill: Bill) -> list[BalanceEntry]:
    """What of the balance was used for a bill; the amounts are less than nothing."""
    query = select(BalanceEntry).where(BalanceEntry.bill_id == bill.id, BalanceEntry.kind == EntryKind.APPLIED)
    return list(db.session.scalars(query.order_by(BalanceEntry.number)))
