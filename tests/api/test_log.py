"""The event log over HTTP: what counted and what did not, page by page, each side its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from market import db
from market.api import log
from tests.api.conftest import Caller, a_caller
from tests.api.test_meters import an_accountant
from tests.builders.catalog import a_meter
from tests.builders.metering import SOURCE, an_event, ingest
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client

MINUTE = timedelta(minutes=1)


def ids(caller: Caller, query: str = "") -> list[str]:
    """The ids on the first page."""
    answer = caller.send("GET", f"/events{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["event"]["id"] for row in answer.json["data"]]


def pages(caller: Caller, query: str) -> list[list[str]]:
    """The ids on every page, following the links."""
    found, path = [], f"/events{query}"
    while path:
        answer = caller.send("GET", path)
        found.append([row["event"]["id"] for row in answer.json["data"]])
        link = answer.headers.get("Link", "")
        path = link.partition(">")[0].partition("/api/v1")[2]
        assert not link or link.endswith('>; rel="next"')
    return found


def test_an_event_as_it_was_counted(caller: Caller) -> None:
    caller.post(caller.event("1.5", id="one", at=PRESENT - MINUTE))
    [row] = caller.send("GET", "/events").json["data"]
    assert row["event"] == {
        "specversion": "1.0", "id": "one", "source": SOURCE, "type": "example.api_calls",
        "subject": caller.subscription.public_id, "time": "2026-11-20T01:59:00+00:00", "data": {"value": "1.5"},
    }  # fmt: skip
    assert (row["status"], row["band"], row["kind"], row["corrects"]) == ("accepted", "on_time", "usage", None)


def test_a_refused_event_is_told_with_its_reason_to_its_sender_only(caller: Caller) -> None:
    caller.post([caller.event("many", id="bad"), caller.event(1, id="good")])
    [row] = caller.send("GET", "/events?status=refused", Accept_Language="en").json["data"]
    assert (row["status"], row["event"]["id"], row["code"], row["times"]) == ("refused", "bad", "not_a_number", 1)
    assert row["message"] == "“many” is not a number" and '"many"' in row["body"]
    assert ids(caller, "?status=refused&id=good") == []
    assert ids(caller) == ["good"]
    answer = an_accountant(caller).send("GET", "/events?status=refused")
    assert answer.status_code == 422 and "服务商" in answer.json["errors"]["status"]


@pytest.mark.parametrize("side", ["provider", "provider with subject", "buyer"])
def test_pages_follow_each_other_without_a_gap(caller: Caller, side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SIZE", 3)
    with db.transaction():
        other = a_meter(caller.provider, "other")
    sent = [caller.event(1, id=f"e{number}", at=PRESENT - number // 2 * MINUTE) for number in range(8)]
    for event in sent[::3]:
        event["type"] = other.event_type
    for event in reversed(sent):
        assert caller.post(event).status_code == 204
    reader = an_accountant(caller) if side == "buyer" else caller
    query = f"?subject={caller.subscription.public_id}" if "subject" in side else ""
    found = pages(reader, query)
    assert [len(page) for page in found] == [3, 3, 2]
    assert [id for page in found for id in page] == [f"e{number}" for number in range(8)], "newest first, then last arrived"


def test_filters(caller: Caller) -> None:
    with db.transaction():
        other = a_meter(caller.provider, "other")
        second = a_subscription(caller.subscription.plan)
        late = an_event(second, other, 1, at=PRESENT - timedelta(days=2), id="two")
        ingest(caller.provider, [late], now=PRESENT)
    caller.post(caller.event(1, id="one"))
    accountant = an_accountant(caller)
    for query, found in [
        ("", ["one", "two"]), ("?id=two", ["two"]), (f"?id=two&source={SOURCE}", ["two"]), ("?id=two&source=x", []), ("?id=three", []),
        ("?type=example.other", ["two"]), ("?type=nothing", []), (f"?subject={second.public_id}", ["two"]),
        (f"?subject={second.public_id}&subject={caller.subscription.public_id}", ["one", "two"]), ("?subject=sub_nothing", []),
        ("?from=2026-11-20", ["one"]), ("?to=2026-11-20", ["two"]), ("?id=one&to=2026-11-20", []),
        ("?id=two&subject=" + second.public_id + "&type=example.other&from=2026-11-18&to=2026-11-19", ["two"]),
    ]:  # fmt: skip
        assert ids(caller, query) == found, query
        assert ids(accountant, query) == [id for id in found if id == "one"], query


def test_a_stranger_sees_nothing_of_it(client: Client, caller: Caller) -> None:
    caller.post(caller.event(1, id="one"))
    number = caller.send("GET", "/events").json["data"][0]["event"]["id"]
    for stranger in (a_caller(client), an_accountant(a_caller(client))):
        assert ids(stranger) == ids(stranger, f"?id={number}") == ids(stranger, f"?subject={caller.subscription.public_id}") == []
        answer = stranger.send("GET", "/events?cursor=1")
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["cursor"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"), ("from=x", "from"), ("from=2026-11-20&to=2026-11-19", "from"), ("cursor=-1", "cursor"), ("cursor=x", "cursor"),
        ("cursor=99999999999999999999", "cursor"), ("limit=5", "limit"), ("status=refused&type=x", "type"), ("status=refused&subject=x", "subject"),
        ("id=a&id=b", "id"), ("type=" + "x" * 256, "type"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(caller: Caller, query: str, field: str) -> None:
    answer = caller.send("GET", f"/events?{query}")
    assert (answer.status_code, answer.mimetype, list(answer.json["errors"])) == (422, "application/problem+json", [field])
    assert not answer.json["errors"][field].isascii(), "in words of the asker's language"


def test_the_log_costs_few_questions_however_many_events(caller: Caller, queries: Any) -> None:
    caller.post([caller.event(1) for _ in range(150)])
    accountant = an_accountant(caller)
    for reader in (caller, accountant):
        reader.send("GET", "/events")
        with queries(at_most=8):
            assert len(reader.send("GET", "/events").json["data"]) == 100
