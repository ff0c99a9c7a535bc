"""Working days: what the State Council has announced, and what is left when it has not."""

from __future__ import annotations

from datetime import date

import pytest

from market.kit import working_days


@pytest.mark.parametrize(("day", "worked"), [
    ("2026-11-20", True), ("2026-11-21", False),
    ("2026-10-01", False), ("2026-10-07", False), ("2026-10-10", True), ("2026-09-20", True),
    ("2026-02-14", True), ("2026-02-15", False), ("2026-02-28", True), ("2025-10-11", True),
    ("2027-02-08", False), ("2027-02-11", True), ("2027-05-01", False),
])  # fmt: skip
def test_holidays_and_exchanged_weekends(day: str, worked: bool) -> None:
    assert working_days.is_working_day(date.fromisoformat(day)) is worked


@pytest.mark.parametrize(("day", "next_"), [("2026-09-26", "2026-09-28"), ("2026-10-01", "2026-10-08"), ("2026-11-23", "2026-11-23")])
def test_the_next_day_that_is_worked(day: str, next_: str) -> None:
    assert working_days.on_or_after(date.fromisoformat(day)) == date.fromisoformat(next_)


@pytest.mark.parametrize(("day", "due"), [
    ("2026-11-09", "2026-11-16"), ("2026-11-13", "2026-11-20"), ("2026-11-14", "2026-11-20"), ("2026-09-29", "2026-10-12"),
])  # fmt: skip
def test_five_working_days_skip_weekends_and_holidays_but_not_weekends_that_are_worked(day: str, due: str) -> None:
    assert working_days.later(date.fromisoformat(day), 5) == date.fromisoformat(due)


def test_it_says_when_a_year_is_not_announced() -> None:
    assert working_days.is_announced(2026)
    assert not working_days.is_announced(2040)
