"""What a plan costs for a guess of use."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from market import billing
from tests.builders.billing import moment
from tests.builders.catalog import a_plan

pytestmark = pytest.mark.usefixtures("session")


def test_the_estimate_is_what_a_full_month_would_cost() -> None:
    plan = a_plan(monthly="99.00", per_unit="0.50", included="200")
    estimate = billing.estimate(plan, {plan.charges[1].slug: Decimal(486)})
    assert [(line.fen, line.formula()) for line in estimate.lines] == [
        (9900, "1 个月 × ¥99.00"), (14300, "套餐内 200 次，超出 286 次；286 次 × ¥0.50"),
    ]  # fmt: skip
    assert (estimate.total_fen, estimate.today_fen) == (24200, 0)


def test_a_charge_nobody_guessed_stands_there_at_nothing() -> None:
    estimate = billing.estimate(a_plan(per_unit="0.50"), {})
    assert [line.fen for line in estimate.lines] == [0]


def test_months_years_and_one_off_fees_are_told_apart() -> None:
    estimate = billing.estimate(a_plan(monthly="10.00", yearly="1200.00", once="300.00"), {})
    assert (estimate.monthly_fen, estimate.yearly_fen, estimate.once_fen, estimate.total_fen) == (1000, 120_000, 30_000, 151_000)


@pytest.mark.parametrize(
    ("trial_days", "at", "day"),
    [
        (0, "2026-10-15 10:00", date(2026, 11, 1)),
        (0, "2026-10-31 23:59", date(2026, 11, 1)),
        (30, "2026-10-15 10:00", date(2026, 12, 1)),
        (16, "2026-10-15 10:00", date(2026, 12, 1)),  # free through the 31st: November is the first to cost something
        (15, "2026-10-15 10:00", date(2026, 11, 1)),  # free through the 30th: the 31st is paid
    ],
)
def test_the_first_charge_comes_after_the_first_month_that_costs_something(trial_days: int, at: str, day: date) -> None:
    plan = a_plan(monthly="10.00", trial_days=trial_days)
    assert billing.estimate(plan, {}, at=moment(at)).next_charge_on == day
