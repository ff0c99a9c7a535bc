"""Counting the running month: alerts once for each percentage of an amount, and whatever else is going on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from market import billing, budgets, db, notifications
from market.accounts import Role
from market.budgets import Budget
from market.notifications import Email
from market.subscriptions import Subscription
from tests.builders.accounts import a_member, a_user, an_organization
from tests.builders.billing import buyer, moment
from tests.builders.budgets import a_budget, a_reservation
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

NOW = moment("2026-11-20 10:00")


@pytest.fixture
def subscription(session: None) -> Subscription:
    """A firm with a member of each role that matters; usage at ¥0.01."""
    notifications.listen()
    firm = an_organization()
    owner = a_member(firm, user=a_user(email="owner@example.com"))
    a_member(firm, Role.FINANCE, user=a_user(email="finance@example.com", locale="en"))
    a_member(firm, Role.PURCHASER, user=a_user(email="purchaser@example.com"))
    return a_subscription(a_plan(per_unit="0.01", meter="calls"), organization=firm, user=owner)


def use(subscription: Subscription, count: int, at: str) -> None:
    report(subscription, subscription.plan.charges[0].meter, count, at=moment(at))


def sweep(*times: str) -> None:
    for at in times:
        budgets.run(moment(at))


def letters() -> list[tuple[str, str]]:
    found = db.session.scalars(select(Email).where(Email.key.startswith("budget_alert")).order_by(Email.id))
    return [(each.recipient, each.subject) for each in found]


def test_each_percentage_is_told_once_to_whoever_can_raise_it(subscription: Subscription) -> None:
    a_budget(buyer(subscription), "100.00", at=NOW)
    use(subscription, 7999, "2026-11-20 11:00")
    sweep("2026-11-20 12:00")
    assert letters() == []
    use(subscription, 1, "2026-11-20 12:30")
    sweep("2026-11-20 13:00", "2026-11-20 14:00")
    assert letters() == [
        ("owner@example.com", "2026-11 的费用已到预算的 80%：¥80.00"),
        ("finance@example.com", "80% of your budget for 2026-11 is used: ¥80.00"),
    ]
    use(subscription, 5000, "2026-11-20 14:30")
    sweep("2026-11-20 15:00", "2026-11-20 16:00")
    assert [subject for _, subject in letters()][2:] == [
        "2026-11 的费用已到预算的 100%：¥130.00", "100% of your budget for 2026-11 is used: ¥130.00"
    ]  # fmt: skip
    assert sorted(budgets.alerts_of(budgets.standing(buyer(subscription), NOW).row)) == [80, 100]


def test_of_several_at_once_the_highest_is_told(subscription: Subscription) -> None:
    a_budget(buyer(subscription), "100.00", [50, 80, 90], at=NOW)
    use(subscription, 9500, "2026-11-20 11:00")
    sweep("2026-11-20 12:00", "2026-11-20 13:00")
    assert [subject for _, subject in letters()] == [
        "2026-11 的费用已到预算的 90%：¥95.00",
        "90% of your budget for 2026-11 is used: ¥95.00",
    ]


def test_another_amount_and_another_month_are_news_again(subscription: Subscription) -> None:
    a_budget(buyer(subscription), "100.00", [80], at=NOW)
    use(subscription, 8000, "2026-11-20 11:00")
    sweep("2026-11-20 12:00")
    a_budget(buyer(subscription), "200.00", [80], at=moment("2026-11-20 12:30"))
    sweep("2026-11-20 13:00")
    assert len(letters()) == 2
    use(subscription, 8000, "2026-11-20 14:00")
    sweep("2026-11-20 15:00")
    use(subscription, 16000, "2026-12-02 14:00")
    sweep("2026-12-02 15:00")
    assert len(letters()) == 6


def test_who_asks_makes_it_count_too(subscription: Subscription) -> None:
    a_budget(buyer(subscription), "100.00", at=NOW)
    use(subscription, 8000, "2026-11-20 11:00")
    a_reservation(subscription, 1, at=moment("2026-11-20 11:01"))
    assert len(letters()) == 2


def test_fees_of_the_whole_month_count_from_its_first_day(session: None) -> None:
    subscription = a_subscription(a_plan(monthly="99.00"))
    budget = a_budget(buyer(subscription), "100.00", at=NOW)
    assert budget.spent_fen == 9900


def test_many_firms_are_counted_in_as_many_questions_as_one(session: None, queries: object) -> None:
    """Of months that begin on the same day."""
    plan = a_plan(per_unit="0.01", meter="calls")
    firms = [buyer(a_subscription(plan)) for _ in range(4)]
    db.session.flush()
    totals = billing.running_totals(firms, cutoff=NOW)
    with queries(at_most=14):  # type: ignore[operator]
        assert billing.running_totals(firms, cutoff=NOW) == totals


def test_what_is_settled_while_a_sweep_counts_is_not_lost(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01", meter="calls"))
        a_budget(buyer(subscription), "100.00", at=NOW)
        held = a_reservation(subscription, 300, at=NOW)
    count = billing.running_totals

    def slowly(*args: object, **kwargs: object) -> dict[int, int]:
        totals = count(*args, **kwargs)  # type: ignore[arg-type]
        db.session.remove()
        with db.transaction():
            budgets.settle(db.session.get_one(budgets.Reservation, held.id), at=NOW)
        return totals

    monkeypatch.setattr(billing, "running_totals", slowly)
    budgets.run(NOW + timedelta(minutes=10))
    with db.transaction(readonly=True):
        budget = db.session.scalars(select(Budget)).one()
        assert (budget.spent_fen, budget.held_fen) == (300, 0)


@pytest.mark.parametrize(
    ("yuan", "on"),
    [(10, date(2026, 11, 10)), (30, date(2026, 11, 29)), (1000, None)],
    ids=["past", "to come", "never"],
)
def test_the_day_on_which_it_is_reached_goes_by_the_forecast(
    subscription: Subscription, yuan: int, on: date | None
) -> None:
    for day in range(1, 21):
        use(subscription, 100, f"2026-11-{day:02} 00:00")
    firm, now = buyer(subscription), moment("2026-11-21 00:00")
    period = billing.period_of(firm, now)
    course = billing.course(firm, period, billing.draw_up(firm, period, cutoff=now), now=now)
    found = budgets.reached_on(course, yuan * 100)
    assert found == on or (on and found and abs(found - on) <= timedelta(days=1))
