"""The lots of balances as they are kept: what is left of them, and what each entry moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from market import db
from market.accounts.models import Organization
from market.billing.credit_notes import spending
from market.billing.credit_notes.lot_models import BalanceGrant, BalanceLot, LotKind, LotMove
from market.billing.credit_notes.models import BalanceEntry, CreditNote, EntryKind
from market.billing.models import Bill
from market.kit.period import local_day


def purchased(organization: Organization) -> int:
    """Fen of the balance that are the buyer's own money and can go back to where it came from."""
    query = select(func.coalesce(func.sum(BalanceLot.rest_fen), 0)).where(BalanceLot.organization_id == organization.id)
    return int(db.session.scalar(query.where(BalanceLot.kind == LotKind.PURCHASED)) or 0)


def spendable(organization_id: int, at: datetime) -> int:
    """Fen that can pay a bill now: of what was given, only what is not past its day."""
    return sum(lot.rest_fen for lot in spending.usable(_left(organization_id), local_day(at)))


def left_of(organization: Organization) -> list[BalanceLot]:
    """The lots that something is left of, as they are spent, with where they came from."""
    return list(db.session.scalars(_whole().where(BalanceLot.organization_id == organization.id, BalanceLot.rest_fen > 0)))


def lots_of(entry_ids: list[int]) -> dict[int, BalanceLot]:
    """The lots that entries made, by the entry's number."""
    query = select(BalanceLot).where(BalanceLot.entry_id.in_(entry_ids)).options(joinedload(BalanceLot.grant))
    return {lot.entry_id: lot for lot in db.session.scalars(query)}


def note(entry: BalanceEntry, parts: Mapping[int, int] | None, *, grant: BalanceGrant | None = None, at: datetime) -> None:
    """Move an entry's fen into lots or out of them; the organization is held.

    `parts` says which, in positive fen; what they leave over becomes a lot of its own, or is taken as lots are spent.
    """
    sign, wanted = (1 if entry.amount_fen > 0 else -1), dict(parts or {})
    rest = abs(entry.amount_fen) - sum(wanted.values())
    if sign < 0 and rest:
        for id, fen in spending.taken(_takeable(entry, wanted, at), rest).items():
            wanted[id] = wanted.get(id, 0) + fen
    lots = _by_id(wanted)
    for id, fen in wanted.items():
        lots[id].rest_fen += sign * fen
        db.session.add(LotMove(lot_id=id, entry_id=entry.id, amount_fen=sign * fen))
    if sign > 0 and rest:
        _open(entry, rest, grant)
    db.session.flush()


def _open(entry: BalanceEntry, fen: int, grant: BalanceGrant | None) -> None:
    lot = BalanceLot(
        organization_id=entry.organization_id, kind=LotKind.GRANTED if grant else LotKind.PURCHASED, entry_id=entry.id,
        grant_id=grant.id if grant else None, amount_fen=fen, rest_fen=fen, expires_on=grant.expires_on if grant else None,
    )  # fmt: skip
    db.session.add(lot)
    db.session.flush()
    db.session.add(LotMove(lot_id=lot.id, entry_id=entry.id, amount_fen=fen))


def _takeable(entry: BalanceEntry, parts: Mapping[int, int], at: datetime) -> list[spending.Lot]:
    """What was given pays bills and nothing else."""
    lots = [lot._replace(rest_fen=lot.rest_fen - parts.get(lot.id, 0)) for lot in _left(entry.organization_id)]
    if entry.kind is EntryKind.APPLIED and entry.bill_id is not None:
        return spending.usable(lots, local_day(at))
    return [lot for lot in lots if not lot.granted]


def _left(organization_id: int) -> list[spending.Lot]:
    columns = BalanceLot.id, BalanceLot.kind, BalanceLot.rest_fen, BalanceLot.expires_on
    query = select(*columns).where(BalanceLot.organization_id == organization_id, BalanceLot.rest_fen > 0)
    return [spending.Lot(id, kind is LotKind.GRANTED, fen, day) for id, kind, fen, day in db.session.execute(query)]


def _by_id(parts: Mapping[int, int]) -> dict[int, BalanceLot]:
    if not parts:
        return {}
    query = select(BalanceLot).where(BalanceLot.id.in_(parts)).execution_options(populate_existing=True)
    return {lot.id: lot for lot in db.session.scalars(query)}


def moved_by(*kinds: EntryKind, **about: int) -> dict[int, int]:
    """What entries of these kinds about something moved, by lot, in positive fen."""
    query = select(LotMove.lot_id, func.sum(LotMove.amount_fen)).join(LotMove.entry).where(BalanceEntry.kind.in_(kinds))
    for column, value in about.items():
        query = query.where(getattr(BalanceEntry, column) == value)
    return {id: abs(int(fen)) for id, fen in db.session.execute(query.group_by(LotMove.lot_id)) if fen}


def spent_on(bill: Bill) -> list[tuple[int, int]]:
    """What of which lots has paid a bill and was not taken out of it again, in the order it was spent."""
    query = select(LotMove.lot_id, LotMove.amount_fen).join(LotMove.entry)
    query = query.where(BalanceEntry.bill_id == bill.id, BalanceEntry.kind == EntryKind.APPLIED)
    found: list[tuple[int, int]] = []
    for id, fen in db.session.execute(query.order_by(LotMove.id)):
        found = [*found, (id, -fen)] if fen < 0 else spending.less(found, id, fen)
    return found


def restored_of(bill: Bill) -> dict[int, int]:
    """What of it credit notes have put back into those lots."""
    maker = aliased(BalanceEntry)
    query = select(LotMove.lot_id, func.sum(LotMove.amount_fen)).join(LotMove.entry).join(BalanceEntry.credit_note)
    query = query.join(LotMove.lot).join(maker, maker.id == BalanceLot.entry_id)
    own = or_(maker.credit_note_id.is_(None), maker.credit_note_id != BalanceEntry.credit_note_id)
    query = query.where(CreditNote.bill_id == bill.id, BalanceEntry.kind.in_([EntryKind.CREDIT, EntryKind.VOID]), own)
    return {id: int(fen) for id, fen in db.session.execute(query.group_by(LotMove.lot_id)) if fen}


def unspent(organization_id: int) -> dict[int, int]:
    """What is left of each credit note's balance, by the note's number; used ones are left out."""
    query = select(BalanceEntry.credit_note_id, LotMove.amount_fen, BalanceLot.rest_fen).join(LotMove.entry).join(LotMove.lot)
    query = query.where(BalanceEntry.organization_id == organization_id, BalanceEntry.kind == EntryKind.CREDIT, BalanceLot.rest_fen > 0)
    found: dict[int, int] = {}
    for note_id, fen, rest in db.session.execute(query.where(BalanceEntry.credit_note_id.is_not(None))):
        found[note_id or 0] = found.get(note_id or 0, 0) + min(fen, rest)
    return found


def _whole() -> Select[BalanceLot]:
    load = joinedload(BalanceLot.entry).joinedload(BalanceEntry.credit_note), joinedload(BalanceLot.grant)
    late = BalanceLot.kind == LotKind.PURCHASED
    return select(BalanceLot).options(*load).order_by(late, BalanceLot.expires_on, BalanceLot.id)
