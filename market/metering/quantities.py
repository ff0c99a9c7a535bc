"""Quantities: what a meter of a subscription comes to in a period, from the day counters.

Exact throughout, rounded half up to six places once, at the end; that visible figure is what is rated.
A period starts at a local midnight; it may end at any instant (a running bill ends now). Time-weighted
meters stop at that instant or at the subscription's end; the others count the whole last day.
`only` leaves the slices that a filter lets through; `Aggregation` says how slices come together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from market.catalog.models import Filter, Meter, TimeBase
from market.kit.period import Period, month_of
from market.kit.quantity import round6
from market.metering import series, weighing
from market.rating import Transactions
from market.subscriptions.models import Subscription

#: Subscription and meter.
Key = tuple[int, int]
ZERO = Decimal(0)


class DayUse(NamedTuple):
    """A day of a period in priced units: its own quantity, and the period's as it stood by the end of the day.

    Of a gauge with the time base `period` the day's mean; of `latest` both are what stood at the end of the day.
    """

    day: date
    quantity: Decimal
    to_date: Decimal


def quantity(
    subscription: Subscription,
    meter: Meter,
    period: Period,
    *,
    until: datetime | None = None,
    whole: Period | None = None,
    only: Filter | None = None,
) -> Decimal:
    """The quantity in priced units, six places; arguments as for `quantities`."""
    found = quantities([subscription.id], period, until=until, whole=whole, only=only)
    return found.get((subscription.id, meter.id), ZERO)


def quantities(
    subscription_ids: Collection[int],
    period: Period,
    *,
    until: datetime | None = None,
    whole: Period | None = None,
    only: Filter | None = None,
) -> dict[Key, Decimal]:
    """Quantities of every meter that counted anything, by subscription and meter.

    Gauges are carried no further than `until`. An `hour` gauge gives value × hours; a `period` gauge its
    mean over `whole`, by default the calendar month that `period` lies in, so that the quantities of a
    month's segments add up to the month's.
    """
    whole = whole or _whole(period)
    return {
        key[:2]: priced(each.meter, each.points(period)[-1].to_date, whole)
        for key, each in series.read(subscription_ids, period, until, only=only).items()
    }


def grouped(
    subscription_ids: Collection[int],
    meter: Meter,
    period: Period,
    *,
    by: Sequence[str],
    until: datetime | None = None,
    whole: Period | None = None,
    only: Filter | None = None,
) -> dict[tuple[int, tuple[str | None, ...]], Decimal]:
    """Quantities of one meter by subscription and the values of some of its dimensions; None where events name none."""
    whole = whole or _whole(period)
    found = series.read(subscription_ids, period, until, only=only, by=by, meter=meter)
    return {(key[0], key[2]): priced(meter, each.points(period)[-1].to_date, whole) for key, each in found.items()}


def courses(
    subscription_ids: Collection[int],
    period: Period,
    *,
    until: datetime | None = None,
    whole: Period | None = None,
    only: Filter | None = None,
) -> dict[Key, list[DayUse]]:
    """Every day of a period, zero days included, of every meter that counted anything, by subscription and meter."""
    whole, day_long = whole or _whole(period), Period(period.start, period.start + weighing.DAY)
    return {
        key[:2]: [
            DayUse(point.day, priced(each.meter, point.amount, day_long), priced(each.meter, point.to_date, whole))
            for point in each.points(period)
        ]
        for key, each in series.read(subscription_ids, period, until, only=only).items()
    }


def transactions(
    subscription_ids: Collection[int], meter: Meter, period: Period, *, only: Filter | None = None
) -> dict[int, dict[date, Transactions]]:
    """How many events a summing meter counted by subscription and local day, and what they came to in priced units.

    `singly` tells them apart by what a single one came to.
    """
    found = series.read(subscription_ids, period, None, only=only, meter=meter)
    return {
        key[0]: {
            point.day: Transactions.alike(each_day.count(point.day), priced(meter, point.amount, period))
            for point in each_day.points(period)
        }
        for key, each_day in found.items()
    }


def daily(
    subscription: Subscription, meter: Meter, period: Period, *, until: datetime | None = None
) -> list[tuple[date, Decimal]]:
    """Each day's quantity, zero days included; of a `period` gauge the day's mean."""
    found = dailies([subscription.id], period, until=until).get((subscription.id, meter.id))
    return found or [(period.first_day + timedelta(days=n), ZERO) for n in range(period.days)]


def dailies(
    subscription_ids: Collection[int], period: Period, *, until: datetime | None = None
) -> dict[Key, list[tuple[date, Decimal]]]:
    """`daily` of every meter that counted anything, by subscription and meter."""
    found = courses(subscription_ids, period, until=until)
    return {key: [(each.day, each.quantity) for each in days] for key, days in found.items()}


def _whole(period: Period) -> Period:
    month = month_of(period.start)
    return month if period.end <= month.end else period


def priced(meter: Meter, amount: Decimal, whole: Period) -> Decimal:
    """An exact amount in reported units as a quantity; the mean of a `period` gauge is over `whole`."""
    exact = Fraction(amount) / meter.unit_size
    if meter.time_base is TimeBase.HOUR:
        exact /= 3600
    elif meter.time_base is TimeBase.PERIOD:
        exact /= int(whole.length.total_seconds())
    return round6(exact)
