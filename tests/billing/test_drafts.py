"""Which lines a bill has, and what each comes to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from market import billing, subscriptions
from market.billing import LineDraft, LineKind
from market.catalog.models import Aggregation, TimeBase
from market.kit.period import Period
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor
from tests.builders.billing import DECEMBER, NOVEMBER, OCTOBER, buyer, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")


def lines_of(subscription: Subscription, period: Period = OCTOBER, *, cutoff: str = "") -> list[LineDraft]:
    return billing.draw_up(buyer(subscription), period, cutoff=moment(cutoff) if cutoff else period.end)


def fen_of(subscription: Subscription, period: Period = OCTOBER, **kwargs: str) -> list[int]:
    return [line.gross_fen for line in lines_of(subscription, period, **kwargs)]


def test_a_monthly_fee_covers_the_whole_month() -> None:
    subscription = a_subscription(a_plan(monthly="99.00"))
    [line] = lines_of(subscription)
    assert (line.gross_fen, line.quantity, line.service_start, line.service_end) == (9900, None, OCTOBER.start, OCTOBER.end)


def test_starting_within_the_month_pays_for_the_days_from_then_on() -> None:
    subscription = a_subscription(a_plan(monthly="99.00"), started_at=moment("2026-10-12 23:30"))
    assert fen_of(subscription) == [6387]  # 20 of 31 days


def test_the_day_it_ends_is_paid_for() -> None:
    subscription = a_subscription(a_plan(monthly="93.00"))
    end = moment("2026-10-10 09:00")
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=end)
    assert fen_of(subscription) == [3000]  # 10 of 31 days
    assert lines_of(subscription, NOVEMBER) == []


def test_usage_beyond_what_is_included_is_charged() -> None:
    plan = a_plan(monthly="99.00", per_unit="0.50", included="200")
    subscription = a_subscription(plan)
    report(subscription, plan.charges[1].meter, "486", at=moment("2026-10-20 12:00"))
    fee, usage = lines_of(subscription)
    assert (fee.gross_fen, usage.gross_fen, usage.quantity) == (9900, 14300, Decimal(486))
    assert usage.exact == "143"


def test_what_is_included_shrinks_with_the_days() -> None:
    plan = a_plan(per_unit="1.00", included="310")
    subscription = a_subscription(plan, started_at=moment("2026-10-12 08:00"))
    report(subscription, plan.charges[0].meter, "210", at=moment("2026-10-20 12:00"))
    assert fen_of(subscription) == [1000]  # 210 − 310 × 20/31 = 10


def test_a_line_of_nothing_stands_on_the_bill() -> None:
    assert fen_of(a_subscription(a_plan(per_unit="0.01"))) == [0]


def test_a_trial_is_one_line_of_nothing_and_its_usage_is_free() -> None:
    plan = a_plan(monthly="31.00", per_unit="1.00", trial_days=9)
    subscription = a_subscription(plan)  # a day as a present, then nine: 1 to 10 October
    meter = plan.charges[1].meter
    report(subscription, meter, "500", at=moment("2026-10-05 12:00"))
    subscriptions.convert(subscription, by=an_actor(), at=moment("2026-10-06 12:00"))
    report(subscription, meter, "2", at=moment("2026-10-11 00:00"))
    free, fee, usage = lines_of(subscription)
    assert (free.gross_fen, free.label["trial"], free.service_end) == (0, "1", moment("2026-10-11 00:00"))
    assert (fee.gross_fen, usage.gross_fen, usage.quantity) == (2100, 200, Decimal(2))


def test_a_trial_that_is_left_costs_nothing() -> None:
    subscription = a_subscription(a_plan(monthly="31.00", trial_days=30))
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-10-05 12:00"))
    [free] = lines_of(subscription)
    assert (free.gross_fen, free.service_end) == (0, moment("2026-10-06 00:00"))


def test_a_year_is_paid_in_advance_in_the_month_it_begins_and_never_between() -> None:
    subscription = a_subscription(a_plan(yearly="1200.00"), started_at=moment("2026-10-31 23:59"))
    [line] = lines_of(subscription)
    assert (line.gross_fen, line.service_start, line.service_end) == (
        120_000, moment("2026-10-31 00:00"), moment("2027-10-31 00:00"),
    )  # fmt: skip
    assert fen_of(subscription, NOVEMBER) == []
    next_october = Period(moment("2027-10-01 00:00"), moment("2027-11-01 00:00"))
    assert fen_of(subscription, next_october) == [120_000]


def test_a_one_off_fee_is_paid_once_and_in_full() -> None:
    subscription = a_subscription(a_plan(once="5000.00"), started_at=moment("2026-10-20 12:00"))
    assert fen_of(subscription) == [500_000]
    assert fen_of(subscription, NOVEMBER) == []


def test_stored_gigabytes_are_the_mean_over_the_month_whatever_the_days() -> None:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "stored", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD)
    a_charge(plan, {"model": "per_unit", "unit_price": "0.31", "included": "100"}, meter=meter)
    subscription = a_subscription(plan, started_at=moment("2026-10-12 00:00"))
    report(subscription, meter, "200", at=moment("2026-10-12 00:00"))
    [line] = lines_of(subscription)
    assert line.quantity == Decimal("129.032258")  # 200 × 20/31
    assert line.gross_fen == 2000  # (129.032258 − 100 × 20/31) × 0.31


def test_the_running_bill_does_not_carry_a_gauge_into_the_future() -> None:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "stored", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, meter=meter)
    subscription = a_subscription(plan)
    report(subscription, meter, "10", at=moment("2026-10-10 00:00"))
    [line] = lines_of(subscription, cutoff="2026-10-11 12:00")
    assert line.quantity == Decimal(360)


def test_pennies_add_up_before_they_are_rounded() -> None:
    """¥0.001 × 9 a minute for 30 days is ¥388.80, not ¥0.00."""
    plan = a_plan(per_unit="0.001")
    subscription = a_subscription(plan)
    for day in range(1, 31):
        report(subscription, plan.charges[0].meter, str(9 * 60 * 24), at=moment(f"2026-10-{day:02} 12:00"))
    assert fen_of(subscription) == [38_880]


def test_every_charge_model_is_billed() -> None:
    plan = a_plan(
        graduated=[("100", "1.00"), (None, "0.50")], package=("50", "10.00"), volume=[("15", "10"), (None, "5")], included="10"
    )
    subscription = a_subscription(plan)
    report(subscription, plan.charges[0].meter, "210", at=moment("2026-10-20 12:00"))
    assert sorted(fen_of(subscription)) == [4000, 15_000, 100_000]


def test_recomputing_a_line_needs_nothing_but_the_line() -> None:
    plan = a_plan(monthly="99.00", per_unit="0.333", included="100")
    subscription = a_subscription(plan, started_at=moment("2026-10-07 12:00"))
    report(subscription, plan.charges[1].meter, "777.777777", at=moment("2026-10-20 12:00"))
    for line in lines_of(subscription):
        assert billing.recompute(line, buyer(subscription)).fen == line.gross_fen


def test_drawing_up_reads_in_bulk(session: Session, queries: object) -> None:
    plan = a_plan(monthly="9.00", per_unit="0.01")
    first = a_subscription(plan)
    for _ in range(4):
        report(a_subscription(plan, organization=buyer(first)), plan.charges[1].meter, 5, at=moment("2026-10-20 12:00"))
    session.expunge_all()
    with queries(at_most=14):  # type: ignore[operator]  # a fixture
        assert len(lines_of(first, cutoff="2026-10-25 12:00")) == 10


def test_lines_of_other_months_and_organizations_stay_out() -> None:
    plan = a_plan(per_unit="1.00")
    ours, theirs = a_subscription(plan), a_subscription(plan)
    meter = plan.charges[0].meter
    report(ours, meter, 1, at=OCTOBER.end - timedelta(seconds=1))
    report(ours, meter, 10, at=OCTOBER.end)
    report(theirs, meter, 100, at=moment("2026-10-05 12:00"))
    assert (fen_of(ours), fen_of(ours, NOVEMBER), fen_of(ours, DECEMBER)) == ([100], [1000], [0])


def test_kinds_are_charges_unless_they_come_late() -> None:
    assert {line.kind for line in lines_of(a_subscription())} == {LineKind.CHARGE}


def test_a_charge_prices_the_slices_it_names_and_says_so() -> None:
    plan = a_plan(monthly="1.00")
    meter = a_meter(plan.offering.provider, "minutes", dimensions=["machine"])
    for machine, price in (("small", "0.05"), ("large", "0.20")):
        terms = {"model": "per_unit", "unit_price": price, "included": "0", "rounding": "up"}
        a_charge(plan, terms, meter=meter, slug=machine, filter_property="machine", filter_values=[machine])
    subscription = a_subscription(plan)
    for machine, minutes in (("small", "99.5"), ("large", "10"), ("small", "20"), ("huge", "1000")):
        report(subscription, meter, minutes, at=moment("2026-10-20 12:00"), machine=machine)
    _, small, large = lines_of(subscription)
    assert (small.quantity, small.gross_fen, large.quantity, large.gross_fen) == (Decimal("119.5"), 600, Decimal(10), 200)
    assert billing.working(small, billing.Words("zh")) == (
        "只计 machine 为 small 的用量", "用量 119.5 次，取整为 120 次", "120 次 × ¥0.05",
    )  # fmt: skip
    assert billing.working(large, billing.Words("en"))[0] == "Only usage whose machine is large"


def test_different_values_of_a_month_are_not_the_sum_of_its_days() -> None:
    plan = a_plan(monthly="1.00")
    meter = a_meter(plan.offering.provider, "people", aggregation=Aggregation.UNIQUE_COUNT)
    a_charge(plan, {"model": "per_unit", "unit_price": "10", "included": "0"}, meter=meter)
    subscription = a_subscription(plan)
    for day, who in ((1, "an"), (1, "bo"), (2, "an"), (3, "an")):
        report(subscription, meter, who, at=moment(f"2026-10-0{day} 12:00"))
    assert lines_of(subscription)[1].gross_fen == 2000
    report(subscription, meter, "bo", at=moment("2026-10-04 12:00"), operation_type="remove")
    assert lines_of(subscription)[1].gross_fen == 1000
    assert lines_of(subscription, NOVEMBER)[1].gross_fen == 0
