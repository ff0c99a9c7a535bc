"""The counters of plain meters, added up for a whole request before the database moves them once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

import msgspec

from market.catalog.models import Aggregation
from market.metering import counters, moves, values
from market.metering.counts import Key
from market.metering.lanes import MILLIONTHS, Lane

_DAY_LIMIT = int(values.DAY_LIMIT) * MILLIONTHS


class Tally:
    """What one counter moves by; amounts in millionths."""

    __slots__ = ("aggregation", "count", "highest", "total")

    def __init__(self, aggregation: Aggregation, value: int) -> None:
        self.aggregation = aggregation
        self.count, self.total, self.highest = 1, value, value

    def add(self, value: int) -> None:
        """One more event."""
        self.count += 1
        self.total += value
        if value > self.highest:
            self.highest = value


class Counted(msgspec.Struct, gc=False):
    """An event that plain meters count: the values of `lane.scales`, in their order."""

    lane: Lane
    day: date
    weights: list[int]


def of(events: Iterable[Counted]) -> dict[Key, Tally]:
    """What the events come to."""
    tallies: dict[Key, Tally] = {}
    for event in events:
        subscription_id = event.lane.subject.id
        for scale, value in zip(event.lane.scales, event.weights, strict=True):
            key = (subscription_id, scale.counter_id, event.day, "")
            tally = tallies.get(key)
            if tally is None:
                tallies[key] = Tally(scale.aggregation, value)
            else:
                tally.add(value)
    return tallies


def overfull(tallies: dict[Key, Tally]) -> Collection[Key]:
    """The counters whose sum would pass what one holds."""
    added = {key: tally.total for key, tally in tallies.items() if tally.aggregation is Aggregation.SUM}
    stored = counters.sums(list(added))
    return {key for key, total in added.items() if stored.get(key, 0) * MILLIONTHS + total > _DAY_LIMIT}


def apply(tallies: dict[Key, Tally]) -> None:
    """Move the counters."""
    moves.add([
        (*key, tally.count, tally.total if tally.aggregation is Aggregation.SUM else 0,
         tally.highest if tally.aggregation is Aggregation.MAX else None)
        for key, tally in sorted(tallies.items())
    ])  # fmt: skip
