"""Periods are half-open, aware, and their days are days in Guangdong."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kit import period
from market.kit.period import SHANGHAI, Period

OCTOBER = period.month("2026-10")
DATES = st.dates(date(1995, 1, 1), date(2100, 12, 31))
INTERVALS = st.sampled_from(["month", "year"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_a_month_begins_and_ends_at_local_midnight():
    assert OCTOBER.start == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert OCTOBER.end == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert OCTOBER.days == 31
    assert OCTOBER.length == timedelta(days=31)


def test_the_start_belongs_to_a_period_and_the_end_does_not():
    assert OCTOBER.contains(OCTOBER.start)
    assert not OCTOBER.contains(OCTOBER.end)
    assert OCTOBER.next().contains(OCTOBER.end)


def test_an_instant_in_the_small_hours_of_guangdong_is_not_yesterday():
    assert period.local_day(datetime(2026, 9, 30, 16, 0, tzinfo=UTC)) == date(2026, 10, 1)
    assert period.month_of(datetime(2026, 9, 30, 15, 59, tzinfo=UTC)).label == "2026-09"


def test_months_follow_each_other_over_the_year_end():
    assert period.month("2026-12").next().label == "2027-01"
    assert period.month("2027-01").previous().label == "2026-12"


def test_only_a_calendar_month_has_a_neighbor():
    with pytest.raises(ValueError, match="not a calendar month"):
        period.days(date(2026, 10, 2), date(2026, 10, 31)).next()


def test_a_label_names_the_month_or_the_first_and_last_day():
    assert OCTOBER.label == "2026-10"
    assert period.days(date(2026, 10, 5), date(2026, 10, 20)).label == "2026-10-05/2026-10-20"


def test_days_are_the_local_days_a_period_touches():
    assert Period(at("2026-10-05T23:00"), at("2026-10-06T01:00")).days == 2
    assert Period(at("2026-10-05T00:00"), at("2026-10-06T00:00")).days == 1
    assert Period(at("2026-10-05T12:00"), at("2026-10-05T12:00")).days == 0


def test_clipping_keeps_what_two_periods_share():
    late = Period(at("2026-10-20T08:00"), at("2026-11-20T08:00"))
    assert OCTOBER.clip(late) == Period(at("2026-10-20T08:00"), OCTOBER.end)
    assert OCTOBER.clip(OCTOBER.next()) is None


def test_a_period_without_an_end_in_sight_can_be_clipped():
    assert OCTOBER.clip(period.since(at("2026-10-12T10:00"))).days == 20


def test_naive_or_reversed_bounds_are_refused():
    with pytest.raises(ValueError, match="aware"):
        Period(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 — the naive bound is the point
    with pytest.raises(ValueError, match="aware"):
        period.local_day(datetime(2026, 1, 1))  # noqa: DTZ001 — the naive instant is the point
    with pytest.raises(ValueError, match="before it starts"):
        Period(OCTOBER.end, OCTOBER.start)


@pytest.mark.parametrize("label", ["2026-13", "2026-1", "26-01", "", "2026-00", "2026-10-01", "0000-01", "9999-12", "二零"])
def test_what_names_no_month_is_refused(label):
    with pytest.raises(period.InvalidMonth):
        period.month(label)


def test_a_month_anchored_on_the_31st_does_not_drift():
    starts = [period.anchored(date(2026, 1, 31), n, "month").first_day for n in range(5)]
    assert starts == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]


def test_a_leap_year_keeps_the_29th_of_february():
    starts = [period.anchored(date(2024, 2, 29), n, "year").first_day for n in range(5)]
    assert starts == [date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]
    assert period.anchored(date(2024, 1, 31), 1, "month").first_day == date(2024, 2, 29)


@given(DATES, st.integers(-60, 60), INTERVALS)
def test_anchored_periods_leave_no_gap_and_do_not_overlap(anchor, n, interval):
    this, following = (period.anchored(anchor, i, interval) for i in (n, n + 1))
    assert this.start < this.end == following.start


@given(DATES, DATES, INTERVALS)
def test_every_instant_lies_in_the_anchored_period_found_for_it(anchor, day, interval):
    moment = period.local_midnight(day) + timedelta(hours=13)
    n, found = period.anchored_at(anchor, moment, interval)
    assert found.contains(moment)
    assert found == period.anchored(anchor, n, interval)


@given(DATES)
def test_every_day_lies_in_its_month(day):
    month = period.month_of(period.local_midnight(day))
    assert month.is_month
    assert month == period.month(f"{day:%Y-%m}")
    assert month.next().previous() == month
    assert month.first_day <= day <= month.last_day
