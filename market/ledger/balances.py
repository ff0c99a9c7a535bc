"""Are balances what is left of their lots? Three tellings of it: entries, lots, and what entries moved in lots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, select

from market import db
from market.billing.credit_notes import BalanceEntry, BalanceLot, LotKind, LotMove

#: What it is about, what is looked at, what is found, and what it should be.
Wrong = tuple[str, str, object, object]


def left(kind: LotKind) -> Mapping[Any, int]:
    """What is left of all lots of a kind, by organization."""
    query = select(BalanceLot.organization_id, func.sum(BalanceLot.rest_fen)).where(BalanceLot.kind == kind)
    return {id: int(fen) for id, fen in db.session.execute(query.group_by(BalanceLot.organization_id))}


def wrong() -> Iterator[Wrong]:
    """Every balance, entry and lot that the others contradict."""
    yield from _entries()
    yield from _lots()
    lots = select(BalanceLot.organization_id, func.sum(BalanceLot.rest_fen)).group_by(BalanceLot.organization_id)
    held = {id: int(fen) for id, fen in db.session.execute(lots)}
    whole = select(BalanceEntry.organization_id, func.sum(BalanceEntry.amount_fen)).group_by(BalanceEntry.organization_id)
    for id, fen in db.session.execute(whole):
        if held.get(id, 0) != int(fen):
            yield f"organization {id}", "lots", held.get(id, 0), int(fen)


def _entries() -> Iterator[Wrong]:
    """Each moves in lots what it moves in the balance, and each balance is the one before and the movement."""
    moved = func.coalesce(func.sum(LotMove.amount_fen), 0)
    query = select(BalanceEntry.id, BalanceEntry.amount_fen, moved).outerjoin(LotMove, LotMove.entry_id == BalanceEntry.id)
    for id, fen, found in db.session.execute(query.group_by(BalanceEntry.id, BalanceEntry.amount_fen).having(moved != BalanceEntry.amount_fen)):
        yield f"balance entry {id}", "lots", int(found), fen
    stand = func.sum(BalanceEntry.amount_fen).over(partition_by=BalanceEntry.organization_id, order_by=BalanceEntry.number)
    course = select(BalanceEntry.id, BalanceEntry.after_fen, stand.label("stand")).subquery()
    for id, after, expected in db.session.execute(select(course).where(course.c.after_fen != course.c.stand)):
        yield f"balance entry {id}", "after", after, int(expected)


def _lots() -> Iterator[Wrong]:
    moved = func.coalesce(func.sum(LotMove.amount_fen), 0)
    query = select(BalanceLot.id, BalanceLot.rest_fen, moved).outerjoin(LotMove, LotMove.lot_id == BalanceLot.id)
    for id, rest, found in db.session.execute(query.group_by(BalanceLot.id, BalanceLot.rest_fen).having(moved != BalanceLot.rest_fen)):
        yield f"balance lot {id}", "rest", rest, int(found)
