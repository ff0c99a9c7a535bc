"""Which charges of a subscription fall in a billing period, over which days and for which share of it.

Pure: subscription, plan and charges are loaded, nothing is asked. The rules:

* A trial is free; its days stand on the bill as one line of ¥0.00.
* A monthly fee and what the plan includes count by days in the period that are paid.
* A yearly fee is due in full, in advance, in the month in which a year of the paid subscription begins.
* A one-off fee is due in full in the month of the first paid day.
* Usage charges are rated over the paid days of the period.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from market import rating, subscriptions
from market.catalog import Charge, Plan
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions import Segment, Subscription

_FREE = rating.Flat(Decimal("0.00"), "once")


@dataclass(frozen=True, slots=True)
class Due:
    """One charge of one subscription that falls in a billing period.

    `service` is what is paid for, local days, half-open; `share` is the part of the full period to rate.
    """

    subscription: Subscription
    plan: Plan
    charge: Charge
    terms: rating.Terms
    service: Period
    share: rating.Share = rating.WHOLE
    trial: bool = False

    @property
    def metered(self) -> bool:
        """Whether the amount depends on usage."""
        return not isinstance(self.terms, rating.Flat)


def due_in(subscription: Subscription, period: Period) -> Iterator[Due]:
    """The charges of one subscription in a billing period, in the plan's order."""
    free = trial_in(subscription, period)
    if free and subscription.plan.charges:
        yield Due(subscription, subscription.plan, subscription.plan.charges[0], _FREE, free, trial=True)
    for segment in subscriptions.segments(subscription, period):
        for charge in segment.plan.charges:
            yield from _due(subscription, segment, charge, period)


def trial_in(subscription: Subscription, period: Period) -> Period | None:
    """The days of the period that are free."""
    started_at, paid_from = subscription.started_at, subscriptions.paid_from(subscription)
    if started_at is None or paid_from is None:
        return None
    last = min(paid_from, _day_after(subscription.ended_at) if subscription.ended_at else paid_from)
    first = periods.local_midnight(periods.local_day(started_at))
    return Period(first, last).clip(period) if first < last else None


def _due(subscription: Subscription, segment: Segment, charge: Charge, period: Period) -> Iterator[Due]:
    terms, paid, plan = rating.parse(charge.terms), segment.period, segment.plan
    first = subscriptions.paid_from(subscription) or paid.start
    if not isinstance(terms, rating.Flat) or terms.interval == "month":
        yield Due(subscription, plan, charge, terms, paid, rating.share(period, paid))
    elif terms.interval == "once":
        if paid.contains(first):
            yield Due(subscription, plan, charge, terms, paid)
    elif year := _year_beginning_in(paid, periods.local_day(first)):
        yield Due(subscription, plan, charge, terms, year)


def _year_beginning_in(paid: Period, anchor: date) -> Period | None:
    """The year of the subscription that begins on one of these days, if one does."""
    _, year = periods.anchored_at(anchor, paid.end - timedelta(microseconds=1), "year")
    return year if paid.contains(year.start) else None


def _day_after(at: datetime) -> datetime:
    """The midnight that ends the day an instant closes."""
    day = periods.local_day(at - timedelta(microseconds=1))
    return periods.local_midnight(day + timedelta(days=1))
