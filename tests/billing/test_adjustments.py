"""Usage that comes after its bill was issued."""

from __future__ import annotations

from decimal import Decimal

import pytest

from market import billing, rating, subscriptions
from market.billing import Bill, LineKind
from market.catalog import Aggregation, Meter, Plan, TimeBase
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")


def october_of(plan: Plan, used: str) -> tuple[Subscription, Meter]:
    """A subscription whose October is billed with this much use."""
    subscription, meter = a_subscription(plan), plan.charges[-1].meter
    assert meter is not None
    report(subscription, meter, used, at=moment("2026-10-15 12:00"))
    an_issued_bill(buyer(subscription), OCTOBER)
    return subscription, meter


def late(subscription: Subscription, meter: Meter, value: str, *, recorded: str = "2026-11-10 12:00") -> None:
    """Use of 30 October that is reported after October's bill."""
    report(subscription, meter, value, at=moment("2026-10-30 12:00"), recorded=moment(recorded))


def adjustments(bill: Bill) -> list[tuple[Decimal | None, int, int]]:
    """(quantity now, fen booked before, fen of this line)."""
    return [(line.quantity, line.booked_fen, line.gross_fen) for line in bill.lines if line.kind is LineKind.ADJUSTMENT]


def test_the_difference_stands_on_the_next_bill_with_its_own_service_period() -> None:
    subscription, meter = october_of(a_plan(per_unit="1.00", included="10"), "15")
    late(subscription, meter, "4")
    bill = an_issued_bill(buyer(subscription), NOVEMBER)
    assert adjustments(bill) == [(Decimal(19), 500, 400)]
    [line] = [line for line in bill.lines if line.kind is LineKind.ADJUSTMENT]
    assert (line.service_start, line.service_end) == (OCTOBER.start, OCTOBER.end)
    assert bill.gross_fen == 400


def test_what_an_adjustment_has_booked_is_not_booked_again() -> None:
    subscription, meter = october_of(a_plan(per_unit="1.00"), "15")
    late(subscription, meter, "4")
    an_issued_bill(buyer(subscription), NOVEMBER)
    assert adjustments(an_issued_bill(buyer(subscription), DECEMBER)) == []


def test_two_months_back_is_still_taken_up() -> None:
    subscription, meter = october_of(a_plan(per_unit="1.00"), "15")
    late(subscription, meter, "4")
    an_issued_bill(buyer(subscription), NOVEMBER)
    late(subscription, meter, "3", recorded="2026-12-04 12:00")
    assert adjustments(an_issued_bill(buyer(subscription), DECEMBER)) == [(Decimal(22), 1900, 300)]


def test_a_difference_that_is_negative_gets_a_credit_note_and_breaks_nothing() -> None:
    """15 at ¥10 cost ¥150; one more makes it 16 at ¥5, ¥80: ¥70 were credited when 20 more came."""
    subscription, meter = october_of(a_plan(volume=[("15", "10"), (None, "5")]), "15")
    late(subscription, meter, "1")
    bill = an_issued_bill(buyer(subscription), NOVEMBER)
    assert adjustments(bill) == []
    assert bill.gross_fen == 0
    late(subscription, meter, "20", recorded="2026-12-04 12:00")
    assert adjustments(an_issued_bill(buyer(subscription), DECEMBER)) == [(Decimal(36), 8000, 10000)]


def test_no_line_for_late_usage_that_is_included() -> None:
    subscription, meter = october_of(a_plan(per_unit="1.00", included="100"), "15")
    late(subscription, meter, "4")
    assert adjustments(an_issued_bill(buyer(subscription), NOVEMBER)) == []


def test_a_late_reading_of_a_gauge_corrects_its_month_and_the_running_one() -> None:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "stored", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, meter=meter)
    subscription, meter = october_of(plan, "10")
    late(subscription, meter, "20")
    usage, adjustment = an_issued_bill(buyer(subscription), NOVEMBER).lines
    assert usage.quantity == Decimal(20 * 24 * 30)
    assert adjustment.quantity == Decimal(10 * 24 * 15 + 20 * 36)  # 10 for 15 days, 20 from noon on the 30th
    assert adjustment.gross_fen == 360


def test_a_month_begun_late_is_adjusted_with_its_own_share() -> None:
    plan = a_plan(per_unit="1.00", included="310")
    subscription = a_subscription(plan, started_at=moment("2026-10-12 08:00"))
    an_issued_bill(buyer(subscription), OCTOBER)
    meter = plan.charges[0].meter
    assert meter is not None
    late(subscription, meter, "210")
    assert adjustments(an_issued_bill(buyer(subscription), NOVEMBER)) == [(Decimal(210), 0, 1000)]


def test_an_adjustment_alone_makes_a_bill() -> None:
    plan = a_plan(per_unit="1.00")
    subscription, meter = october_of(plan, "15")
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-11-01 00:00"))
    late(subscription, meter, "4")
    assert adjustments(an_issued_bill(buyer(subscription), NOVEMBER)) == [(Decimal(19), 1500, 400)]


def test_an_adjustment_shows_the_working_of_the_whole_period() -> None:
    subscription, meter = october_of(a_plan(per_unit="1.00"), "15")
    late(subscription, meter, "4")
    [_, line] = an_issued_bill(buyer(subscription), NOVEMBER).lines
    assert rating.explain(rating.load_steps(line.steps), "次") == ("19 次 × ¥1.00 = ¥19.00",)
    assert billing.recompute(line, buyer(subscription)).fen - line.booked_fen == line.gross_fen
