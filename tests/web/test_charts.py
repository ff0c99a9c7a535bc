"""The geometry of charts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.web import charts

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


@pytest.mark.parametrize(
    ("highest", "steps"),
    [(0, [0, 100]), (90, [0, 100]), (45_000, [0, 20_000, 40_000, 60_000]), (100_000, [0, 50_000, 100_000])],
)
def test_steps_are_round_and_reach_the_highest_value(highest: int, steps: list[int]) -> None:
    assert charts.ticks(highest) == steps


@given(st.integers(0, 10**13))
def test_there_are_few_steps_whatever_the_amount(highest: int) -> None:
    steps = charts.ticks(highest)
    assert 2 <= len(steps) <= 6
    assert steps[-1] >= highest


def test_lines_for_limits_exist_only_where_a_limit_does() -> None:
    days = [charts.Day(FIRST, 1000, 1000)]
    assert charts.Cumulative(FIRST, LAST, days).top_fen == 1000
    assert charts.Cumulative(FIRST, LAST, days, cap_fen=40_000).top_fen == 40_000


def test_a_month_without_usage_can_be_drawn() -> None:
    empty = charts.Cumulative(FIRST, LAST, [])
    assert (empty.line(charts.WIDE), empty.area(charts.WIDE), empty.expected(charts.WIDE)) == ("", "", "")
    assert empty.labeled_days(charts.WIDE)[0] == FIRST
    assert empty.labeled_days(charts.NARROW)[-1] == LAST


def test_the_forecast_goes_on_where_the_line_ends() -> None:
    chart = charts.Cumulative(FIRST, LAST, [charts.Day(FIRST, 100, 100)], [(LAST, 3000)])
    assert chart.expected(charts.WIDE).startswith(chart.line(charts.WIDE))


@pytest.mark.parametrize(
    ("used", "included", "split"),
    [
        (50, 100, ("50", "50", "0")),
        (200, 100, ("50", "51", "49")),
        (0, 0, ("0", "0", "0")),
        (5, 0, ("0", "0", "100")),
    ],
)
def test_a_usage_bar_shows_what_is_within_and_what_is_over(
    used: int, included: int, split: tuple[str, str, str]
) -> None:
    assert charts.split(Decimal(used), Decimal(included)) == charts.Split(*split)


def test_the_longest_bar_fills_its_place() -> None:
    bars = [charts.Bar("广州", 4, "4 家"), charts.Bar("深圳", 1, "1 家")]
    assert [charts.bar_width(bar.value, bars) for bar in bars] == ["100", "25"]
    assert charts.bar_width(0, []) == "0"
