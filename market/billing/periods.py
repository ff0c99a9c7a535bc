"""Which months are billed: the organization's own, by its anchor day; and the dates that follow from one."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from market import resources
from market.accounts import Organization
from market.kit import period as periods
from market.kit import working_days
from market.kit.period import Period

#: Usage is taken in for so long after it happened; a bill looks back this far for what came too late.
LOOK_BACK = timedelta(days=35)


def period_of(organization: Organization, at: datetime) -> Period:
    """The billing month of this organization in which the instant falls; never drifts with short months."""
    # Anchored on a January: it has a day for every anchor, so the day is clamped only where it must be.
    return periods.anchored_at(date(2000, 1, organization.anchor_day), at, "month")[1]


def following(organization: Organization, period: Period) -> Period:
    """The billing month after this one."""
    return period_of(organization, period.end)


def final_at(period: Period) -> datetime:
    """When the bill of a period may be issued: its end and the days of grace for late usage."""
    return period.end + timedelta(days=resources.settings.grace_days)


def due_at(issued_at: datetime) -> datetime:
    """The last second of the last local day on which a bill issued then can be paid in time: one on which banks work."""
    last_day = working_days.on_or_after(periods.local_day(issued_at) + timedelta(days=resources.settings.payment_days))
    return periods.local_midnight(last_day + timedelta(days=1)) - timedelta(seconds=1)
