"""When a subscription counts: the days that are paid for, and where its periods end.

Days are local and whole: the day it starts and the day it ends both count. Trial days are free.
Only dates decide, never the status, so a sweep that runs late changes no bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from market import db, rating
from market.accounts.models import Organization
from market.catalog.models import Plan
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a period during which one plan version was paid for; bounds on local midnight."""

    period: Period
    plan: Plan


def segments(subscription: Subscription, period: Period) -> list[Segment]:
    """The paid parts of `period`, in order; `subscription.plan` is loaded."""
    span = paid_span(subscription)
    part = span.clip(period) if span else None
    return [Segment(part, subscription.plan)] if part else []


def paid_span(subscription: Subscription) -> Period | None:
    """From the first to the last paid day, open-ended while no end is planned; None if nothing is paid for."""
    start = paid_from(subscription)
    if start is None:
        return None
    end = subscription.ended_at or subscription.cancel_at
    if end is None:
        return periods.since(start)
    # An end on midnight belongs to the day before: the day it closes, not the one it opens.
    last = max(periods.local_day(end - timedelta(microseconds=1)), periods.local_day(subscription.started_at or end))
    after = periods.local_midnight(last + timedelta(days=1))
    return Period(start, after) if start < after else None


def paid_from(subscription: Subscription) -> datetime | None:
    """The midnight from which it costs money: of the first day, or of the day after the trial."""
    if subscription.started_at is None:
        return None
    if subscription.trial_ends_at is not None:
        return subscription.trial_ends_at
    return periods.local_midnight(periods.local_day(subscription.started_at))


def trial_end(started_at: datetime, trial_days: int) -> datetime:
    """The midnight that ends a trial: the day it starts is a present, then `trial_days` whole days."""
    return periods.local_midnight(periods.local_day(started_at) + timedelta(days=trial_days + 1))


def period_end(subscription: Subscription, at: datetime) -> datetime:
    """When the period ends that `at` lies in: the trial, the paid year, or the billing month.

    `subscription.plan` with its charges is loaded.
    """
    start = paid_from(subscription)
    if start is not None and at < start:
        return start
    if start is not None and pays_yearly(subscription.plan):
        return periods.anchored_at(periods.local_day(start), at, "year")[1].end
    anchor_day = db.session.get_one(Organization, subscription.organization_id).anchor_day
    return periods.anchored_at(date(2000, 1, anchor_day), at, "month")[1].end


def pays_yearly(plan: Plan) -> bool:
    """Whether a charge of the plan is paid by the year."""
    parsed = (rating.parse(charge.terms) for charge in plan.charges)
    return any(isinstance(terms, rating.Flat) and terms.interval == "year" for terms in parsed)
