"""Setting subscriptions up over the API."""

from __future__ import annotations

import pytest

from market import db, subscriptions
from tests.api.conftest import Caller, a_caller
from tests.builders.subscriptions import a_subscription, the_request
from tests.support.client import Client

JSON = "application/json"


@pytest.fixture
def waiting(caller: Caller) -> str:
    """The request of a new subscription."""
    with db.transaction():
        return the_request(a_subscription(caller.subscription.plan, started_at=None)).public_id


def test_what_waits_has_the_shape_of_the_webhook(caller: Caller, waiting: str) -> None:
    [request] = caller.send("GET", "/provisioning?status=pending").json["data"]
    assert request["type"] == "subscription.provision"
    assert request["data"]["request"] == waiting
    assert request["data"]["callback_url"].endswith(f"/api/v1/provisioning/{waiting}")


def test_completing_makes_it_live_once_and_for_all(caller: Caller, waiting: str) -> None:
    for _ in range(2):
        answer = caller.send("POST", f"/provisioning/{waiting}/complete", body={"access": {"地址": "https://x"}}, type=JSON)
        assert (answer.status_code, answer.json["subscription_status"]) == (200, "active")
    assert caller.send("GET", "/provisioning").json["data"] == []
    with db.transaction(readonly=True):
        request = subscriptions.request_by_public_id(caller.provider, waiting)
        assert subscriptions.access_of(request.subscription) == {"地址": "https://x"}


def test_failing_tells_the_buyer_why(caller: Caller, waiting: str) -> None:
    for _ in range(2):
        answer = caller.send("POST", f"/provisioning/{waiting}/fail", body={"reason": "没有库存"}, type=JSON)
        assert (answer.status_code, answer.json["subscription_status"]) == (200, "failed")
    answer = caller.send("POST", f"/provisioning/{waiting}/complete", body={}, type=JSON)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"access": 5}', b'{"access": {"a": 1}}', b'{"access": {"a": null}}'])
def test_a_wrong_body_is_refused_and_nothing_changes(caller: Caller, waiting: str, body: bytes) -> None:
    answer = caller.send("POST", f"/provisioning/{waiting}/complete", body=body, type=JSON)
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"
    assert len(caller.send("GET", "/provisioning").json["data"]) == 1


def test_a_strangers_request_does_not_exist(client: Client, waiting: str) -> None:
    other = a_caller(client)
    for verb, body in (("complete", {}), ("fail", {"reason": "x"})):
        assert other.send("POST", f"/provisioning/{waiting}/{verb}", body=body, type=JSON).status_code == 404
