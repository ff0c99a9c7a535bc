"""Delivering requests to a real HTTP server."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from market import db, outgoing, providers, resources, subscriptions
from market.catalog.models import Plan, Provisioning
from market.providers import Provider
from market.subscriptions import (
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import transport
from market.subscriptions.provisioning.webhook import LEASE, WAITS
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_charge, a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, SECRET, Call, a_receiver, a_subscription, the_request


@pytest.fixture
def receiver(database):
    with a_receiver() as running:
        yield running


@pytest.fixture
def ordered(receiver) -> int:
    """The id of a subscription whose provider's system is asked to set it up."""
    with db.transaction():
        return an_order(receiver).id


def an_order(receiver) -> Subscription:
    provider = a_provider(**receiver.settings())
    offering = an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False)
    return a_subscription(a_plan(offering, per_unit="0.01"), started_at=None)


def look(id: int) -> tuple[Subscription, ProvisioningRequest]:
    with db.transaction(readonly=True):
        subscription = db.session.get_one(Subscription, id)
        return subscription, the_request(subscription)


def test_the_provider_gets_a_signed_request(receiver, ordered):
    assert subscriptions.deliver_due(ORDERED) == 1
    subscription, request = look(ordered)
    (call,) = receiver.calls
    payload = Webhook(SECRET).verify(call.body, call.headers)
    assert call.headers["webhook-id"] == request.public_id
    assert payload["type"] == "subscription.provision"
    assert datetime.fromisoformat(payload["timestamp"]) == ORDERED
    assert payload["data"]["subscription"] == subscription.public_id
    assert payload["data"]["request"] == request.public_id
    assert payload["data"]["callback_url"] == f"http://localhost/api/v1/provisioning/{request.public_id}"
    assert payload["data"]["events_url"] == "http://localhost/api/v1/events"
    assert [meter["slug"] for meter in payload["data"]["meters"]] == ["api_calls"]
    assert set(payload["data"]["organization"]) == {"name"}
    assert (request.status, request.attempts) == (RequestStatus.DELIVERED, 1)
    assert subscription.status is SubscriptionStatus.PROVISIONING


def test_a_changed_body_or_another_secret_does_not_verify(receiver, ordered):
    subscriptions.deliver_due(ORDERED)
    (call,) = receiver.calls
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(call.body.replace(b"provision", b"provIsion"), call.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "QUJD" * 8).verify(call.body, call.headers)


def test_an_answer_with_access_details_completes_at_once(receiver, ordered):
    receiver.says(200, {"access": {"地址": "https://a.example"}})
    subscriptions.deliver_due(ORDERED)
    subscription, request = look(ordered)
    assert (subscription.status, request.status) == (SubscriptionStatus.ACTIVE, RequestStatus.DONE)
    with db.transaction(readonly=True):
        assert subscriptions.access_of(subscription) == {"地址": "https://a.example"}


def test_details_that_cannot_be_kept_leave_it_delivered(receiver, ordered):
    receiver.says(200, {"access": {"地址": 5}})
    subscriptions.deliver_due(ORDERED)
    _, request = look(ordered)
    assert (request.status, request.last_error) == (RequestStatus.DELIVERED, "invalid")


def test_a_provider_may_complete_it_while_it_is_still_being_called(receiver, ordered):
    def answer(_call: Call):
        with db.transaction():
            request = the_request(db.session.get_one(Subscription, ordered))
            subscriptions.complete(request, access={}, by=an_actor(), at=ORDERED)
        return 204, {}, b""

    receiver.answer = answer
    subscriptions.deliver_due(ORDERED)
    subscription, request = look(ordered)
    assert (subscription.status, request.status) == (SubscriptionStatus.ACTIVE, RequestStatus.DONE)
    assert request.next_attempt_at is None


def test_failures_are_retried_on_the_standard_schedule_under_one_id(receiver, ordered):
    receiver.says(503)
    now, waits = ORDERED, []
    for attempt in range(len(WAITS)):
        assert subscriptions.deliver_due(now) == 1
        # The last one over, what it may have made is to be taken down.
        assert subscriptions.deliver_due(now) == (1 if attempt == len(WAITS) - 1 else 0)
        _, request = look(ordered)
        if request.next_attempt_at:
            waits.append(request.next_attempt_at - now)
            now = request.next_attempt_at
    assert len({call.headers["webhook-id"] for call in receiver.calls[:10]}) == 1
    assert [call.json["type"] for call in receiver.calls[9:]] == ["subscription.provision", "subscription.deprovision"]
    assert all(planned <= wait <= planned * 1.1 for planned, wait in zip(WAITS[1:], waits, strict=True))
    subscription, request = look(ordered)
    assert (subscription.status, request.status, request.last_error) == (SubscriptionStatus.FAILED, RequestStatus.FAILED, "http_503")
    with db.transaction(readonly=True):
        provider = db.session.get_one(Provider, subscription.provider_id)
        log = db.session.scalars(subscriptions.attempts_at(provider, request)).all()
        assert [(entry.number, entry.status, entry.error) for entry in log] == [(n, 503, "http_503") for n in range(10, 0, -1)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_failures(receiver, ordered, status):
    receiver.says(status, location=f"{receiver.url}/elsewhere")
    subscriptions.deliver_due(ORDERED)
    assert [call.path for call in receiver.calls] == ["/hooks"]
    assert look(ordered)[1].last_error == f"http_{status}"


def test_gone_stops_the_address_and_leaves_the_work_to_people(receiver, ordered):
    receiver.says(410)
    subscriptions.deliver_due(ORDERED)
    subscription, request = look(ordered)
    assert (subscription.status, request.mode) == (SubscriptionStatus.PROVISIONING, Provisioning.MANUAL)
    assert request.due_at == ORDERED + timedelta(days=3)
    with db.transaction():
        plan = db.session.get_one(Plan, subscription.plan_id)
        another = a_subscription(plan, started_at=None)
        assert the_request(another).mode is Provisioning.MANUAL
        provider = db.session.get_one(Provider, subscription.provider_id)
        with pytest.raises(subscriptions.NoSystem):
            subscriptions.resend(the_request(another), by=an_actor(), at=ORDERED)
        providers.set_webhook(provider, receiver.url, by=an_actor(), at=ORDERED)
        subscriptions.resend(the_request(another), by=an_actor(), at=ORDERED)
    receiver.says(204)
    assert subscriptions.deliver_due(ORDERED) == 1


def test_retry_after_is_honored(receiver, ordered):
    receiver.says(429, retry_after="120")
    subscriptions.deliver_due(ORDERED)
    assert look(ordered)[1].next_attempt_at == ORDERED + timedelta(seconds=120)


def test_a_closed_port_is_retried(receiver, database):
    with db.transaction():
        subscription = an_order(receiver)
        subscription.plan.offering.provider.webhook_url = "http://127.0.0.1:9/hooks"
    subscriptions.deliver_due(ORDERED)
    assert look(subscription.id)[1].last_error == "unreachable"


def test_two_workers_do_not_both_send(receiver, database):
    with db.transaction():
        ids = [an_order(receiver).id for _ in range(6)]
    start = Barrier(4)

    def work() -> None:
        start.wait()
        subscriptions.deliver_due(ORDERED)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [call.headers["webhook-id"] for call in receiver.calls]
    assert len(names) == len(set(names)) == len(ids)


def test_a_worker_that_died_in_between_is_made_up_for(receiver, ordered):
    with db.transaction():
        request = the_request(db.session.get_one(Subscription, ordered))
        request.attempts, request.next_attempt_at = 1, ORDERED + LEASE
    assert subscriptions.deliver_due(ORDERED) == 0
    assert subscriptions.deliver_due(ORDERED + LEASE) == 1
    assert look(ordered)[1].status is RequestStatus.DELIVERED


def test_a_delivered_request_is_sent_again_until_it_is_completed(receiver, ordered):
    now = ORDERED
    for _ in range(4):
        assert subscriptions.deliver_due(now) == 1
        now = look(ordered)[1].next_attempt_at
    assert now - ORDERED == timedelta(minutes=80)
    receiver.says(500)
    subscriptions.deliver_due(now)
    assert look(ordered)[1].status is RequestStatus.DELIVERED
    receiver.says(200, {"access": {}})
    subscriptions.deliver_due(look(ordered)[1].next_attempt_at)
    assert look(ordered)[0].status is SubscriptionStatus.ACTIVE


def test_the_end_is_told_with_the_dates_that_matter(receiver, database):
    with db.transaction():
        subscription = an_order(receiver)
        subscriptions.complete(the_request(subscription), access={}, by=an_actor(), at=ORDERED)
        subscriptions.cancel(subscription, when="now", reason="", by=an_actor(), at=ORDERED + timedelta(days=9))
    receiver.says(200, {"done": True})
    subscriptions.deliver_due(ORDERED + timedelta(days=9))
    data = receiver.calls[-1].json["data"]
    assert receiver.calls[-1].json["type"] == "subscription.deprovision"
    assert datetime.fromisoformat(data["export_until"]) == ORDERED + timedelta(days=39)
    assert datetime.fromisoformat(data["delete_by"]) == ORDERED + timedelta(days=99)
    with db.transaction(readonly=True):
        assert the_request(subscription, RequestKind.DEPROVISION).status is RequestStatus.DONE


def test_an_order_called_off_before_anybody_was_told_is_never_sent(receiver, ordered):
    with db.transaction():
        subscriptions.cancel(db.session.get_one(Subscription, ordered), when="now", reason="", by=an_actor(), at=ORDERED)
    assert subscriptions.deliver_due(ORDERED) == 0


def test_an_order_called_off_after_the_provider_was_told_is_undone(receiver, ordered):
    subscriptions.deliver_due(ORDERED)
    with db.transaction():
        subscriptions.cancel(db.session.get_one(Subscription, ordered), when="now", reason="", by=an_actor(), at=ORDERED)
    subscriptions.deliver_due(ORDERED)
    assert [call.json["type"] for call in receiver.calls] == ["subscription.provision", "subscription.deprovision"]


def test_without_an_address_it_becomes_work_for_people(receiver, ordered):
    with db.transaction():
        subscription = db.session.get_one(Subscription, ordered)
        db.session.get_one(Provider, subscription.provider_id).webhook_url = ""
    assert subscriptions.deliver_due(ORDERED) == 0
    assert look(ordered)[1].mode is Provisioning.MANUAL


def test_private_addresses_are_not_called_unless_the_settings_say_so(receiver, ordered, settings, clock):
    resources.install(dataclasses.replace(settings, allow_private_webhooks=False), with_clock=clock)
    subscriptions.deliver_due(ORDERED)
    assert receiver.calls == []
    assert look(ordered)[1].last_error == "not_https"


def test_a_slow_receiver_is_given_up_on(receiver, monkeypatch):
    monkeypatch.setattr(outgoing, "TIMEOUT", 0.3)

    def answer(_call: Call):
        time.sleep(1)
        return 204, {}, b""

    receiver.answer = answer
    outcome = transport.post(receiver.url, id="x", secrets=[SECRET], body=b"{}", allow_private=True)
    assert outcome.error == "timeout"


def test_an_endless_answer_is_not_read(receiver):
    receiver.answer = lambda _call: (200, {}, json.dumps({"access": {"a": "x" * 100_000}}).encode())
    outcome = transport.post(receiver.url, id="x", secrets=[SECRET], body=b"{}", allow_private=True)
    assert (outcome.delivered, outcome.answer) == (True, {})


def test_a_large_plan_stays_below_twenty_kilobytes(receiver, database):
    with db.transaction():
        provider = a_provider(**receiver.settings())
        offering = an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False)
        plan = a_plan(offering, monthly="9.00")
        for number in range(40):
            a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, meter=f"a_rather_long_meter_name_{number}")
        a_subscription(plan, started_at=None)
    subscriptions.deliver_due(ORDERED.astimezone(UTC))
    assert 1000 < len(receiver.calls[0].body) < 20_000
