"""Checking the counters against the events they were made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import func, select

from market import db
from market.catalog.models import Meter
from market.kit.period import days, local_day
from market.metering import counters, counts
from market.metering.counts import Key
from market.metering.models import UsageCounter, UsageEvent, UsageValue
from market.subscriptions.models import Subscription

_FIELDS = ("count", "sum", "max", "first_at", "last_at", "area", "closing")


class Difference(NamedTuple):
    """A counter that does not say what its events say."""

    key: Key
    field: str
    counted: object
    expected: object


def verify(subscription: Subscription) -> list[Difference]:
    """Work every counter of a subscription out again from the raw events; empty when all agree.

    An event counts for the meters of its type that existed when it was stored. Day by day, so that the longest
    subscription needs no more memory than its busiest day.
    """
    own = Meter.provider_id == subscription.provider_id, Meter.reads_id.is_(None)
    meters = db.session.scalars(select(Meter).where(*own)).all()
    return [each for day in _days(subscription) for each in verify_day(subscription, day, meters)]


def verify_day(subscription: Subscription, day: date, meters: Sequence[Meter]) -> Iterator[Difference]:
    """The differences of one local day, for meters with counters of their own."""
    stand = counts.of_day(days(day, day), [subscription.id], meters)
    counted = {(row.subscription_id, row.meter_id, row.day, row.slice): row for row in _rows(UsageCounter, subscription, day)}
    seen = {
        key: list(rows) for key, rows in groupby(
            _rows(UsageValue, subscription, day), key=lambda row: (row.subscription_id, row.meter_id, row.day, row.slice)
        )
    }  # fmt: skip
    for key in sorted(stand.keys() | counted.keys() | seen.keys()):
        group = stand.get(key, [])
        yield from _compare(key, counted.get(key), group)
        right = [(row.value, row.present, row.last_at) for row in counters.labels(key, group)]
        found = sorted((row.value, row.present, row.last_at) for row in seen.get(key, []))
        if found != right:
            yield Difference(key, "values", found, right)


def _days(subscription: Subscription) -> list[date]:
    """Every local day that has events or counters."""
    known = {
        day for model in (UsageCounter, UsageValue)
        for day in db.session.scalars(select(model.day).where(model.subscription_id == subscription.id).distinct())
    }  # fmt: skip
    return sorted(known | set(_days_of_events(subscription)))


def _days_of_events(subscription: Subscription) -> Iterator[date]:
    """From one day's last event to the next one after it, so that no event is read twice."""
    after: datetime | None = None
    while (first := _first_after(subscription, after)) is not None:
        day = local_day(first)
        yield day
        after = days(day, day).end


def _first_after(subscription: Subscription, after: datetime | None) -> datetime | None:
    query = select(func.min(UsageEvent.at)).where(UsageEvent.subscription_id == subscription.id)
    return db.session.scalar(query if after is None else query.where(UsageEvent.at >= after))


def _rows(model: Any, subscription: Subscription, day: date) -> Sequence[Any]:
    query = select(model).where(model.subscription_id == subscription.id, model.day == day)
    query = query.order_by(model.meter_id, model.slice).execution_options(populate_existing=True)
    return db.session.scalars(query).all()


def _compare(key: Key, row: UsageCounter | None, group: list[counts.Count]) -> Iterator[Difference]:
    if row is None or not group:
        yield Difference(key, "row", row and row.count, len(group))
        return
    right = counters.row(key, group)
    for name in _FIELDS:
        if getattr(row, name) != getattr(right, name):
            yield Difference(key, name, getattr(row, name), getattr(right, name))
