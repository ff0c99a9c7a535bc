"""Stopping what is not paid for, and what waits meanwhile."""

from __future__ import annotations

from datetime import date

import pytest

from market import audit, db, subscriptions
from market.catalog import Plan
from market.subscriptions import SubscriptionStatus, suspensions
from market.subscriptions.suspensions import Cause
from tests.builders.accounts import an_actor
from tests.builders.billing import moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")

BY = audit.system("dunning")


def test_a_planned_pause_and_its_end_wait_until_it_goes_on() -> None:
    subscription = a_subscription(a_plan(monthly="30.00"))
    for verb, day in ((subscriptions.pause, 12), (subscriptions.resume, 15), (subscriptions.pause, 18)):
        verb(subscription, when=date(2026, 11, day), by=an_actor(), at=moment("2026-11-10 10:00"))
    assert suspensions.suspend(subscription, cause=Cause.UNPAID, reason="", by=BY, at=moment("2026-11-11 10:00"))
    assert not suspensions.suspend(subscription, cause=Cause.UNPAID, reason="", by=BY, at=moment("2026-11-11 10:00"))
    subscriptions.apply_due(moment("2026-11-20 10:00"))
    assert subscription.status is SubscriptionStatus.SUSPENDED
    assert suspensions.reinstate(subscription, cause=Cause.UNPAID, by=BY, at=moment("2026-11-20 11:00"))
    assert subscription.status is SubscriptionStatus.PAUSED
    assert not suspensions.reinstate(subscription, cause=Cause.UNPAID, by=BY, at=moment("2026-11-20 11:00"))


@pytest.mark.parametrize(("goes_on", "status"), [
    ("2026-10-08 10:00", SubscriptionStatus.TRIALING), ("2026-11-08 10:00", SubscriptionStatus.ACTIVE),
])  # fmt: skip
def test_a_trial_goes_on_as_far_as_it_reaches(goes_on: str, status: SubscriptionStatus) -> None:
    plan: Plan = a_plan(monthly="30.00", trial_days=14)
    subscription = a_subscription(plan)
    subscription.cancel_at = None
    suspensions.suspend(subscription, cause=Cause.UNPAID, reason="", by=BY, at=moment("2026-10-05 10:00"))
    suspensions.reinstate(subscription, cause=Cause.UNPAID, by=BY, at=moment(goes_on))
    assert subscription.status is status


def test_an_end_that_the_buyer_planned_herself_stays() -> None:
    subscription = a_subscription(a_plan(monthly="30.00"))
    subscriptions.cancel(subscription, when="period_end", reason="", by=an_actor(), at=moment("2026-11-10 10:00"))
    hers = subscription.cancel_at
    suspensions.suspend(subscription, cause=Cause.UNPAID, reason="", by=BY, at=moment("2026-11-11 10:00"))
    [stopped] = suspensions.stopped(subscription.organization_id, Cause.UNPAID)
    db.session.flush()
    assert not suspensions.plan_end(stopped, moment("2026-12-20 00:00"), by=BY, at=moment("2026-11-12 10:00"))
    suspensions.reinstate(subscription, cause=Cause.UNPAID, by=BY, at=moment("2026-11-13 10:00"))
    assert subscription.cancel_at == hers
