"""The protocol between the marketplace and a provider: order, every state with every action, and trouble of all kinds."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from threading import Barrier, Thread
from typing import Any

import pytest

from market import db, outgoing, providers, subscriptions
from market.catalog.models import Plan, Provisioning
from market.errors import MarketError
from market.providers import Provider
from market.subscriptions import (
    AccessDetails,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Stage,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import requests
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, Call, a_receiver, a_subscription, the_request

LATER = ORDERED + timedelta(hours=1)
K, S = RequestKind, RequestStatus


@pytest.fixture
def receiver(database):
    with a_receiver() as running:
        yield running


def ordered_from(receiver, **options: Any) -> Subscription:
    provider = a_provider(**receiver.settings())
    offering = an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False)
    return a_subscription(a_plan(offering, per_unit="0.01"), **options)


def fresh(id: int) -> Subscription:
    return db.session.get_one(Subscription, id)


def history(id: int) -> list[tuple[str, str]]:
    """Kind and status of everything that was asked about one subscription."""
    with db.transaction(readonly=True):
        return [(each.kind.value, each.status.value) for each in requests.requests_in_order(fresh(id))]


# --- order -------------------------------------------------------------------------------


def test_nothing_overtakes_and_what_is_pointless_is_taken_back(receiver):
    with db.transaction():
        running = ordered_from(receiver, started_at=ORDERED)
        first = requests.ask(running, K.UPDATE, at=LATER)
        assert requests.ask(running, K.UPDATE, at=LATER) is first, "nobody was told: the message says what holds when it is sent"
        requests.ask(running, K.PAUSE, at=LATER)
    receiver.says(503)
    assert subscriptions.deliver_due(LATER) == 1
    receiver.says(204)
    assert subscriptions.deliver_due(LATER) == 0, "the pause waits until the update has arrived"
    assert subscriptions.deliver_due(LATER + timedelta(seconds=6)) == 1
    assert subscriptions.deliver_due(LATER + timedelta(seconds=6)) == 1
    data = [call.json["data"] for call in receiver.calls]
    assert [each["sequence"] for each in data] == [2, 2, 3]
    with db.transaction():
        mine = fresh(running.id)
        again = requests.ask(mine, K.UPDATE, at=LATER + timedelta(minutes=2))
        assert again.number == 4, "the provider knows the first one, so this is news"
        requests.ask(mine, K.RESUME, at=LATER + timedelta(minutes=2))
        subscriptions.cancel(mine, when="now", reason="", by=an_actor(), at=LATER + timedelta(minutes=3))
    assert history(running.id) == [
        ("provision", "done"), ("update", "canceled"), ("pause", "canceled"), ("update", "canceled"),
        ("resume", "canceled"), ("deprovision", "pending"),
    ]  # fmt: skip
    assert subscriptions.deliver_due(LATER + timedelta(minutes=3)) == 1
    assert receiver.calls[-1].json["type"] == "subscription.deprovision"


def test_what_comes_after_an_attempt_under_way_waits_for_it(receiver):
    with db.transaction():
        running = ordered_from(receiver, started_at=ORDERED)
        update = requests.ask(running, K.UPDATE, at=LATER)
        update.attempts, update.heard_at, update.next_attempt_at = 1, LATER, LATER + requests.LEASE
        assert requests.ask(running, K.DEPROVISION, at=LATER).next_attempt_at == LATER + requests.LEASE


# --- every state with every action -------------------------------------------------------

ACTIONS: dict[str, Callable[[ProvisioningRequest], object]] = {
    "complete": lambda r: subscriptions.complete(r, access={"a": "b"}, by=an_actor(), at=LATER),
    "fail": lambda r: subscriptions.fail(r, reason="没有库存", by=an_actor(), at=LATER),
    "retry": lambda r: subscriptions.retry(r, by=an_actor(), at=LATER),
    "resend": lambda r: subscriptions.resend(r, by=an_actor(), at=LATER),
}
#: What each action says to each state of a request about a running subscription; "" is yes, or nothing to do.
SAYS = {
    "complete": {"failed": "request_closed", "canceled": "request_closed"},
    "fail": {"done": "request_closed", "canceled": "request_closed"},
    "retry": dict.fromkeys(("pending", "delivered", "done"), "request_not_failed") | {"canceled": "request_closed"},
    "resend": dict.fromkeys(("done", "failed", "canceled"), "request_closed"),
}


def test_any_state_with_any_action_is_done_or_refused_by_name(database):
    with db.transaction():
        provider = a_provider(webhook_url="https://a.example/hook", webhook_secret="x")
        plan = a_plan(an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False), per_unit="0.01")
        running = a_subscription(plan)
    kinds = [K.UPDATE, K.PAUSE, K.RESUME, K.ROTATE, K.DEPROVISION]
    for kind, state, action in product(kinds, S, ACTIONS):
        with db.transaction() as session:
            request = requests.ask(fresh(running.id), kind, at=ORDERED)
            request.status = state
            session.flush()
            told = SAYS[action].get(state.value, "")
            try:
                ACTIONS[action](request)
                session.flush()
                assert told == "", (kind, state, action)
            except MarketError as refusal:
                assert refusal.code == told, (kind, state, action)
                session.flush()
                assert request.status is state, "a refusal leaves no half of a change"
            db.rollback()


def test_setting_up_in_any_state_too(database):
    """What makes the difference is whether the buyer still waits."""
    ways: dict[str, Callable[[Subscription], object]] = {
        "open": lambda s: None,
        "done": lambda s: subscriptions.complete(the_request(s), access={}, by=an_actor(), at=ORDERED),
        "failed": lambda s: subscriptions.fail(the_request(s), reason="没有库存", by=an_actor(), at=ORDERED),
        "called off": lambda s: subscriptions.cancel(s, when="now", reason="", by=an_actor(), at=ORDERED),
    }
    says = {
        ("complete", "failed"): "confirmed_late", ("complete", "called off"): "confirmed_late", ("fail", "done"): "request_closed",
        ("fail", "called off"): "request_closed", ("retry", "open"): "request_not_failed", ("retry", "done"): "request_not_failed",
        ("retry", "called off"): "subscription_ended", ("resend", "open"): "no_system",
        **{("resend", state): "request_closed" for state in ("done", "failed", "called off")},
    }  # fmt: skip
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        made = {state: a_subscription(plan, started_at=None).id for state in ways}
        for state, way in ways.items():
            way(fresh(made[state]))
    for state, action in product(ways, ACTIONS):
        with db.transaction():
            request = the_request(fresh(made[state]))
            told = ""
            try:
                ACTIONS[action](request)
            except MarketError as refusal:
                told = refusal.code
            assert told == says.get((action, state), ""), (state, action)
            assert fresh(made[state]).started_at is None or state in ("done", "open"), "never a charge"
            db.rollback()


def test_a_failed_set_up_that_nobody_tries_again_ends_without_charge(database):
    with db.transaction():
        forgotten, retried = (a_subscription(started_at=None) for _ in range(2))
        for one in (forgotten, retried):
            subscriptions.fail(the_request(one), reason="没有线路", by=an_actor(), at=LATER)
    over = LATER + subscriptions.FAILED_KEPT
    assert subscriptions.lapse_due(over - timedelta(seconds=1)) == 0
    with db.transaction():
        subscriptions.retry(the_request(fresh(retried.id)), by=an_actor(), at=over - timedelta(days=1))
        subscriptions.fail(the_request(fresh(retried.id)), reason="还是没有", by=an_actor(), at=over - timedelta(days=1))
    assert subscriptions.lapse_due(over) == 1 and subscriptions.lapse_due(over) == 0
    with db.transaction(readonly=True):
        ended = fresh(forgotten.id)
        assert (ended.status, ended.started_at) == (SubscriptionStatus.ENDED, None)
        assert fresh(retried.id).status is SubscriptionStatus.FAILED
    assert history(forgotten.id) == [("provision", "canceled")], "nobody may have made anything"


# --- giving up, and coming too late ------------------------------------------------------


def test_who_confirms_after_we_gave_up_is_asked_to_take_it_down_and_nobody_pays(receiver):
    with db.transaction():
        id = ordered_from(receiver, started_at=None).id
    subscriptions.deliver_due(ORDERED)
    over = ORDERED + timedelta(days=3, hours=1)
    assert subscriptions.watch(over) > 0
    with db.transaction(readonly=True):
        assert (fresh(id).status, the_request(fresh(id)).last_error) == (SubscriptionStatus.FAILED, "not_confirmed")
    assert history(id) == [("provision", "failed"), ("deprovision", "pending")], "it may have made something"
    with db.transaction():
        with pytest.raises(subscriptions.RequestClosed):
            subscriptions.complete(the_request(fresh(id)), access={"a": "b"}, by=an_actor(), at=over)
        subscriptions.complete(the_request(fresh(id), K.DEPROVISION), access={}, by=an_actor(), at=over)
    for _ in range(4):  # a provider that says it again and again is asked three times at most
        with db.transaction():
            with pytest.raises(subscriptions.RequestClosed):
                subscriptions.complete(the_request(fresh(id)), access={"a": "b"}, by=an_actor(), at=over)
            for each in requests.requests_in_order(fresh(id)):
                if each.kind is K.DEPROVISION:
                    subscriptions.complete(each, access={}, by=an_actor(), at=over)
    assert history(id) == [("provision", "failed")] + [("deprovision", "done")] * 3
    with db.transaction():
        mine = fresh(id)
        assert (mine.started_at, db.session.get(AccessDetails, id)) == (None, None)
        again = subscriptions.retry(the_request(mine), by=an_actor(), at=over)
        assert again.number == 5, "under a new id: the old one was answered and undone"
        with pytest.raises(subscriptions.RequestClosed):
            subscriptions.complete(requests.requests_in_order(mine)[0], access={}, by=an_actor(), at=over)
        assert mine.status is SubscriptionStatus.PROVISIONING
        subscriptions.complete(again, access={}, by=an_actor(), at=over)
        assert mine.started_at == over


def test_a_clean_up_nobody_heard_of_gives_way_to_another_try(database):
    with db.transaction():
        ordered = a_subscription(started_at=None)
        request = the_request(ordered)
        subscriptions.fail(request, reason="没有库存", by=an_actor(), at=ORDERED)
        with pytest.raises(subscriptions.ConfirmedLate):
            subscriptions.complete(request, access={}, by=an_actor(), at=LATER)
        assert subscriptions.retry(request, by=an_actor(), at=LATER) is request
    assert history(ordered.id) == [("provision", "pending"), ("deprovision", "canceled")]


# --- deadlines ---------------------------------------------------------------------------


def test_people_are_reminded_before_and_after_administrators_told_and_two_workers_tell_once(database):
    heard: list[tuple[Stage, int]] = []

    def listen(_provider: Provider, *, requests: list[ProvisioningRequest], stage: Stage, **_: Any) -> None:
        heard.append((stage, len(requests)))

    with db.transaction():
        plan = a_plan(per_unit="0.01")
        ids = [a_subscription(plan, started_at=None).id for _ in range(3)]

    def both(at: datetime) -> None:
        start = Barrier(2)

        def work() -> None:
            start.wait()
            subscriptions.watch(at)

        threads = [Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with subscriptions.requests_due.connected_to(listen):
        for days in (1, 2, 3, 4, 5, 17):
            both(ORDERED + timedelta(days=days))
    assert heard == [(Stage.SOON, 3), (Stage.OVERDUE, 3), (Stage.FAR, 3)], "one message for all of a provider"
    for id in ids:
        with db.transaction(readonly=True):
            assert (fresh(id).status, the_request(fresh(id)).last_error) == (SubscriptionStatus.FAILED, "not_done")
    assert history(ids[0]) == [("provision", "failed")]


def test_taking_down_is_never_given_up(database):
    with db.transaction():
        running = a_subscription()
        subscriptions.cancel(running, when="now", reason="", by=an_actor(), at=LATER)
    subscriptions.watch(LATER + timedelta(days=90))
    assert history(running.id)[-1] == ("deprovision", "pending")


# --- a provider's system that misbehaves -------------------------------------------------


def test_a_system_that_hangs_and_one_that_fails_at_first(receiver, monkeypatch):
    monkeypatch.setattr(outgoing, "TIMEOUT", 0.3)
    with db.transaction():
        id = ordered_from(receiver, started_at=None).id

    def hang(_call: Call) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.8)
        return 204, {}, b""

    receiver.answer = hang
    subscriptions.deliver_due(ORDERED)
    receiver.says(500, {"error": "busy"})
    subscriptions.deliver_due(ORDERED + timedelta(seconds=6))
    receiver.says(200, {"access": {"地址": "https://a.example"}})
    subscriptions.deliver_due(ORDERED + timedelta(minutes=7))
    with db.transaction(readonly=True):
        provider = db.session.get_one(Provider, fresh(id).provider_id)
        log = db.session.scalars(subscriptions.attempts_at(provider)).all()
        assert [(each.status, each.error) for each in reversed(log)] == [(0, "timeout"), (500, "http_500"), (200, "")]
        assert ["busy" in each.answer for each in log] == [False, True, False], "a yes may hold secrets and is not kept"
        assert fresh(id).status is SubscriptionStatus.ACTIVE


WRONG = {
    "other_subscription": ({"subscription": "sub_x", "access": {"a": "b"}}, "wrong_subject"),
    "other_request": ({"request": "prov_x", "done": True}, "wrong_subject"),
    "access_is_text": ({"access": "geheim"}, "invalid"),
    "done_is_text": ({"done": "yes"}, "invalid"),
    "value_is_number": ({"access": {"a": 1}}, "invalid"),
    "huge": ({"access": {"a": "x" * 100_000}}, "answer_too_large"),
    "a_list": ([1], ""),
}


@pytest.mark.parametrize(("answer", "error"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_sets_nothing_up(receiver, answer, error):
    with db.transaction():
        id = ordered_from(receiver, started_at=None).id
    receiver.says(200, answer)
    subscriptions.deliver_due(ORDERED)
    with db.transaction(readonly=True):
        request = the_request(fresh(id))
        assert (fresh(id).status, request.status, request.last_error) == (SubscriptionStatus.PROVISIONING, S.DELIVERED, error)


def test_both_secrets_sign_for_a_day(receiver):
    with db.transaction():
        id = ordered_from(receiver, started_at=None).id
        provider = db.session.get_one(Provider, fresh(id).provider_id)
        providers.rotate_secret(provider, by=an_actor(), at=ORDERED)
    receiver.says(500)
    subscriptions.deliver_due(ORDERED)
    subscriptions.deliver_due(ORDERED + timedelta(hours=25))
    with db.transaction():
        providers.rotate_secret(
            db.session.get_one(Provider, provider.id), by=an_actor(), at=ORDERED + timedelta(hours=25), keep_old=False
        )
    subscriptions.deliver_due(ORDERED + timedelta(hours=26))
    assert [len(call.headers["webhook-signature"].split()) for call in receiver.calls] == [2, 1, 1]


# --- access details ----------------------------------------------------------------------


def test_new_details_replace_the_old_and_all_go_with_the_data(database):
    with db.transaction():
        running = a_subscription(access={"密码": "old"})
        request = subscriptions.rotate(running, by=an_actor(), at=LATER)
        assert subscriptions.rotate(running, by=an_actor(), at=LATER) is request
        with pytest.raises(MarketError):
            subscriptions.complete(request, access={}, by=an_actor(), at=LATER)
        subscriptions.complete(request, access={"密码": "new"}, by=an_actor(), at=LATER)
        assert subscriptions.access_of(running) == {"密码": "new"}
        told = " ".join(f"{each.action} {each.after}" for each in subscriptions.timeline(running))
        assert "rotation_asked" in told
        assert "new" not in told.replace("renew", "")
        subscriptions.cancel(running, when="now", reason="", by=an_actor(), at=LATER)
        with pytest.raises(subscriptions.NothingToRotate):
            subscriptions.rotate(running, by=an_actor(), at=LATER)
    assert subscriptions.forget_due(LATER + timedelta(days=90)) == 0, "until the day on which the data must be gone"
    assert subscriptions.forget_due(LATER + timedelta(days=91)) == 1
    assert subscriptions.forget_due(LATER + timedelta(days=91)) == 0
    with db.transaction(readonly=True):
        assert db.session.get(AccessDetails, running.id) is None


def test_old_attempts_are_let_go_of(receiver):
    with db.transaction():
        ordered_from(receiver, started_at=None)
    subscriptions.deliver_due(ORDERED)
    assert subscriptions.prune(ORDERED + timedelta(days=90)) == 0
    assert subscriptions.prune(ORDERED + timedelta(days=91)) == 1


def test_the_mode_is_read_anew_when_it_is_asked_again(receiver):
    with db.transaction():
        ordered = ordered_from(receiver, started_at=None)
        plan = db.session.get_one(Plan, ordered.plan_id)
        request = the_request(ordered)
        subscriptions.fail(request, reason="没有库存", by=an_actor(), at=ORDERED)
        plan.offering.provisioning = Provisioning.MANUAL
        subscriptions.retry(request, by=an_actor(), at=ORDERED)
        assert request.mode is Provisioning.MANUAL
    assert subscriptions.deliver_due(LATER) == 0
