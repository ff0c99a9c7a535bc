"""Quantities: what a meter of a subscription comes to in a period, from the day counters.

Exact throughout, rounded half up to six places once, at the end; that visible figure is what is rated.
A period starts at a local midnight; it may end at any instant (a running bill ends now). Time-weighted
meters stop at that instant or at the subscription's end; the others count the whole last day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import func, select

from market import db
from market.catalog.models import Aggregation, Meter, TimeBase
from market.kit.period import Period, local_day, local_midnight, month_of
from market.kit.quantity import round6
from market.metering import counters, weighing
from market.metering.models import UsageCounter
from market.metering.weighing import Day, Reading
from market.subscriptions.models import Subscription

#: Subscription and meter.
Key = tuple[int, int]
ZERO = Decimal(0)


@dataclass(slots=True)
class _Series:
    """One meter of one subscription over a period, as read from the counters."""

    meter: Meter
    stop: datetime
    opening: Decimal = ZERO
    days: dict[date, UsageCounter] = field(default_factory=dict)
    last: list[Reading] = field(default_factory=list)

    def amounts(self, period: Period) -> Iterator[tuple[date, Decimal]]:
        """What each day adds: value × seconds of a gauge, else reported units."""
        span = _days(period)
        if self.meter.aggregation is Aggregation.TIME_WEIGHTED:
            known = {day: figures for day, row in self.days.items() if (figures := _figures(row))}
            yield from weighing.by_day(span, self.opening, known, self.stop, self.last)
            return
        for day in span:
            row = self.days.get(day)
            yield day, _counted(self.meter, row) if row else ZERO


def quantity(
    subscription: Subscription,
    meter: Meter,
    period: Period,
    *,
    until: datetime | None = None,
    whole: Period | None = None,
) -> Decimal:
    """The quantity in priced units, six places; arguments as for `quantities`."""
    found = quantities([subscription.id], period, until=until, whole=whole)
    return found.get((subscription.id, meter.id), ZERO)


def quantities(
    subscription_ids: Collection[int],
    period: Period,
    *,
    until: datetime | None = None,
    whole: Period | None = None,
) -> dict[Key, Decimal]:
    """Quantities of every meter that counted anything, by subscription and meter.

    Gauges are carried no further than `until`. An `hour` gauge gives value × hours; a `period` gauge its
    mean over `whole`, by default the calendar month that `period` lies in, so that the quantities of a
    month's segments add up to the month's.
    """
    whole = whole or _whole(period)
    return {
        key: _priced(series.meter, _combined(series.meter, series.amounts(period)), whole)
        for key, series in _series(subscription_ids, period, until).items()
    }


def daily(
    subscription: Subscription, meter: Meter, period: Period, *, until: datetime | None = None
) -> list[tuple[date, Decimal]]:
    """Each day's quantity, zero days included; of a `period` gauge the day's mean."""
    found = dailies([subscription.id], period, until=until).get((subscription.id, meter.id))
    return found or [(day, ZERO) for day in _days(period)]


def dailies(
    subscription_ids: Collection[int], period: Period, *, until: datetime | None = None
) -> dict[Key, list[tuple[date, Decimal]]]:
    """`daily` of every meter that counted anything, by subscription and meter."""
    day_long = Period(period.start, period.start + weighing.DAY)
    return {
        key: [(day, _priced(series.meter, amount, day_long)) for day, amount in series.amounts(period)]
        for key, series in _series(subscription_ids, period, until).items()
    }


def _series(
    subscription_ids: Collection[int], period: Period, until: datetime | None
) -> dict[Key, _Series]:
    if local_midnight(period.first_day) != period.start:
        raise ValueError(f"a period of usage starts at a local midnight, not at {period.start}")
    stops = _stops(subscription_ids, min(period.end, until or period.end))
    series: dict[Key, _Series] = {}
    for row, meter in _rows(subscription_ids, period):
        key = row.subscription_id, row.meter_id
        series.setdefault(key, _Series(meter, stops[key[0]])).days[row.day] = row
    for subscription_id, closing, meter in _openings(subscription_ids, period):
        key = subscription_id, meter.id
        series.setdefault(key, _Series(meter, stops[subscription_id])).opening = closing
    _add_last_readings(series)
    return series


def _rows(subscription_ids: Collection[int], period: Period) -> Iterator[tuple[UsageCounter, Meter]]:
    query = (
        select(UsageCounter, Meter)
        .join(Meter, Meter.id == UsageCounter.meter_id)
        .where(
            UsageCounter.subscription_id.in_(subscription_ids),
            UsageCounter.day >= period.first_day,
            UsageCounter.day <= period.last_day,
        )
        # The counters move by statements that the session does not see.
        .execution_options(populate_existing=True)
    )
    yield from db.session.execute(query)


def _openings(subscription_ids: Collection[int], period: Period) -> Iterator[tuple[int, Decimal, Meter]]:
    """The values with which gauges enter the period: the closing of the last earlier day that has one."""
    columns = UsageCounter.subscription_id, UsageCounter.meter_id
    latest = (
        select(*columns, func.max(UsageCounter.day).label("day"))
        .where(
            UsageCounter.subscription_id.in_(subscription_ids),
            UsageCounter.day < period.first_day,
            UsageCounter.closing.is_not(None),
        )
        .group_by(*columns)
        .subquery()
    )
    query = (
        select(UsageCounter.subscription_id, UsageCounter.closing, Meter)
        .join(
            latest,
            (UsageCounter.subscription_id == latest.c.subscription_id)
            & (UsageCounter.meter_id == latest.c.meter_id)
            & (UsageCounter.day == latest.c.day),
        )
        .join(Meter, Meter.id == UsageCounter.meter_id)
    )
    for subscription_id, closing, meter in db.session.execute(query):
        if closing is not None:
            yield subscription_id, closing, meter


def _stops(subscription_ids: Collection[int], end: datetime) -> dict[int, datetime]:
    """Where each subscription's gauges stop."""
    query = select(Subscription.id, Subscription.ended_at, Subscription.cancel_at)
    rows = db.session.execute(query.where(Subscription.id.in_(subscription_ids)))
    return {id: min(end, ended_at or cancel_at or end) for id, ended_at, cancel_at in rows}


def _add_last_readings(series: Mapping[Key, _Series]) -> None:
    """Days that end before midnight are weighed from the readings themselves."""
    cut: dict[date, dict[Key, _Series]] = defaultdict(dict)
    for key, each in series.items():
        day = local_day(each.stop)
        gauge = each.meter.aggregation is Aggregation.TIME_WEIGHTED
        if gauge and day in each.days and local_midnight(day) != each.stop:
            cut[day][key] = each
    for day, group in cut.items():
        meters = {each.meter.id: each.meter for each in group.values()}
        found = counters.readings(day, {key[0] for key in group}, meters.values())
        for key, each in group.items():
            each.last = found[key]


def _days(period: Period) -> list[date]:
    return [period.first_day + timedelta(days=n) for n in range(period.days)]


def _whole(period: Period) -> Period:
    month = month_of(period.start)
    return month if period.end <= month.end else period


def _figures(row: UsageCounter) -> Day | None:
    if row.first_at is None or row.closing is None:
        return None
    return Day(row.first_at, row.area, row.closing)


def _counted(meter: Meter, row: UsageCounter) -> Decimal:
    if meter.aggregation is Aggregation.COUNT:
        return Decimal(row.count)
    if meter.aggregation is Aggregation.MAX:
        return ZERO if row.max is None else row.max
    return row.sum


def _combined(meter: Meter, amounts: Iterator[tuple[date, Decimal]]) -> Decimal:
    numbers = [amount for _, amount in amounts]
    return max(numbers, default=ZERO) if meter.aggregation is Aggregation.MAX else sum(numbers, ZERO)


def _priced(meter: Meter, amount: Decimal, whole: Period) -> Decimal:
    exact = Fraction(amount) / meter.unit_size
    if meter.time_base is TimeBase.HOUR:
        exact /= 3600
    elif meter.time_base is TimeBase.PERIOD:
        exact /= int(whole.length.total_seconds())
    return round6(exact)
