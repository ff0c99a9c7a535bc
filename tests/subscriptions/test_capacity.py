"""Places: a provider's limits hold, however many come at once."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import func, select

from market import catalog, db, subscriptions
from market.accounts.models import Organization, User
from market.catalog.models import Offering, Plan
from market.errors import Invalid
from market.subscriptions import LimitReached, OrderStatus, SoldOut, Subscription
from tests.builders.accounts import a_member, an_actor, an_organization
from tests.builders.catalog import a_plan, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription, a_waiting_order
from tests.support.together import together

BY = an_actor()


def limited(total: int | None = None, per_organization: int | None = None) -> Plan:
    plan = a_plan(an_offering(plans=False), monthly="99.00", per_unit="0.50", included="200")
    catalog.set_limits(plan.offering, total=total, per_organization=per_organization, by=BY, at=ORDERED)
    return plan


def order(plan_id: int, organization_id: int, user_id: int, key: str) -> str:
    firm, user = db.session.get_one(Organization, organization_id), db.session.get_one(User, user_id)
    plan = db.session.get_one(Plan, plan_id)
    made = subscriptions.subscribe(
        firm, plan, request_key=key, estimate={}, user=user, by=an_actor(user, firm), at=ORDERED
    )
    return made.public_id


def counted() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count(Subscription.id))) or 0


def test_fifty_firms_at_once_get_seven_places(database):
    with db.transaction():
        plan = limited(total=7)
        firms = [(firm.id, a_member(firm).id) for firm in (an_organization() for _ in range(50))]
    acts = [partial(order, plan.id, firm, user, "one") for firm, user in firms]
    answers = together(*acts)
    assert sum(isinstance(answer, str) for answer in answers) == counted() == 7
    assert {type(answer) for answer in answers} == {str, SoldOut}


def test_a_firm_that_asks_fifty_times_at_once_gets_two(database):
    with db.transaction():
        plan, firm = limited(per_organization=2), an_organization()
        user = a_member(firm)
    answers = together(*(partial(order, plan.id, firm.id, user.id, f"key {number}") for number in range(50)))
    assert sum(isinstance(answer, str) for answer in answers) == counted() == 2
    assert {type(answer) for answer in answers} == {str, LimitReached}


def test_the_last_place_sent_twice_is_one_order_and_no_refusal(database):
    with db.transaction():
        plan, firm = limited(total=1), an_organization()
        user = a_member(firm)
    answers = together(*(partial(order, plan.id, firm.id, user.id, "the same") for _ in range(10)))
    assert len(set(answers)) == counted() == 1


def test_a_place_is_free_again_when_a_subscription_ends(session):
    plan = limited(total=1)
    taken = a_subscription(plan)
    assert subscriptions.room(plan.offering).sold_out
    with pytest.raises(SoldOut):
        a_subscription(plan)
    subscriptions.cancel(taken, when="now", reason="", by=BY, at=ORDERED)
    assert subscriptions.room(plan.offering).total == 1
    a_subscription(plan)


def test_what_is_left_is_told_to_the_firm_that_asks(session):
    plan, firm = limited(total=5, per_organization=2), an_organization()
    a_subscription(plan, organization=firm)
    a_subscription(plan)
    assert subscriptions.room(plan.offering, firm) == subscriptions.Room(total=3, own=1)
    assert subscriptions.room(an_offering(), firm) == subscriptions.Room()


def test_an_order_that_waits_holds_no_place_and_is_not_placed_without_one(session):
    plan = limited(total=1)
    waiting = a_waiting_order(plan=plan)
    taken = a_subscription(plan)
    owner = a_member(db.session.get_one(Organization, waiting.organization_id))
    with pytest.raises(SoldOut):
        subscriptions.approve(waiting, user=owner, by=an_actor(owner), at=ORDERED)
    subscriptions.cancel(taken, when="now", reason="", by=BY, at=ORDERED)
    subscriptions.approve(waiting, user=owner, by=an_actor(owner), at=ORDERED)
    assert waiting.status is OrderStatus.PLACED


def test_a_limit_below_what_runs_ends_nothing(session):
    plan = limited()
    running = [a_subscription(plan) for _ in range(2)]
    offering = db.session.get_one(Offering, plan.offering_id)
    catalog.set_limits(offering, total=1, per_organization=None, by=BY, at=ORDERED)
    assert subscriptions.room(offering).total == 0
    assert all(one.status.value == "active" for one in running)


@pytest.mark.parametrize("wrong", [0, -1, 1_000_001])
def test_a_limit_that_is_none_is_refused(session, wrong):
    with pytest.raises(Invalid):
        limited(total=wrong)
