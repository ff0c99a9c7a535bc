"""Setting an amount: from now or from next month, never below what is gone; and what carries over."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from market import audit, budgets, db
from market.budgets import BelowSpent, Budget
from market.errors import Invalid
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor
from tests.builders.billing import buyer, moment
from tests.builders.budgets import a_budget, a_reservation
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

NOW, DECEMBER, JANUARY = (moment(f"{day} 10:00") for day in ("2026-11-20", "2026-12-05", "2027-01-05"))


@pytest.fixture
def subscription(session: None) -> Subscription:
    """¥90.00 used in November."""
    subscription = a_subscription(a_plan(per_unit="0.01", meter="calls"))
    report(subscription, subscription.plan.charges[0].meter, 9000, at=moment("2026-11-10 10:00"))
    return subscription


def test_an_amount_below_what_is_gone_is_refused_with_the_reason(subscription: Subscription) -> None:
    with pytest.raises(BelowSpent) as refusal:
        a_budget(buyer(subscription), "89.99", at=NOW)
    assert "¥90.00" in str(refusal.value.fields["amount_fen"])
    a_budget(buyer(subscription), "90.00", at=NOW)


def test_what_is_held_counts_as_gone(subscription: Subscription) -> None:
    a_reservation(subscription, 500, at=NOW)
    with pytest.raises(BelowSpent) as refusal:
        a_budget(buyer(subscription), "94.99", at=NOW)
    assert "¥5.00" in str(refusal.value.fields["amount_fen"])
    a_budget(buyer(subscription), "95.00", at=NOW)


def test_less_may_hold_from_the_next_month_on(subscription: Subscription) -> None:
    firm = buyer(subscription)
    a_budget(firm, "200.00", at=NOW)
    a_budget(firm, "50.00", at=NOW, next_month=True)
    standing = budgets.standing(firm, NOW)
    assert (standing.amount_fen, standing.planned and standing.planned.amount_fen) == (20000, 5000)
    assert [budgets.standing(firm, at).amount_fen for at in (DECEMBER, JANUARY)] == [5000, 5000]


def test_what_is_said_now_takes_back_what_was_planned(subscription: Subscription) -> None:
    firm = buyer(subscription)
    a_budget(firm, "50.00", at=NOW, next_month=True)
    a_budget(firm, "200.00", at=NOW)
    assert (budgets.standing(firm, NOW).planned, budgets.standing(firm, DECEMBER).amount_fen) == (None, 20000)


def test_an_amount_goes_on_until_it_is_removed(subscription: Subscription) -> None:
    firm = buyer(subscription)
    a_budget(firm, "200.00", [50], at=NOW)
    for at in (DECEMBER, JANUARY):
        budgets.run(at)
    assert db.session.scalar(select(func.count(Budget.id))) == 3
    assert (budgets.standing(firm, JANUARY).amount_fen, list(budgets.standing(firm, JANUARY).alerts)) == (
        20000,
        [50],
    )
    for _ in range(2):
        budgets.remove(firm, by=an_actor(organization=firm), at=JANUARY)
    assert budgets.standing(firm, JANUARY).amount_fen is None
    assert [event.action for event in budgets.history(firm, most=9)] == ["budget.removed", "budget.set"]


def test_the_trail_has_the_amount_before_and_after(subscription: Subscription) -> None:
    firm = buyer(subscription)
    a_budget(firm, "200.00", at=NOW)
    a_budget(firm, "300.00", at=NOW)
    [changed, first] = audit.newest(2, audit.Narrowed(firm.id, kinds=("budget",)))
    assert (first.action, changed.action) == ("budget.set", "budget.changed")
    assert (changed.before["amount_fen"], changed.after["amount_fen"]) == (20000, 30000)


@pytest.mark.parametrize(
    ("fen", "alerts"), [(0, []), (-1, []), (10**13, []), (100_00, [101]), (100_00, [0])], ids=str
)
def test_what_makes_no_sense_is_refused(subscription: Subscription, fen: int, alerts: list[int]) -> None:
    with pytest.raises(Invalid):
        budgets.set_amount(buyer(subscription), fen, alerts, by=an_actor(), at=NOW)
