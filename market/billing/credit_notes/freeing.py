"""Money that has to go away after it was spent: a bill that it paid asks again, or the firm owes it beside its bills.

Either makes it balance for a moment, from where it is taken back or paid out as any other money of the firm's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from market import db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import reopening
from market.billing.credit_notes import balances, lots, settling
from market.billing.credit_notes.lot_models import BalanceLot, LotMove
from market.billing.credit_notes.models import BalanceEntry, CreditNote, EntryKind
from market.billing.models import Bill


def free(
    bill: Bill, amount_fen: int, *, payment_id: int, lot: BalanceLot | None = None, by: Actor, at: datetime
) -> dict[int, int]:
    """Take up to so much of a payment's money out of a bill, into the lot that had paid it or one of its own; says how much
    by lot."""
    fen = reopening.reopen(bill, amount_fen, payment_id=payment_id, by=by, at=at)
    if not fen:
        return {}
    parts = {lot.id: fen} if lot else None
    entry = balances.add(bill.organization_id, fen, EntryKind.APPLIED, at=at, parts=parts, bill_id=bill.id)
    return parts or _own_lot(entry)


def paid_by(lot: BalanceLot) -> list[tuple[Bill, int]]:
    """What of a lot has paid which bills and stands there, the newest first."""
    note, stands = aliased(CreditNote), func.sum(-LotMove.amount_fen)
    about = func.coalesce(note.bill_id, BalanceEntry.bill_id)
    query = select(about, stands).select_from(LotMove).join(LotMove.entry).outerjoin(note, note.id == BalanceEntry.credit_note_id)
    query = query.where(LotMove.lot_id == lot.id, LotMove.entry_id != lot.entry_id, about.is_not(None))
    query = query.where(BalanceEntry.kind.in_([EntryKind.APPLIED, EntryKind.CREDIT, EntryKind.VOID]))
    rows = db.session.execute(query.group_by(about).order_by(about.desc()))
    return [(db.session.get_one(Bill, id), int(fen)) for id, fen in rows if fen > 0]


def claim(organization: Organization, amount_fen: int, *, at: datetime) -> dict[int, int]:
    """The firm owes so much beside its bills, and has it as balance until it goes away; says in which lot."""
    return _own_lot(balances.add(organization.id, amount_fen, EntryKind.APPLIED, at=at))


def _own_lot(entry: BalanceEntry) -> dict[int, int]:
    return {lot.id: lot.rest_fen for lot in lots.lots_of([entry.id]).values()}


def collect(organization: Organization, most_fen: int, *, at: datetime) -> int:
    """Pay what is owed beside bills out of the firm's own money, as far as that goes; says how much."""
    fen = min(most_fen, lots.purchased(organization))
    if fen > 0:
        balances.add(organization.id, -fen, EntryKind.APPLIED, at=at)
        settling.settle_used(organization.id, at=at)
    return fen


def beside_bills() -> Mapping[int, int]:
    """What firms owe beside their bills, by organization; less than nothing is what was paid of other claims."""
    query = select(BalanceEntry.organization_id, func.sum(BalanceEntry.amount_fen))
    query = query.where(BalanceEntry.kind == EntryKind.APPLIED, BalanceEntry.bill_id.is_(None))
    return {id: int(fen) for id, fen in db.session.execute(query.group_by(BalanceEntry.organization_id))}
