"""The balance: what a buyer has to her credit. It is taken off her next bill, what came first is used first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import Organization
from market.billing.credit_notes.models import BalanceEntry, CreditNote, CreditNoteStatus, EntryKind
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


def add(organization_id: int, amount_fen: int, kind: EntryKind, *, at: datetime, **about: int | None) -> BalanceEntry:
    """One movement. The organization is held: movements take turns, and the unique number is the proof of it."""
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
    balance_moved.send(entry, at=at)
    return entry


def unspent(organization_id: int) -> dict[int, int]:
    """What is left of each credit note's balance, what came first being used first; used ones are left out."""
    rest = balances([organization_id]).get(organization_id, 0)
    left: dict[int, int] = {}
    for note_id, amount_fen in _gains(organization_id):
        part = min(rest, amount_fen)
        rest -= part
        if note_id is not None and part:
            left[note_id] = part
        if not rest:
            break
    return left


def _gains(organization_id: int) -> Iterator[tuple[int | None, int]]:
    """What was added to a balance, newest first; a note that was voided takes its own away with it."""
    query = select(BalanceEntry.credit_note_id, BalanceEntry.amount_fen).outerjoin(BalanceEntry.credit_note)
    query = query.where(
        BalanceEntry.organization_id == organization_id,
        BalanceEntry.kind.in_([EntryKind.CREDIT, EntryKind.RETURNED, EntryKind.DEPOSIT]),
        CreditNote.id.is_(None) | (CreditNote.status != CreditNoteStatus.VOID),
    )
    yield from ((row[0], row[1]) for row in db.session.execute(query.order_by(BalanceEntry.number.desc())))


def entries(organization: Organization) -> Any:
    """Every movement, newest first, with what it is about."""
    query = select(BalanceEntry).where(BalanceEntry.organization_id == organization.id)
    load = joinedload(BalanceEntry.credit_note), joinedload(BalanceEntry.bill), joinedload(BalanceEntry.refund_request)
    return query.options(*load).order_by(BalanceEntry.number.desc())


def applied_to(bill: Bill) -> list[BalanceEntry]:
    """What of the balance was used for a bill; the amounts are less than nothing."""
    query = select(BalanceEntry).where(BalanceEntry.bill_id == bill.id, BalanceEntry.kind == EntryKind.APPLIED)
    return list(db.session.scalars(query.order_by(BalanceEntry.number)))
