"""How a month's cost adds up, and where it is going."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from market import billing, subscriptions
from market.billing import Course
from market.catalog import Aggregation, TimeBase
from market.kit.period import Period
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor
from tests.builders.billing import OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")


def course_of(subscription: Subscription, at: str, period: Period = OCTOBER) -> Course:
    now = moment(at)
    lines = billing.draw_up(buyer(subscription), period, cutoff=now)
    return billing.course(buyer(subscription), period, lines, now=now)


def test_the_days_add_up_to_the_running_bill() -> None:
    plan = a_plan(monthly="31.00", per_unit="1.00", included="10")
    subscription, meter = a_subscription(plan), plan.charges[1].meter
    for day in (3, 5, 9):
        report(subscription, meter, 10, at=moment(f"2026-10-{day:02} 12:00"))
    course = course_of(subscription, "2026-10-11 00:00")
    assert [fen for _, fen in course.days] == [3100, 3100, 3100, 3100, 4100, 4100, 4100, 4100, 5100, 5100, 5100]
    assert course.days[-1] == (date(2026, 10, 11), course.total_fen)


def test_usage_is_expected_to_go_on_as_in_the_last_seven_days() -> None:
    plan = a_plan(monthly="31.00", per_unit="1.00")
    subscription = a_subscription(plan)
    for day in (1, 5):
        report(subscription, plan.charges[1].meter, 14, at=moment(f"2026-10-{day:02} 12:00"))
    course = course_of(subscription, "2026-10-11 00:00")
    assert course.basis == Period(moment("2026-10-04 00:00"), moment("2026-10-11 00:00"))
    assert [each.expected_fen for each in course.lines] == [3100, 2800 + 4200]  # 14 in 7 days: 42 in the 21 to come
    assert course.expected_fen == 3100 + 7000


def test_a_subscription_of_yesterday_is_measured_by_its_own_days() -> None:
    plan = a_plan(per_unit="1.00")
    subscription = a_subscription(plan, started_at=moment("2026-10-20 09:00"))
    report(subscription, plan.charges[0].meter, 2, at=moment("2026-10-20 12:00"))
    assert course_of(subscription, "2026-10-22 00:00").expected_fen == 200 + 1000  # 2 in 2 days, 10 days to come


def test_each_line_tells_where_it_stood_at_the_end_of_each_day() -> None:
    plan = a_plan(monthly="31.00", per_unit="1.00", included="10")
    subscription = a_subscription(plan)
    report(subscription, plan.charges[1].meter, 15, at=moment("2026-10-02 12:00"))
    fee, use = course_of(subscription, "2026-10-03 12:00").lines
    assert [(stand.fen, stand.quantity) for stand in fee.stands] == [(3100, None)] * 3
    assert [(stand.fen, stand.quantity) for stand in use.stands] == [(0, 0), (500, 15), (500, 15)]


def test_nothing_is_said_about_the_end_on_the_first_days() -> None:
    assert course_of(a_subscription(), "2026-10-02 12:00").expected_fen is None


def test_a_gauge_grows_with_the_time_it_is_held() -> None:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "stored", aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD)
    a_charge(plan, {"model": "per_unit", "unit_price": "3.10"}, meter=meter)
    subscription = a_subscription(plan)
    report(subscription, meter, "10", at=moment("2026-10-02 00:00"))
    course = course_of(subscription, "2026-10-05 12:00")
    assert [fen for _, fen in course.days] == [0, 100, 200, 300, 350]
    assert course.lines[0].daily[1:3] == ((date(2026, 10, 2), Decimal(10)), (date(2026, 10, 3), Decimal(10)))


def test_an_issued_bill_has_no_outlook_and_ends_with_its_sum() -> None:
    plan = a_plan(monthly="31.00", per_unit="0.333")
    subscription = a_subscription(plan, started_at=moment("2026-10-07 12:00"))
    report(subscription, plan.charges[1].meter, "7.77", at=moment("2026-10-20 12:00"))
    bill = an_issued_bill(buyer(subscription))
    course = billing.course(buyer(subscription), OCTOBER, bill.lines, now=moment("2026-11-20 12:00"))
    assert (course.expected_fen, len(course.days), course.days[0][1], course.days[-1][1]) == (None, 31, 0, bill.gross_fen)


def test_the_days_of_a_count_of_people_add_up_to_people_not_to_visits() -> None:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "people", aggregation=Aggregation.UNIQUE_COUNT)
    a_charge(plan, {"model": "per_unit", "unit_price": "1.00", "included": "0"}, meter=meter)
    subscription = a_subscription(plan)
    for day, who in ((1, "an"), (2, "an"), (2, "bo"), (4, "an")):
        report(subscription, meter, who, at=moment(f"2026-10-{day:02} 12:00"))
    course = course_of(subscription, "2026-10-05 00:00")
    assert [fen for _, fen in course.days] == [100, 200, 200, 200, 200]
    assert [quantity for _, quantity in course.lines[0].daily] == [1, 2, 0, 1, 0]


def test_the_last_value_stands_until_the_next() -> None:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "seats", aggregation=Aggregation.LATEST)
    a_charge(plan, {"model": "per_unit", "unit_price": "1.00", "included": "0"}, meter=meter)
    subscription = a_subscription(plan)
    for day, seats in ((1, 5), (3, 8)):
        report(subscription, meter, seats, at=moment(f"2026-10-{day:02} 12:00"))
    course = course_of(subscription, "2026-10-05 00:00")
    assert [fen for _, fen in course.days] == [500, 500, 800, 800, 800]


def test_money_back_on_the_last_day_of_a_month_is_in_that_month(session):
    subscription = a_subscription(a_plan(yearly="365.00"))
    firm = buyer(subscription)
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=moment("2026-10-31 15:00"))
    lines = billing.draw_up(firm, OCTOBER, cutoff=moment("2026-11-01 10:00"))
    found = billing.course(firm, OCTOBER, lines, now=moment("2026-11-01 10:00"))
    assert (found.total_fen, found.days[-1][1], found.days[-2][1]) == (3100, 3100, 36500)
