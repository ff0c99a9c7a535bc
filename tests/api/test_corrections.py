"""Corrections and heartbeats over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from market import accounts, db, metering
from market.kit.period import month_of
from tests.api.conftest import Caller, a_caller
from tests.builders.accounts import EARLY, an_actor
from tests.builders.metering import SOURCE
from tests.conftest import PRESENT

JSON = "application/json"


def correct(caller: Caller, *changes: dict[str, Any], path: str = "/corrections", **body: Any) -> Any:
    sent = {"reason": "wrong_value", "note": "读数多了一位", "corrections": list(changes)} | body
    return caller.send("POST", path, body=sent, type=JSON)


def fix(caller: Caller, corrects: str, value: str | None, *, id: str = "fix") -> dict[str, Any]:
    right = {} if value is None else {"data": {caller.meter.value_property: value}}
    return {"id": id, "corrects": corrects, "kind": "reversal" if value is None else "replacement"} | right


def used(caller: Caller) -> str:
    with db.transaction(readonly=True):
        assert not metering.verify(caller.subscription)
        return f"{metering.quantity(caller.subscription, caller.meter, month_of(PRESENT)):f}"


@pytest.fixture
def two(caller: Caller) -> Caller:
    caller.post([caller.event("1000", id="a"), caller.event("50", id="b")])
    return caller


def test_a_small_correction_counts_at_once_and_is_told(two: Caller) -> None:
    answer = correct(two, fix(two, "b", "5"))
    assert answer.status_code == 200, answer.text
    [verdict], [decision] = answer.json["corrections"], answer.json["decisions"]
    assert (verdict["status"], verdict["repeated"], verdict["correction"]) == ("approved", False, decision["id"])
    assert (decision["beforeFen"], decision["afterFen"], decision["subject"]) == (1050, 1005, two.subscription.public_id)
    assert decision["meters"] == [{"meter": two.meter.slug, "before": "1050", "after": "1005"}]
    assert used(two) == "1005"
    [row] = two.send("GET", "/events?id=fix").json["data"]
    assert (row["kind"], row["corrects"]) == ("replacement", "b")
    assert two.send("GET", "/corrections").json["data"] == [decision]


def test_sending_again_is_harmless_and_a_large_one_waits(two: Caller) -> None:
    for repeated in (False, True):
        [verdict] = correct(two, fix(two, "a", None)).json["corrections"]
        assert (verdict["status"], verdict["repeated"]) == ("proposed", repeated)
    assert used(two) == "1050"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"corrects": "none"}, "unknown_event"), ({"id": "a"}, "id_taken"), ({"id": ""}, "missing_attribute"),
        ({"id": "\ud800"}, "malformed"), ({"corrects": "b\0"}, "malformed"), ({"id": "x" * 300}, "too_long"),
        ({"kind": "replacement", "data": None}, "value_missing"), ({"kind": "replacement", "data": {"value": "x"}}, "not_a_number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_for_each(two: Caller, change: dict[str, Any], code: str) -> None:
    good = fix(two, "b", "49", id="good")
    lost, kept = correct(two, fix(two, "b", None) | change, good).json["corrections"]
    assert (lost["status"], lost["code"]) == ("refused", code) and lost["message"]
    assert kept["status"] == "approved"


@pytest.mark.parametrize(
    "body",
    [{"reason": "mood"}, {"note": " "}, {"corrections": []}, {"corrections": [{"id": "x"}]}, {"corrections": 7}, {"more": 1}],
)
def test_what_does_not_have_the_shape_is_422(two: Caller, body: dict[str, Any]) -> None:
    assert correct(two, fix(two, "b", "5"), **body).status_code == 422
    assert used(two) == "1050"


def test_a_stranger_cannot_correct_and_a_trial_keeps_nothing(two: Caller) -> None:
    stranger = a_caller(two.client)
    assert correct(stranger, fix(two, "b", "5")).json["corrections"][0]["code"] == "unknown_event"
    assert stranger.send("GET", "/corrections").json["data"] == []
    [verdict] = correct(two, fix(two, "b", "5"), path="/corrections?dry_run=true").json["corrections"]
    assert verdict["status"] == "approved" and used(two) == "1050"
    with db.transaction():
        _key, secret = accounts.issue_key(
            two.organization, name="trial", source=SOURCE, scopes=["events:write"], by=an_actor(), at=EARLY, test=True
        )
    two.secret = secret
    assert correct(two, fix(two, "b", "5")).json["test"] is True and used(two) == "1050"


def test_a_heartbeat_moves_on_and_never_back(caller: Caller) -> None:
    def beat(until: Any, **more: Any) -> Any:
        return caller.send("POST", "/heartbeats", body={"completeUntil": until} | more, type=JSON)

    hours = [(PRESENT - timedelta(hours=h)).isoformat() for h in (3, 1, 2)]
    assert [beat(hour).json["completeUntil"] for hour in hours] == [hours[0], hours[1], hours[1]]
    for wrong in ((PRESENT + timedelta(hours=1)).isoformat(), "2026-11-20", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", None, 7):
        assert beat(wrong).status_code == 422, wrong
    assert beat(hours[0], type="\0").status_code == 422
