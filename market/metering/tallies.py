"""The counters of plain meters, added up for a whole request before the database moves them once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from market.catalog.models import Aggregation
from market.metering import counters, values
from market.metering.counts import Key
from market.metering.lanes import MILLIONTHS, Lane
from market.metering.moves import Move

_DAY_LIMIT = int(values.DAY_LIMIT) * MILLIONTHS


class Tally:
    """What one counter moves by; amounts in millionths."""

    __slots__ = ("aggregation", "count", "highest", "total")

    def __init__(self, aggregation: Aggregation, value: int) -> None:
        self.aggregation = aggregation
        self.count, self.total, self.highest = 1, value, value


def of(events: Iterable[tuple[Lane, date, Sequence[int]]]) -> dict[Key, Tally]:
    """What events come to: the lane of each, its local day, and what the lane's scales read."""
    books: dict[tuple[int, date], tuple[Lane, list[Tally]]] = {}
    for lane, day, weights in events:
        book = books.get((lane.number, day))
        if book is None:
            books[lane.number, day] = lane, [Tally(scale.aggregation, value) for scale, value in zip(lane.scales, weights, strict=True)]
            continue
        for tally, value in zip(book[1], weights, strict=True):
            tally.count += 1
            tally.total += value
            if value > tally.highest:
                tally.highest = value
    return {
        (lane.subject.id, scale.counter_id, day, ""): tally
        for (_, day), (lane, tallies) in books.items()
        for scale, tally in zip(lane.scales, tallies, strict=True)
    }


def overfull(tallies: dict[Key, Tally]) -> Collection[Key]:
    """The counters whose sum would pass what one holds."""
    added = {key: tally.total for key, tally in tallies.items() if tally.aggregation is Aggregation.SUM}
    stored = counters.sums(list(added))
    return {key for key, total in added.items() if stored.get(key, 0) * MILLIONTHS + total > _DAY_LIMIT}


def moved(tallies: dict[Key, Tally]) -> list[Move]:
    """By how much the counters move, in the one order in which everybody moves them."""
    return [
        (*key, tally.count, tally.total if tally.aggregation is Aggregation.SUM else 0,
         tally.highest if tally.aggregation is Aggregation.MAX else None)
        for key, tally in sorted(tallies.items())
    ]  # fmt: skip
