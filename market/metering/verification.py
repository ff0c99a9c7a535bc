"""Checking the counters against the events they were made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import func, select

from market import db
from market.catalog.models import Aggregation, Meter
from market.kit.period import Period, local_midnight, month_of
from market.metering import archived, counters, counts
from market.metering.counts import Count, Key
from market.metering.models import UsageCounter, UsageEvent, UsageValue
from market.metering.moves import CounterRow, ValueRow
from market.subscriptions.models import Subscription

_FIELDS = ("count", "sum", "max", "first_at", "last_at", "area", "closing")
#: Events of one counter that are held at a time.
_AT_ONCE = 1000


class Difference(NamedTuple):
    """A counter that does not say what its events say."""

    key: Key
    field: str
    counted: object
    expected: object


def verify(subscription: Subscription) -> list[Difference]:
    """Work every counter of a subscription out again from the raw events; empty when all agree.

    An event counts for the meters of its type that existed when it was stored. Month by month and day by day, so
    that the longest subscription needs no more memory than its busiest day. What was archived is left out.
    """
    meters = meters_of(subscription.provider_id)
    return [each for month in months_of(subscription.id) for each in verify_month(subscription.id, month, meters)]


def meters_of(provider_id: int) -> Sequence[Meter]:
    """A provider's meters with counters of their own."""
    own = Meter.provider_id == provider_id, Meter.reads_id.is_(None)
    return db.session.scalars(select(Meter).where(*own)).all()


def months_of(subscription_id: int) -> Iterator[Period]:
    """Every month from a subscription's first to its last event or counter."""
    known: list[Any] = []
    for model in (UsageCounter, UsageValue):
        edges = select(func.min(model.day), func.max(model.day)).where(model.subscription_id == subscription_id)
        known += [local_midnight(day) for day in db.session.execute(edges).one() if day is not None]
    edges = select(func.min(UsageEvent.at), func.max(UsageEvent.at)).where(UsageEvent.subscription_id == subscription_id)
    known += [at for at in db.session.execute(edges).one() if at is not None]
    if known:
        month, last = month_of(min(known)), max(known)
        while month.start <= last:
            yield month
            month = month.next()


def verify_month(subscription_id: int, month: Period, meters: Sequence[Meter]) -> Iterator[Difference]:
    """The differences of one month, from the events in the database; none when they have been archived."""
    found = counts.of_events([subscription_id], meters, month.start, month.end)
    if archived.month_at(month.start) is not None:
        first = next(found, None)
        if first is None:
            return
        found = _before(first, found)
    yield from compare(subscription_id, month, found)


def compare(subscription_id: int, month: Period, found: Iterable[Count]) -> Iterator[Difference]:
    """The differences between a month's counters and what events, in order of time and arrival, count."""
    counted, rest = _counters(subscription_id, month), _days_of_values(subscription_id, month)
    for day, group in groupby(found, key=lambda count: count.key[2]):
        yield from _day(subscription_id, day, _folded(group), counted.pop(day, {}))
        rest.discard(day)
    for day in sorted(counted.keys() | rest):
        yield from _day(subscription_id, day, {}, counted.get(day, {}))


class _Fold:
    """What one counter should say, taken in so many events at a time."""

    def __init__(self) -> None:
        self.row: CounterRow | None = None
        self.members: dict[str, ValueRow] = {}
        self._waiting: list[Count] = []

    def add(self, count: Count) -> None:
        """One more event, no earlier than the ones before."""
        self._waiting.append(count)
        if len(self._waiting) == _AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Take in what waits."""
        group, self._waiting = self._waiting, []
        if group:
            self.members |= {row.value: row for row in counters.labels(group[0].key, group)}
            self.row = counters.row(group[0].key, group) if self.row is None else _more(self.row, group)


def _more(row: CounterRow, group: list[Count]) -> CounterRow:
    key, aggregation = group[0].key, group[0].meter.aggregation
    if aggregation in (Aggregation.TIME_WEIGHTED, Aggregation.LATEST):
        return counters.carried(key, group, row)
    more = counters.row(key, group)
    largest = None if row.max is None or more.max is None else max(row.max, more.max)
    return replace(row, count=row.count + more.count, sum=row.sum + more.sum, max=largest)


def _folded(group: Iterable[Count]) -> dict[Key, _Fold]:
    folds: dict[Key, _Fold] = defaultdict(_Fold)
    for count in group:
        folds[count.key].add(count)
    for fold in folds.values():
        fold.finish()
    return folds


def _before(first: Count, rest: Iterator[Count]) -> Iterator[Count]:
    yield first
    yield from rest


def _day(
    subscription_id: int, day: date, stand: Mapping[Key, _Fold], counted: Mapping[Key, UsageCounter]
) -> Iterator[Difference]:
    seen = _values(subscription_id, day)
    for key in sorted(stand.keys() | counted.keys() | seen.keys()):
        fold = stand.get(key) or _Fold()
        yield from _compare(key, counted.get(key), fold.row)
        right = sorted((row.value, row.present, row.last_at) for row in fold.members.values())
        found = sorted((row.value, row.present, row.last_at) for row in seen.get(key, []))
        if found != right:
            yield Difference(key, "values", found, right)


def _counters(subscription_id: int, month: Period) -> dict[date, dict[Key, UsageCounter]]:
    query = select(UsageCounter).where(
        UsageCounter.subscription_id == subscription_id, UsageCounter.day >= month.first_day, UsageCounter.day <= month.last_day
    )
    found: dict[date, dict[Key, UsageCounter]] = defaultdict(dict)
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        found[row.day][row.subscription_id, row.meter_id, row.day, row.slice] = row
    return found


def _values(subscription_id: int, day: date) -> dict[Key, list[UsageValue]]:
    query = select(UsageValue).where(UsageValue.subscription_id == subscription_id, UsageValue.day == day)
    found: dict[Key, list[UsageValue]] = defaultdict(list)
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        found[row.subscription_id, row.meter_id, row.day, row.slice].append(row)
    return found


def _days_of_values(subscription_id: int, month: Period) -> set[date]:
    query = select(UsageValue.day).where(
        UsageValue.subscription_id == subscription_id, UsageValue.day >= month.first_day, UsageValue.day <= month.last_day
    )
    return set(db.session.scalars(query.distinct()))


def _compare(key: Key, row: UsageCounter | None, right: CounterRow | None) -> Iterator[Difference]:
    if row is None or right is None:
        if row is not None or right is not None:
            yield Difference(key, "row", row and row.count, right.count if right else 0)
        return
    for name in _FIELDS:
        if getattr(row, name) != getattr(right, name):
            yield Difference(key, name, getattr(row, name), getattr(right, name))
