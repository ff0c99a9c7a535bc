"""Which lots a balance is spent from, and which get it back. Pure.

What was given is spent before what was bought; of each the one that ends first, then the oldest. What is given back
goes the other way round: what was spent last comes back first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple


class Lot(NamedTuple):
    """What is left of one."""

    id: int
    granted: bool
    rest_fen: int
    expires_on: date | None = None


def in_order(lots: Iterable[Lot]) -> list[Lot]:
    """As they are spent."""
    return sorted(lots, key=lambda lot: (not lot.granted, lot.expires_on or date.max, lot.id))


def usable(lots: Iterable[Lot], today: date) -> list[Lot]:
    """Those whose day is not past."""
    return [lot for lot in lots if lot.expires_on is None or today <= lot.expires_on]


def taken(lots: Iterable[Lot], fen: int) -> dict[int, int]:
    """How much of which lot so much is taken from. Raises ValueError where they do not hold it."""
    parts: dict[int, int] = {}
    for lot in in_order(lots):
        part = min(lot.rest_fen, fen)
        if part > 0:
            parts[lot.id] = part
            fen -= part
    if fen:
        raise ValueError(f"the lots lack {fen} fen")
    return parts


def less(spent: Sequence[tuple[int, int]], lot_id: int, fen: int) -> list[tuple[int, int]]:
    """What was taken, without so much of one lot: the last of it first."""
    left = []
    for id, amount in reversed(spent):
        gone = min(amount, fen) if id == lot_id else 0
        fen -= gone
        if amount > gone:
            left.append((id, amount - gone))
    return left[::-1]


def restored(spent: Sequence[tuple[int, int]], back: dict[int, int], fen: int) -> dict[int, int]:
    """Which lots get so much back, as far as it came from lots.

    `spent` is what was taken, by lot, in its order; `back` is what each of them got back before.
    """
    before, parts = dict(back), dict[int, int]()
    for lot_id, amount in reversed(spent):
        # What came back before is what was spent last.
        gone = min(before.get(lot_id, 0), amount)
        before[lot_id] = before.get(lot_id, 0) - gone
        part = min(amount - gone, fen)
        if part > 0:
            parts[lot_id] = parts.get(lot_id, 0) + part
            fen -= part
    return parts
