"""What providers answer to a request."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from market import db, subscriptions
from market.errors import Invalid
from market.subscriptions import (
    AccessDetails,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_plan, an_offering
from tests.builders.subscriptions import a_subscription, the_request

OCT_2 = datetime(2026, 10, 2, 3, 0, tzinfo=UTC)
KEYS = {"地址": "https://storage.example", "密钥": "s3cret value"}


def test_completing_makes_it_live_and_seals_the_access_details(session):
    subscription, heard = a_subscription(started_at=None), []
    with subscriptions.subscription_activated.connected_to(lambda who, at: heard.append((who, at))):
        subscriptions.complete(the_request(subscription), access=KEYS, by=an_actor(), at=OCT_2)
    assert (subscription.status, subscription.started_at) == (SubscriptionStatus.ACTIVE, OCT_2)
    assert heard == [(subscription, OCT_2)]
    assert subscriptions.access_of(subscription) == KEYS
    sealed = session.scalars(select(AccessDetails.sealed)).one()
    assert "s3cret" not in sealed
    assert "s3cret" not in str([event.after for event in subscriptions.timeline(subscription)])


def test_completing_twice_changes_nothing(session):
    subscription = a_subscription(started_at=None)
    for at in (OCT_2, OCT_2.replace(day=3)):
        subscriptions.complete(the_request(subscription), access={}, by=an_actor(), at=at)
    assert subscription.started_at == OCT_2
    assert len(subscriptions.timeline(subscription)) == 2


@pytest.mark.parametrize(
    "access", [{"a": 1}, {"x" * 61: "y"}, {"a": "x" * 2001}, {str(n): "x" for n in range(21)}, ["a"]]
)
def test_details_that_cannot_be_kept_are_refused(session, access):
    subscription = a_subscription(started_at=None)
    with pytest.raises(Invalid):
        subscriptions.complete(the_request(subscription), access=access, by=an_actor(), at=OCT_2)
    assert subscription.status is SubscriptionStatus.PROVISIONING


def test_a_failed_one_can_be_retried_or_given_up_without_charge(session):
    subscription, heard = a_subscription(started_at=None), []
    request = the_request(subscription)
    with subscriptions.subscription_failed.connected_to(lambda who, at, reason: heard.append(reason)):
        subscriptions.fail(request, reason="机房没有空位", by=an_actor(), at=OCT_2)
    subscriptions.fail(request, reason="再说一次", by=an_actor(), at=OCT_2)
    assert (subscription.status, request.status, heard) == (SubscriptionStatus.FAILED, RequestStatus.FAILED, ["机房没有空位"])
    with pytest.raises(subscriptions.RequestClosed):
        subscriptions.complete(request, access={}, by=an_actor(), at=OCT_2)
    name = request.public_id
    subscriptions.retry(request, by=an_actor(), at=OCT_2)
    assert (subscription.status, request.status, request.public_id) == (SubscriptionStatus.PROVISIONING, RequestStatus.PENDING, name)
    with pytest.raises(subscriptions.RequestNotFailed):
        subscriptions.retry(request, by=an_actor(), at=OCT_2)
    subscriptions.fail(request, reason="还是没有", by=an_actor(), at=OCT_2)
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=OCT_2)
    assert subscription.status is SubscriptionStatus.ENDED
    assert subscriptions.paid_span(subscription) is None
    with pytest.raises(subscriptions.AlreadyEnded):
        subscriptions.retry(request, by=an_actor(), at=OCT_2)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_failure_needs_a_reason(session, reason):
    with pytest.raises(Invalid):
        subscriptions.fail(the_request(a_subscription(started_at=None)), reason=reason, by=an_actor(), at=OCT_2)


def test_what_is_done_cannot_fail(session):
    with pytest.raises(subscriptions.RequestClosed):
        subscriptions.fail(the_request(a_subscription()), reason="晚了", by=an_actor(), at=OCT_2)


def test_taking_down_is_completed_without_touching_the_end(session):
    subscription = a_subscription()
    subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=OCT_2)
    request = the_request(subscription, RequestKind.DEPROVISION)
    subscriptions.complete(request, access={}, by=an_actor(), at=OCT_2.replace(day=9))
    assert (request.status, subscription.ended_at) == (RequestStatus.DONE, OCT_2)
    assert subscriptions.timeline(subscription)[0].action == "subscription.deprovisioned"


def test_the_work_list_shows_what_is_open_first(session):
    offering = an_offering(plans=False)
    plan = a_plan(offering, per_unit="0.01")
    done, waiting = a_subscription(plan), a_subscription(plan, started_at=None)
    requests = session.scalars(subscriptions.requests_of(offering.provider)).all()
    assert [request.subscription_id for request in requests] == [waiting.id, done.id]
    assert subscriptions.open_requests(offering.provider) == 1


@pytest.mark.parametrize("rival", ["fail", "cancel"])
def test_two_who_answer_at_once_take_turns(database, rival):
    with db.transaction():
        subscription = a_subscription(started_at=None)
    start, refused = Barrier(2), []

    def act(verb: str) -> None:
        start.wait()
        with db.transaction():
            request = the_request(subscription)
            try:
                if verb == "complete":
                    subscriptions.complete(request, access={}, by=an_actor(), at=OCT_2)
                elif verb == "fail":
                    subscriptions.fail(request, reason="没有空位", by=an_actor(), at=OCT_2)
                else:
                    mine = db.session.get_one(Subscription, subscription.id)
                    subscriptions.cancel(mine, when="now", reason="", by=an_actor(), at=OCT_2)
            except subscriptions.RequestClosed:
                refused.append(verb)

    threads = [Thread(target=act, args=(verb,)) for verb in ("complete", rival)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction(readonly=True):
        status = db.session.get_one(Subscription, subscription.id).status
        request = db.session.scalars(select(ProvisioningRequest).order_by(ProvisioningRequest.id)).first()
        done = request.status is RequestStatus.DONE
        expected = {"fail": SubscriptionStatus.ACTIVE if done else SubscriptionStatus.FAILED, "cancel": SubscriptionStatus.ENDED}
        assert status is expected[rival]
        assert len(refused) == (0 if done and rival == "cancel" else 1)
