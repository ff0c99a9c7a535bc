"""The counters of plain meters, added up for a whole request before the database moves them once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from market.catalog.models import Aggregation
from market.metering import counters, values
from market.metering.arrivals import Arrival
from market.metering.counts import Key
from market.metering.lanes import MILLIONTHS, Lane
from market.metering.moves import Move

#: What the sum of one counter may be, in millionths.
DAY_LIMIT = int(values.DAY_LIMIT) * MILLIONTHS


class Tally(NamedTuple):
    """What one counter moves by; amounts in millionths."""

    aggregation: Aggregation
    events: int
    total: int
    highest: int


def of(arrivals: Iterable[Arrival]) -> dict[Key, Tally]:
    """What plain meters count of events that nothing speaks against."""
    books: dict[tuple[int, date], tuple[Lane, list[list[int]]]] = {}
    for arrival in arrivals:
        if lane := arrival.lane:
            book = books.get((lane.number, arrival.day))
            if book is None:
                book = books[lane.number, arrival.day] = lane, []
            book[1].append(arrival.weights)
    return {
        (lane.subject.id, scale.counter_id, day, ""): Tally(scale.aggregation, len(read), sum(read), max(read))
        for (_, day), (lane, weights) in books.items()
        for scale, read in zip(lane.scales, zip(*weights, strict=True), strict=True)
    }


def overfull(tallies: dict[Key, Tally]) -> Collection[Key]:
    """The counters whose sum would pass what one holds."""
    added = {key: tally.total for key, tally in tallies.items() if tally.aggregation is Aggregation.SUM}
    stored = counters.sums(list(added))
    return {key for key, total in added.items() if stored.get(key, 0) * MILLIONTHS + total > DAY_LIMIT}


def moved(tallies: dict[Key, Tally]) -> list[Move]:
    """By how much the counters move, in the one order in which everybody moves them."""
    return [
        (*key, tally.events, tally.total if tally.aggregation is Aggregation.SUM else 0,
         tally.highest if tally.aggregation is Aggregation.MAX else None)
        for key, tally in sorted(tallies.items())
    ]  # fmt: skip
