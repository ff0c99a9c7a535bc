"""Asking for usage over HTTP: a provider about its customers, a buyer's accountant about her own firm."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from market import accounts, db
from market.accounts import Organization
from market.catalog import Aggregation
from tests.api.conftest import Caller, a_caller
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_charge, a_meter
from tests.builders.metering import an_event, ingest
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client

HOUR = timedelta(hours=1)
USAGE = "/meters/api_calls/query"


@pytest.fixture
def accountant(caller: Caller) -> Caller:
    """A program of the firm that subscribes."""
    return an_accountant(caller)


def an_accountant(caller: Caller) -> Caller:
    with db.transaction():
        firm = db.session.get_one(Organization, caller.subscription.organization_id)
        _key, secret = accounts.issue_key(firm, name="账", source="", scopes=["usage:read"], by=an_actor(), at=PRESENT)
    return Caller(caller.client, secret, firm, caller.provider, caller.subscription, caller.meter)


def test_a_meter_in_openmeters_shape(caller: Caller) -> None:
    [meter] = caller.send("GET", "/meters").json
    wanted = {"slug": "api_calls", "version": 1, "aggregation": "SUM", "valueProperty": "$.value", "eventType": "example.api_calls", "groupBy": {}}
    assert {name: meter[name] for name in wanted} == wanted


def test_usage_by_hour_in_any_zone(caller: Caller) -> None:
    caller.post([caller.event(2, at=PRESENT - HOUR), caller.event("0.5", at=PRESENT - timedelta(minutes=61))])
    told = caller.send("GET", f"{USAGE}?windowSize=HOUR&windowTimeZone=Asia/Kolkata&from=2026-11-20T05:50:00%2B05:30&to=2026-11-20T07:00:00%2B05:30").json
    assert (told["from"], told["to"], told["windowSize"], told["windowTimeZone"]) == (
        "2026-11-20T05:00:00+05:30", "2026-11-20T07:00:00+05:30", "HOUR", "Asia/Kolkata"
    )  # fmt: skip
    assert [(row["windowStart"], row["value"], row["quantity"], row["subject"], row["groupBy"]) for row in told["data"]] == [
        ("2026-11-20T05:00:00+05:30", 0.0, "0", None, {}), ("2026-11-20T06:00:00+05:30", 2.5, "2.5", None, {})
    ]  # fmt: skip


def test_a_day_stands_for_its_beginning_and_a_blank_for_a_plus(caller: Caller) -> None:
    caller.post(caller.event(3))
    day = caller.send("GET", f"{USAGE}?from=2026-11-20&to=2026-11-21&windowSize=DAY").json
    same = caller.send("GET", f"{USAGE}?from=2026-11-20T00:00:00+08:00&to=2026-11-21T00:00:00+08:00&windowSize=DAY").json
    assert day == same and day["data"][0]["quantity"] == "3"


@pytest.fixture
def regional(caller: Caller) -> Caller:
    """Usage told apart by region, one of which looks like a formula."""
    with db.transaction():
        meter = a_meter(caller.provider, "traffic", dimensions=["region", "tier"])
        plan = caller.subscription.plan
        a_charge(plan, {"model": "per_unit", "included": "0", "unit_price": "0.1"}, meter=meter)
        second = a_subscription(plan)
        events = [
            an_event(subscription, meter, value, at=PRESENT - HOUR) for subscription in (caller.subscription, second) for value in (1, 2, 4)
        ]
        for event, (region, tier) in zip(events, [("gz", "a"), ("gz", "b"), ("=1+1", "a")] * 2, strict=True):
            event["data"] |= {"region": region, "tier": tier}
        ingest(caller.provider, events, now=PRESENT)
    return caller


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("groupBy=region", [(None, {"region": "=1+1"}, "8"), (None, {"region": "gz"}, "6")]),
        ("groupBy=tier&filterGroupBy[region]=gz", [(None, {"tier": "a"}, "2"), (None, {"tier": "b"}, "4")]),
        ("filterGroupBy[region]=gz&filterGroupBy[region]=sz&filterGroupBy[tier]=b", [(None, {}, "4")]),
        ("groupBy=region,tier&subject=SUB&filterGroupBy[tier]=a", [("SUB", {"region": "=1+1", "tier": "a"}, "4"), ("SUB", {"region": "gz", "tier": "a"}, "1")]),
        ("groupBy=subject&subject=SUB", [("SUB", {}, "7")]),
    ],
)  # fmt: skip
def test_groups_and_filters(regional: Caller, query: str, found: list[Any]) -> None:
    name = regional.subscription.public_id
    for path in ("from=2026-11-01", "windowSize=HOUR&from=2026-11-20T08:00:00%2B08:00&to=2026-11-20T09:30:00%2B08:00"):
        told = regional.send("GET", f"/meters/traffic/query?{path}&{query.replace('SUB', name)}").json["data"]
        used = [row for row in told if row["value"]]
        assert [(row["subject"], row["groupBy"], row["quantity"]) for row in used] == [
            (name if subject else None, labels, quantity) for subject, labels, quantity in found
        ]


@pytest.mark.parametrize("how", [{"Accept": "text/csv"}, {}])
def test_a_sheet_that_computes_nothing(regional: Caller, how: dict[str, str]) -> None:
    answer = regional.send("GET", f"/meters/traffic/query?groupBy=region&groupBy=subject{'' if how else '&format=csv'}", **how)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    head, *rows = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert head == ["window_start", "window_end", "subject", "region", "value"]
    assert [row[3:] for row in rows] == [["'=1+1", "4"], ["gz", "3"]] * 2
    assert rows[0][2] == regional.subscription.public_id


def test_an_accountant_reads_her_own_and_only_hers(client: Client, caller: Caller, accountant: Caller) -> None:
    with db.transaction():
        neighbour = a_subscription(caller.subscription.plan)
        ingest(caller.provider, [an_event(neighbour, caller.meter, 100, at=PRESENT - HOUR)], now=PRESENT)
    caller.post(caller.event(2))
    stranger = an_accountant(a_caller(client))
    assert [meter["slug"] for meter in accountant.send("GET", "/meters").json] == ["api_calls"]
    assert accountant.send("GET", USAGE).json["data"][0]["quantity"] == "2"
    named = f"{USAGE}?subject={caller.subscription.public_id}&subject={neighbour.public_id}"
    assert [row["subject"] for row in accountant.send("GET", named).json["data"]] == [caller.subscription.public_id]
    assert stranger.send("GET", named).json["data"] == []
    assert stranger.send("GET", USAGE).json["data"][0]["quantity"] == "0"
    assert stranger.send("GET", f"/meters/{caller.meter.id}/query").status_code == 404
    assert caller.send("GET", USAGE).json["data"][0]["quantity"] == "102"
    for path in ("/subscriptions", "/offerings", "/provisioning"):
        assert accountant.send("GET", path).json["code"] == "insufficient_scope"
    assert accountant.post(caller.event(1)).json["code"] == "insufficient_scope"


def test_two_meters_of_one_name_are_told_apart_by_number(client: Client, caller: Caller, accountant: Caller) -> None:
    other = a_caller(client)
    with db.transaction():
        firm = db.session.get_one(Organization, accountant.organization.id)
        a_subscription(other.subscription.plan, organization=firm)
    assert accountant.send("GET", USAGE).json["code"] == "ambiguous_meter"
    assert {meter["id"] for meter in accountant.send("GET", "/meters").json} == {str(caller.meter.id), str(other.meter.id)}
    assert accountant.send("GET", f"/meters/{caller.meter.id}/query").status_code == 200


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("windowSize=WEEK", "windowSize", "MINUTE, HOUR, DAY, MONTH"),
        ("windowSize=DAY&windowSize=HOUR", "windowSize", "只能写一次"),
        ("windowTimeZone=Berlin", "windowTimeZone", "IANA"),
        ("from=yesterday", "from", "带时区的时间"),
        ("from=2026-11-20T00:00:00", "from", "带时区的时间"),
        ("from=0001-01-01T00:00:00%2B14:00", "from", "带时区的时间"),
        ("to=9999-12-31", "to", "带时区的时间"),
        ("from=2026-11-20&to=2026-11-20", "from", "须早于"),
        ("windowSize=MINUTE&from=2026-11-18", "from", "最多查 1 天"),
        ("windowSize=HOUR&from=2026-10-01", "from", "最多查 31 天"),
        ("windowSize=DAY&from=2025-01-01", "from", "最多查 366 天"),
        ("groupBy=region", "groupBy", "没有分组字段"),
        ("filterGroupBy[region]=gz", "filterGroupBy[region]", "没有分组字段"),
        ("windowsize=DAY", "windowsize", "没有这个参数"),
        ("filterGroupBy=gz", "filterGroupBy", "没有这个参数"),
        ("format=xml", "format", "json, csv"),
        ("subject=" + "x" * 300, "subject", "255"),
        ("&".join(["subject=x"] * 101), "subject", "100"),
    ],
)
def test_what_cannot_be_read_is_named_in_words(caller: Caller, query: str, field: str, words: str) -> None:
    answer = caller.send("GET", f"{USAGE}?{query}")
    assert (answer.status_code, answer.mimetype, answer.json["code"]) == (422, "application/problem+json", "invalid")
    assert words in answer.json["errors"][field]


def test_refusals_are_in_the_askers_language(caller: Caller) -> None:
    errors = caller.send("GET", f"{USAGE}?windowSize=WEEK&from=x&groupBy=y&nonsense=1", Accept_Language="en").json["errors"]
    assert set(errors) == {"windowSize", "from", "groupBy", "nonsense"}
    assert all(message.isascii() for message in errors.values()), errors


def test_more_rows_than_one_answer_holds(caller: Caller) -> None:
    with db.transaction():
        others = [a_subscription(caller.subscription.plan).public_id for _ in range(14)]
    query = "&".join(f"subject={name}" for name in (caller.subscription.public_id, *others))
    answer = caller.send("GET", f"{USAGE}?windowSize=MINUTE&from=2026-11-19T12:00:00Z&to=2026-11-20T12:00:00Z&{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "too_many_rows")


def test_asking_costs_few_questions_of_the_database(caller: Caller, queries: Any) -> None:
    caller.post([caller.event(1, at=PRESENT - timedelta(days=day)) for day in range(1, 20)])
    with queries(at_most=10):
        assert len(caller.send("GET", f"{USAGE}?windowSize=DAY&from=2026-01-01&to=2026-11-21").json["data"]) == 324
    with queries(at_most=11):
        caller.send("GET", f"{USAGE}?windowSize=HOUR&from=2026-11-01&to=2026-11-21")


def test_a_maximum_over_several_firms_is_the_largest(caller: Caller) -> None:
    with db.transaction():
        meter = a_meter(caller.provider, "peak", aggregation=Aggregation.MAX)
        second = a_subscription(caller.subscription.plan)
        pairs = ((caller.subscription, 3), (second, 5))
        ingest(caller.provider, [an_event(each, meter, value, at=PRESENT - HOUR) for each, value in pairs], now=PRESENT)
    assert caller.send("GET", "/meters/peak/query").json["data"][0]["quantity"] == "5"
