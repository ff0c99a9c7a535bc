"""Checking the counters against the events they were made of."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from sqlalchemy import select

from market import db
from market.catalog.models import Aggregation, Meter
from market.kit.period import local_day
from market.metering import counters, values, weighing
from market.metering.counters import Count, Key
from market.metering.models import UsageCounter, UsageEvent
from market.subscriptions.models import Subscription


class Difference(NamedTuple):
    """A counter that does not say what its events say."""

    key: Key
    field: str
    counted: object
    expected: object


def verify(subscription: Subscription) -> list[Difference]:
    """Work every counter of a subscription out again from the raw events; empty when all agree.

    An event counts for the meters of its type that existed when it was stored.
    """
    expected = _expected(subscription)
    rows = select(UsageCounter).where(UsageCounter.subscription_id == subscription.id)
    counted = {
        (row.subscription_id, row.meter_id, row.day): row
        for row in db.session.scalars(rows.execution_options(populate_existing=True))
    }
    return [
        difference
        for key in sorted(expected.keys() | counted.keys())
        for difference in _compare(key, counted.get(key), expected.get(key, []))
    ]


def _expected(subscription: Subscription) -> dict[Key, list[Count]]:
    meters: dict[str, list[Meter]] = defaultdict(list)
    for meter in db.session.scalars(select(Meter).where(Meter.provider_id == subscription.provider_id)):
        meters[meter.event_type].append(meter)
    events = select(UsageEvent).where(UsageEvent.subscription_id == subscription.id)
    groups: dict[Key, list[Count]] = defaultdict(list)
    for event in db.session.scalars(events.order_by(UsageEvent.at, UsageEvent.id)):
        for meter in meters[event.type]:
            if event.stored_at >= meter.created_at:
                count = Count((subscription.id, meter.id, local_day(event.at)), meter, event.at, values.value_of(meter, event.data))
                groups[count.key].append(count)
    return groups


def _compare(key: Key, row: UsageCounter | None, counts: list[Count]) -> list[Difference]:
    if row is None or not counts:
        return [Difference(key, "row", row and row.count, len(counts))]
    meter = counts[0].meter
    weighed = None
    if meter.aggregation is Aggregation.TIME_WEIGHTED:
        weighed = weighing.day_of(local_day(counts[0].at), [weighing.Reading(c.at, c.value) for c in counts])
    right = counters.row(key, counts, weighed)
    return [
        Difference(key, name, getattr(row, name), getattr(right, name))
        for name in ("count", "sum", "max", "first_at", "area", "closing")
        if getattr(row, name) != getattr(right, name)
    ]
