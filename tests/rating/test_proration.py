"""Days in the segment ÷ days in the full period."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import rating
from market.kit import period
from market.kit.period import SHANGHAI, Period

OCTOBER = period.month("2026-10")
EXACTS = st.lists(st.fractions(0, 10**6), max_size=10)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-10-01T00:00", "2026-11-01T00:00", 31),
        ("2026-09-12T10:00", "2026-12-01T00:00", 31),
        ("2026-10-12T00:00", "2026-11-01T00:00", 20),
        ("2026-10-12T23:59:59", "2026-11-01T00:00", 20),
        ("2026-10-12T10:00", "2026-10-12T10:00", 1),
        ("2026-10-12T00:00", "2026-10-12T00:00", 1),
        ("2026-10-12T10:00", "2026-10-13T00:00", 1),
        ("2026-10-12T10:00", "2026-10-13T00:01", 2),
        ("2026-09-01T00:00", "2026-10-01T00:00", 0),
        ("2026-11-01T00:00", "2026-12-01T00:00", 0),
        ("2026-08-01T00:00", "2026-08-09T00:00", 0),
    ],
)
def test_the_days_of_starting_and_ending_both_count(start, end, days):
    assert rating.share(OCTOBER, Period(at(start), at(end))) == (Fraction(days, 31), days, 31)


def test_a_subscription_with_no_end_counts_from_its_first_day():
    assert rating.share(OCTOBER, period.since(at("2026-10-12T10:00"))).days == 20


def test_ninety_nine_a_month_from_the_twelfth_is_63_yuan_87():
    share = rating.share(OCTOBER, period.since(at("2026-10-12T10:00")))
    assert rating.rate(rating.Flat(Decimal(99), "month"), Decimal(1), share=share).fen == 6387


@given(st.sets(st.dates(date(2026, 10, 2), date(2026, 10, 31))))
def test_however_a_month_is_cut_at_midnight_its_shares_add_up_to_one(cuts):
    bounds = [OCTOBER.start, *(period.local_midnight(day) for day in sorted(cuts)), OCTOBER.end]
    shares = [rating.share(OCTOBER, Period(*pair)) for pair in zip(bounds, bounds[1:], strict=False)]
    assert sum(share.fraction for share in shares) == 1
    assert sum(share.days for share in shares) == 31


@given(st.integers(0, 60 * 24 * 40), st.integers(0, 60 * 24 * 40))
def test_a_share_never_leaves_zero_to_one(start, length):
    begin = OCTOBER.start - timedelta(days=5) + timedelta(minutes=start)
    share = rating.share(OCTOBER, Period(begin, begin + timedelta(minutes=length)))
    assert 0 <= share.fraction <= 1
    assert share.fraction == Fraction(share.days, share.full_days)


def test_segments_are_differences_of_rounded_totals():
    assert rating.segment_fen([Fraction(1, 3)] * 3) == [33, 34, 33]
    assert rating.segment_fen([]) == []


@given(EXACTS)
def test_segments_add_up_to_the_rounded_whole_and_are_never_negative(exacts):
    parts = rating.segment_fen(exacts)
    assert sum(parts) == rating.segment_fen([sum(exacts, Fraction(0))])[0]
    assert all(part >= 0 for part in parts)
    assert all(abs(Fraction(part, 100) - exact) <= Fraction(1, 100) for part, exact in zip(parts, exacts, strict=True))
