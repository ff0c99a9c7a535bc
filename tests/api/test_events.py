"""POST /api/v1/events as real clients send it, and as nobody should."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from market import accounts, db, metering
from market.metering import RefusedEvent, UsageEvent
from tests.api.conftest import Caller, a_caller
from tests.builders.accounts import an_actor
from tests.support.client import Client

BATCH = "application/cloudevents-batch+json"


def stored() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count()).select_from(UsageEvent)) or 0


def test_an_accepted_event_is_answered_with_204_and_nothing_else(caller: Caller) -> None:
    answer = caller.post(caller.event())
    assert (answer.status_code, answer.data) == (204, b"")
    assert stored() == 1


@pytest.mark.parametrize("type", ["application/cloudevents+json", "application/json", "application/json; charset=utf-8"])
def test_a_single_event(caller: Caller, type: str) -> None:
    assert caller.verdicts(caller.event(), type=type) == [("accepted", None)]


@pytest.mark.parametrize("type", [BATCH, "application/json"])
def test_a_batch_gets_a_verdict_for_each(caller: Caller, type: str) -> None:
    events = [caller.event(id="a"), caller.event(id="a"), caller.event(-1), 5]
    assert caller.verdicts(events, type=type) == [
        ("accepted", None), ("duplicate", None), ("refused", "negative"), ("refused", "malformed")
    ]  # fmt: skip


def test_binary_mode(caller: Caller) -> None:
    event = caller.event(4, id="编号 1")
    headers = {f"ce-{name}": quote(event[name]) for name in ("id", "source", "specversion", "type", "subject")}
    answer = caller.send("POST", "/events", body=event["data"], type="application/json", Accept="application/json", **headers)
    assert answer.json["events"][0] == {"id": "编号 1", "source": event["source"], "status": "accepted"}


def test_a_refused_event_is_never_answered_like_a_success_and_the_rest_stays(caller: Caller) -> None:
    answer = caller.post([caller.event(), caller.event("x")], type=BATCH)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert (answer.json["code"], answer.json["accepted"], answer.json["refused"]) == ("events_refused", 1, 1)
    assert answer.json["events"][1]["code"] == "not_a_number"
    assert stored() == 1
    with db.transaction(readonly=True):
        assert db.session.scalars(select(RefusedEvent.code)).all() == ["not_a_number"]


def test_a_conflict_shows_the_first_event(caller: Caller) -> None:
    caller.post(caller.event(1, id="a"))
    [verdict] = caller.post(caller.event(2, id="a"), Accept="application/json").json["events"]
    assert verdict["status"] == "conflict"
    assert verdict["first"]["data"] == {"value": 1}


def test_the_message_speaks_the_clients_language_and_the_code_does_not_change(caller: Caller) -> None:
    told = [
        caller.post(caller.event(-1), Accept="application/json", Accept_Language=language).json["events"][0]
        for language in ("zh-CN", "en-US")
    ]
    assert {verdict["code"] for verdict in told} == {"negative"}


def test_a_dry_run_stores_nothing(caller: Caller) -> None:
    assert caller.post(caller.event(), path="/events?dry_run=1").status_code == 204
    assert stored() == 0


def test_decimals_arrive_exactly(caller: Caller) -> None:
    body = json.dumps(caller.event(0)).replace('"value": 0', '"value": 0.100001').encode()
    assert caller.verdicts(body) == [("accepted", None)]
    assert caller.verdicts(json.dumps(caller.event(0)).replace('"value": 0', '"value": 0.1000001').encode()) == [
        ("refused", "too_many_decimals")
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"), (b"{", "not_json"), (b"\xff\xfe", "not_json"), (b"null!", "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "too_deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_400_and_shows_in_the_log(caller: Caller, body: bytes, code: str) -> None:
    answer = caller.post(body, Accept="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, code)
    with db.transaction(readonly=True):
        assert [refused.code for refused in db.session.scalars(metering.refused_of(caller.provider))] == [code]


@pytest.mark.parametrize(
    "body", [b"null", b"5", b'"text"', b"[null, [], 7]", b"{}", b'{"data": NaN}', b'{"id": NaN}', b'{"id": "\\u0000"}', b'{"id":"\\ud800"}']
)
def test_what_is_no_event_is_refused_and_no_accident(caller: Caller, body: bytes) -> None:
    assert {status for status, _code in caller.verdicts(body)} == {"refused"}
    assert caller.post(body).status_code == 400


def test_nan_is_not_a_number(caller: Caller) -> None:
    body = json.dumps(caller.event(float("nan"))).encode()
    assert caller.verdicts(body) == [("refused", "not_a_number")]


@pytest.mark.parametrize("digits", [200, 5_000, 50_000])
def test_a_number_of_thousands_of_digits_is_too_large(caller: Caller, digits: int) -> None:
    body = json.dumps(caller.event(0)).replace('"value": 0', '"value": ' + "9" * digits).encode()
    assert caller.verdicts(body) == [("refused", "too_large")]
    assert caller.verdicts(b'{"id": ' + b"9" * digits + b"}") == [("refused", "malformed")]


def test_more_than_5000_events_are_too_many(caller: Caller) -> None:
    answer = caller.post([{}] * 5001, type=BATCH)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "5,000" in answer.json["detail"]


def test_5000_events_are_not(caller: Caller) -> None:
    verdicts = caller.verdicts([caller.event(id=str(n)) for n in range(5000)], type=BATCH)
    assert verdicts == [("accepted", None)] * 5000


def test_more_than_5_megabytes_are_too_much(caller: Caller) -> None:
    answer = caller.post(b" " * (5 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"])
def test_other_media_types_are_refused(caller: Caller, type: str) -> None:
    answer = caller.post(caller.event(), type=type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_compressed_bodies_are_refused(caller: Caller) -> None:
    assert caller.post(caller.event(), Content_Encoding="gzip").status_code == 415


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Bearer mk_00000000_x", "Basic eDp5", "Bearer 密"])
def test_without_a_working_key_nobody_enters(caller: Caller, header: str) -> None:
    sent = header.encode().decode("latin-1")
    answer = caller.post(caller.event(), Authorization=sent)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_stops_working(caller: Caller) -> None:
    with db.transaction():
        [key] = accounts.keys_of(caller.organization)
        accounts.revoke_key(key, by=an_actor(), at=key.created_at)
    assert caller.post(caller.event()).status_code == 401


def test_a_key_without_the_scope_is_told_which(client: Client) -> None:
    answer = a_caller(client, scopes=("catalogue:read",)).post({})
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert "events:write" in answer.json["detail"]


def test_the_key_remembers_that_it_was_used(caller: Caller) -> None:
    caller.send("GET", "/meters")
    with db.transaction(readonly=True):
        [key] = accounts.keys_of(caller.organization)
        assert key.last_used_at is not None


def test_another_providers_subscription_is_unknown(client: Client, caller: Caller) -> None:
    other: Any = a_caller(client)
    assert caller.verdicts(caller.event(subject=other.subscription.public_id)) == [("refused", "unknown_subscription")]


def test_unknown_paths_and_methods_are_problems_too(caller: Caller) -> None:
    for method, path, status in [("GET", "/nothing", 404), ("PUT", "/events", 405), ("DELETE", "/meters", 405)]:
        answer = caller.send(method, path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        told = answer.json["title"] + answer.json["detail"]
        assert ("/api/docs" if status == 404 else method) in told
        assert not any(word in told for word in ("页", "按钮"))
