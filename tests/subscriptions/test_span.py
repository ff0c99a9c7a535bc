"""Which days are paid for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.catalog.models import Plan
from market.kit import period
from market.subscriptions import Subscription, segments

OCTOBER = period.month("2026-10")


def at(day: int, hour: int = 10, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=period.SHANGHAI)


def days_of(subscription: Subscription, within=OCTOBER) -> tuple[int, int] | None:
    parts = segments(subscription, within)
    return (parts[0].period.first_day.day, parts[0].period.last_day.day) if parts else None


def a_row(**dates: datetime | None) -> Subscription:
    return Subscription(plan=Plan(charges=[]), **dates)


@pytest.mark.parametrize(
    ("dates", "paid"),
    [
        ({}, None),
        ({"started_at": at(5)}, (5, 31)),
        ({"started_at": at(5, 0)}, (5, 31)),
        ({"started_at": at(5, 23), "ended_at": at(20, 0) + timedelta(microseconds=1)}, (5, 20)),
        ({"started_at": at(5), "ended_at": at(5, 11)}, (5, 5)),
        ({"started_at": at(5), "ended_at": at(1, 0, 11)}, (5, 31)),
        ({"started_at": at(5), "cancel_at": at(1, 0, 11)}, (5, 31)),
        ({"started_at": at(1, 10, 9), "ended_at": at(30, 10, 9)}, None),
        ({"started_at": at(2, 10, 11)}, None),
        ({"started_at": at(1), "trial_ends_at": at(16, 0)}, (16, 31)),
        ({"started_at": at(1), "trial_ends_at": at(16, 0), "cancel_at": at(16, 0)}, None),
        ({"started_at": at(1), "trial_ends_at": at(16, 0), "ended_at": at(7)}, None),
        ({"started_at": at(1), "trial_ends_at": at(16, 0), "ended_at": at(16, 9)}, (16, 16)),
    ],
)
def test_the_day_it_starts_and_the_day_it_ends_both_count_and_trial_days_are_free(dates, paid):
    assert days_of(a_row(**dates)) == paid


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    length=st.timedeltas(timedelta(0), timedelta(days=400)),
)
def test_months_cut_the_paid_days_without_gap_or_overlap(start, length):
    begin = start.replace(tzinfo=period.SHANGHAI)
    row = a_row(started_at=begin, ended_at=begin + length)
    month, found = period.month("2025-12"), []
    while month.start <= begin + length:
        found += segments(row, month)
        month = month.next()
    total = sum(part.period.days for part in found)
    last = (begin + length - timedelta(microseconds=1)).date() if length else begin.date()
    assert total == (max(last, begin.date()) - begin.date()).days + 1
    assert date(2025, 12, 1) < found[0].period.first_day == begin.date()
