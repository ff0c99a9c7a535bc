"""What a key opens: nothing when it is wrong, expired or stopped; judgements only when it is a test key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from market import accounts, credentials, db
from market.api import limits
from market.metering.models import RefusedEvent, UsageEvent
from market.subscriptions import SubscriptionStatus
from tests.api.conftest import Caller
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_plan
from tests.builders.metering import SOURCE
from tests.builders.subscriptions import a_subscription, the_request
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock

DAY = timedelta(days=1)


@pytest.fixture
def tester(caller: Caller) -> Caller:
    """The caller with a test key beside the live one."""
    with db.transaction():
        _key, secret = accounts.issue_key(
            caller.organization, name="t", source=SOURCE, scopes=accounts.SCOPES, test=True, by=an_actor(), at=PRESENT
        )
    return Caller(caller.client, secret, caller.organization, caller.provider, caller.subscription, caller.meter)


def stored(kind: type[db.Base]) -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count()).select_from(kind)) or 0


def test_unknown_expired_and_revoked_keys_are_answered_alike(caller: Caller, clock: FakeClock) -> None:
    with db.transaction():
        expired, revoked = (
            accounts.issue_key(
                caller.organization, name=name, source=SOURCE, scopes=accounts.SCOPES, by=an_actor(), at=PRESENT - DAY,
                expires_at=PRESENT if name == "expired" else None,
            )
            for name in ("expired", "revoked")
        )  # fmt: skip
        accounts.revoke_key(revoked[0], by=an_actor(), at=PRESENT)
    answers = []
    for secret in ("mk_00000000_unknown", expired[1], revoked[1], caller.secret + "x"):
        caller.secret = secret
        answer = caller.send("GET", "/meters")
        answers.append((answer.status_code, answer.mimetype, answer.headers["WWW-Authenticate"], {**answer.json, "request_id": ""}))
    assert answers[0][:2] == (401, "application/problem+json")
    assert answers[0][3]["code"] == "invalid_key"
    assert all(answer == answers[0] for answer in answers)


def test_a_scope_that_is_missing_is_named(caller: Caller) -> None:
    with db.transaction():
        _key, caller.secret = accounts.issue_key(
            caller.organization, name="r", source=SOURCE, scopes=["catalogue:read"], by=an_actor(), at=PRESENT
        )
    answer = caller.post([caller.event()])
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert "events:write" in answer.json["detail"]
    assert 'scope="events:write"' in answer.headers["WWW-Authenticate"]


def test_what_a_test_key_sends_is_judged_and_not_kept(tester: Caller) -> None:
    good, bad = tester.event(), tester.event("many")
    answer = tester.post([good, bad], Accept="application/json")
    assert [verdict["status"] for verdict in answer.json["events"]] == ["accepted", "refused"]
    assert (answer.json["test"], answer.headers["Test-Mode"]) == (True, "true")
    short = tester.post(good)
    assert (short.status_code, short.headers["Test-Mode"]) == (204, "true")
    lost = tester.post(bad)
    assert (lost.status_code, lost.json["test"], lost.json["code"]) == (400, True, "events_refused")
    assert tester.post(b"{").json["test"] is True
    assert stored(UsageEvent) == stored(RefusedEvent) == 0


def test_a_live_key_says_nothing_of_tests(caller: Caller) -> None:
    answer = caller.post([caller.event()], Accept="application/json")
    assert "test" not in answer.json and "Test-Mode" not in answer.headers
    assert stored(UsageEvent) == 1


def test_a_test_key_reads_and_sets_nothing_up(tester: Caller) -> None:
    assert tester.send("GET", "/subscriptions").json["test"] is True
    assert tester.send("GET", "/meters").headers["Test-Mode"] == "true"
    with db.transaction():
        waiting = a_subscription(a_plan(per_unit="0.01", offering=None), started_at=None)
        request = the_request(waiting).public_id
    for act in ("complete", "fail"):
        answer = tester.send("POST", f"/provisioning/{request}/{act}", body={"reason": "x"}, type="application/json")
        assert (answer.status_code, answer.json["code"], answer.json["test"]) == (403, "test_key", True)
    with db.transaction(readonly=True):
        assert db.session.get_one(type(waiting), waiting.id).status is SubscriptionStatus.PROVISIONING


def test_wrong_secrets_wait_and_the_right_one_does_not(client: Client, caller: Caller, clock: FakeClock) -> None:
    free = credentials.throttle.LIMITS["api_key"]["address"].free
    right, caller.secret = caller.secret, "mk_00000000_wrong"
    tried = [caller.send("GET", "/meters") for _ in range(free + 1)]
    assert {answer.status_code for answer in tried[:free]} == {401}
    assert tried[-1].status_code == 429
    assert int(tried[-1].headers["Retry-After"]) > 0
    caller.secret = right
    assert caller.send("GET", "/meters").status_code == 200
    clock.forward(hours=1)
    caller.secret = "mk_00000000_wrong"
    assert caller.send("GET", "/meters").status_code == 401


def test_a_right_key_costs_one_indexed_look_and_no_counting(caller: Caller, queries: Any) -> None:
    caller.post([caller.event()])
    with queries(at_most=12) as statements:
        caller.post([caller.event()])
    assert not any("throttles" in statement for statement in statements)
    assert sum("FROM api_keys" in statement for statement in statements) == 1


def test_a_limiter_remembers_so_many_callers_and_no_more() -> None:
    now = [0.0]
    limiter = limits.Limiter(burst=1, per_second=1, clock=lambda: now[0])
    assert [limiter.take("busy") for _ in range(2)] == [0, 1]
    for number in range(limits.MOST_CALLERS - 1):
        limiter.take(str(number))
    assert limiter.take("busy") > 0
    now[0] = 10
    limiter.take("one more")
    assert len(limiter._buckets) == 1


def test_the_document_speaks_of_test_keys_and_expiry(client: Client) -> None:
    told = client.get("/api/openapi.json").json["components"]["securitySchemes"]["key"]["description"]
    assert "mk_test_" in told and "expire" in told
    assert "mk_test_" in client.page("/api/docs").text
