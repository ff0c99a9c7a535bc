"""The state of each day: only what somebody has said is stored."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from market import db
from market.catalog import Meter
from market.errors import Invalid
from market.metering import reconciliation
from market.metering.reconciliation import DayStatus, ReconciledDay
from market.subscriptions import Subscription
from tests.builders.accounts import a_user, an_actor
from tests.builders.billing import OCTOBER, moment
from tests.builders.catalog import a_plan
from tests.builders.corrections import correct, event_named
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")

DAY, NOW = date(2026, 10, 5), moment("2026-10-08 09:00")
REPORTED, ACCEPTED, DISPUTED, SETTLED = DayStatus


@pytest.fixture
def used() -> tuple[Subscription, Meter]:
    subscription = a_subscription(a_plan(per_unit="1.00"))
    meter = subscription.plan.charges[0].meter
    assert meter is not None
    report(subscription, meter, "1000", at=moment("2026-10-05 12:00"), id="a")
    report(subscription, meter, "5", at=moment("2026-10-05 13:00"), id="b")
    return subscription, meter


def state(used: tuple[Subscription, Meter], now: datetime) -> DayStatus:
    subscription, meter = used
    return reconciliation.states(subscription.id, [meter], OCTOBER, now=now).of(meter, DAY)


def dispute(used: tuple[Subscription, Meter], now: datetime = NOW, reason: str = "停电") -> ReconciledDay:
    user = a_user()
    return reconciliation.dispute(*used, DAY, reason=reason, user=user, by=an_actor(user), now=now)


def test_a_day_without_a_word_is_accepted_in_time_and_costs_no_row(used: tuple[Subscription, Meter]) -> None:
    assert state(used, moment("2026-10-15 23:59")) is REPORTED
    assert state(used, moment("2026-10-16 00:00")) is ACCEPTED
    assert db.session.scalar(select(func.count(ReconciledDay.id))) == 0


def test_a_correction_opens_the_day_again(used: tuple[Subscription, Meter]) -> None:
    correct(event_named("b"), "4", now=moment("2026-10-20 09:00"))
    assert state(used, moment("2026-10-30 08:59")) is REPORTED
    assert dispute(used, moment("2026-10-30 08:59")).status is DISPUTED
    assert state(used, moment("2027-01-01 00:00")) is DISPUTED


def test_an_objection_is_answered_and_settled_by_the_buyer_or_by_time(used: tuple[Subscription, Meter]) -> None:
    user, found = a_user(), dispute(used)
    reconciliation.answer(found, text="核对过，没有错", user=user, by=an_actor(user), now=NOW)
    reconciliation.settle(found, by=an_actor(user), now=NOW)
    assert state(used, NOW) is SETTLED
    with pytest.raises(reconciliation.AlreadySaid):
        reconciliation.answer(found, text="再说一次", user=user, by=an_actor(user), now=NOW)
    again = dispute(used, NOW + timedelta(days=1))
    assert again is found and not found.answer
    reconciliation.answer(found, text="核对过", user=user, by=an_actor(user), now=NOW)
    assert reconciliation.settle_due(NOW + timedelta(days=10)) == 0
    assert reconciliation.settle_due(NOW + timedelta(days=10, seconds=1)) == 1
    db.session.refresh(found)
    assert found.status is SETTLED


def test_who_accepted_may_still_object_but_not_when_time_is_up(used: tuple[Subscription, Meter]) -> None:
    user = a_user()
    for _ in range(2):
        assert reconciliation.accept(*used, DAY, user=user, by=an_actor(user), now=NOW).status is ACCEPTED
    with pytest.raises(reconciliation.TooLate):
        dispute(used, moment("2026-10-16 00:00"))
    assert dispute(used).status is DISPUTED
    with pytest.raises(reconciliation.AlreadySaid):
        reconciliation.accept(*used, DAY, user=user, by=an_actor(user), now=NOW)


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501])
def test_an_objection_says_why(used: tuple[Subscription, Meter], reason: str) -> None:
    with pytest.raises(Invalid):
        dispute(used, reason=reason)


def test_a_day_that_goes_on_is_not_judged(used: tuple[Subscription, Meter]) -> None:
    with pytest.raises(reconciliation.NotOver):
        dispute(used, moment("2026-10-05 23:59"))
