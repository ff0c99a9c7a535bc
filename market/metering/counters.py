"""Day counters: what bills and budgets read, moved in the transaction of the events.

Whoever calls `apply` holds the subscriptions (`queries.hold`), so two requests never work out the
same gauge's day at once. Sums, counts and maxima are moved by the database itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_

from market import db
from market.catalog.models import Aggregation, Meter
from market.kit.period import Period, days
from market.metering import store, values, weighing
from market.metering.models import UsageCounter, UsageEvent
from market.metering.store import CounterRow
from market.metering.weighing import Reading

#: Subscription, meter, local day.
Key = tuple[int, int, date]

#: SQLite takes 32,766 parameters in one statement.
PAGE = 5000


class Count(NamedTuple):
    """One event as one meter sees it."""

    #: The counter it moves.
    key: Key
    meter: Meter
    at: datetime
    value: Decimal


def overfull(counts: Iterable[Count]) -> set[Key]:
    """The days whose sum would pass what a counter holds, were these counted too."""
    added: dict[Key, Decimal] = defaultdict(Decimal)
    for count in counts:
        if count.meter.aggregation is Aggregation.SUM:
            added[count.key] += count.value
    sums = _sums(list(added))
    return {key for key, value in added.items() if sums.get(key, 0) + value > values.DAY_LIMIT}


def apply(counts: Sequence[Count]) -> None:
    """Move the counters of events that have just been stored."""
    by_key: dict[Key, list[Count]] = defaultdict(list)
    for count in counts:
        by_key[count.key].append(count)
    gauges = {
        key: group[0].meter for key, group in by_key.items()
        if group[0].meter.aggregation is Aggregation.TIME_WEIGHTED
    }  # fmt: skip
    weighed = _weigh(gauges)
    store.move([row(key, by_key[key], weighed.get(key)) for key in sorted(by_key)])


def readings(
    day: date, subscription_ids: Collection[int], meters: Collection[Meter]
) -> dict[tuple[int, int], list[Reading]]:
    """A day's readings of gauges, by subscription and meter, in order of time and arrival."""
    by_type: dict[str, list[Meter]] = defaultdict(list)
    for meter in meters:
        by_type[meter.event_type].append(meter)
    span = days(day, day)
    found: dict[tuple[int, int], list[Reading]] = defaultdict(list)
    for event in _events(span, subscription_ids, by_type):
        for meter in by_type[event.type]:
            if event.stored_at >= meter.created_at:
                reading = Reading(event.at, values.value_of(meter, event.data))
                found[event.subscription_id, meter.id].append(reading)
    return found


def row(key: Key, group: list[Count], weighed: weighing.Day | None) -> CounterRow:
    """What one counter moves by; a gauge's day is given whole."""
    aggregation = group[0].meter.aggregation
    numbers = [count.value for count in group]
    return CounterRow(
        *key,
        count=len(group),
        sum=sum(numbers, Decimal()) if aggregation is Aggregation.SUM else Decimal(),
        max=max(numbers) if aggregation is Aggregation.MAX else None,
        first_at=weighed.first_at if weighed else None,
        area=weighed.area if weighed else Decimal(),
        closing=weighed.closing if weighed else None,
    )


def _weigh(gauges: Mapping[Key, Meter]) -> dict[Key, weighing.Day]:
    by_day: dict[date, list[Key]] = defaultdict(list)
    for key in gauges:
        by_day[key[2]].append(key)
    weighed: dict[Key, weighing.Day] = {}
    for day, keys in by_day.items():
        meters = {gauges[key].id: gauges[key] for key in keys}
        found = readings(day, {key[0] for key in keys}, meters.values())
        for key in keys:
            weighed[key] = weighing.day_of(day, found[key[0], key[1]])
    return weighed


def _events(span: Period, subscription_ids: Collection[int], types: Collection[str]) -> Iterable[Any]:
    query = (
        select(
            UsageEvent.subscription_id, UsageEvent.type, UsageEvent.at, UsageEvent.stored_at, UsageEvent.data
        )
        .where(UsageEvent.type.in_(types), UsageEvent.at >= span.start, UsageEvent.at < span.end)
        .order_by(UsageEvent.at, UsageEvent.id)
    )
    for page in _pages(sorted(subscription_ids)):
        yield from db.session.execute(query.where(UsageEvent.subscription_id.in_(page)))


def _sums(keys: list[Key]) -> dict[Key, Decimal]:
    sums: dict[Key, Decimal] = {}
    columns = (UsageCounter.subscription_id, UsageCounter.meter_id, UsageCounter.day)
    for page in _pages(keys):
        for subscription_id, meter_id, day, total in db.session.execute(
            select(*columns, UsageCounter.sum).where(tuple_(*columns).in_(page))
        ):
            sums[subscription_id, meter_id, day] = total
    return sums


def _pages(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (rows[start : start + PAGE] for start in range(0, len(rows), PAGE))
