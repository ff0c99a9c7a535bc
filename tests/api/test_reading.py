"""What keys may read: meters and their usage, the catalogue, subscriptions; and the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from flask.testing import FlaskClient

from market import db, subscriptions
from market.accounts import Organization
from tests.api.conftest import Caller, a_caller
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client


def test_meters_in_the_shape_openmeters_clients_read(caller: Caller) -> None:
    [meter] = caller.send("GET", "/meters").json
    assert (meter["slug"], meter["aggregation"], meter["valueProperty"]) == ("api_calls", "SUM", "$.value")
    assert meter["rounding"] is None


def test_usage_by_day_and_subject(caller: Caller) -> None:
    caller.post([caller.event(2), caller.event("0.5"), caller.event(7, at=PRESENT - timedelta(days=2))])
    subject = caller.subscription.public_id
    start = (PRESENT - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = caller.send("GET", f"/meters/api_calls/query?windowSize=DAY&from={start}&subject={subject}").json
    assert [(row["value"], row["quantity"], row["subject"]) for row in told["data"]] == [
        (7.0, "7", subject), (0.0, "0", subject), (2.5, "2.5", subject)
    ]  # fmt: skip
    [total] = caller.send("GET", "/meters/api_calls/query?windowSize=MONTH").json["data"]
    assert (total["value"], total["subject"]) == (9.5, None)


def test_a_strangers_usage_and_subscription_do_not_exist(client: Client, caller: Caller) -> None:
    other = a_caller(client)
    caller.post(caller.event(2))
    name = caller.subscription.public_id
    assert other.send("GET", f"/meters/api_calls/query?subject={name}").json["data"] == []
    assert other.send("GET", f"/subscriptions/{name}").status_code == 404
    assert caller.send("GET", f"/subscriptions/{name}").json["status"] == "active"
    assert [one["id"] for one in other.send("GET", "/subscriptions").json["data"]] == [other.subscription.public_id]


def test_a_subscription_tells_its_number_and_what_is_planned(caller: Caller) -> None:
    name = caller.subscription.public_id
    assert (caller.send("GET", f"/subscriptions/{name}").json["quantity"], caller.send("GET", "/subscriptions").json["data"][0]["planned_changes"]) == (None, [])
    with db.transaction():
        seats = a_plan(caller.subscription.plan.offering, slug="seats", monthly="9.00", quantity_unit_zh="席", quantity_unit_en="seat")
        bought = a_subscription(seats, organization=db.session.get_one(Organization, caller.subscription.organization_id))
        subscriptions.change(bought, quantity=4, when="now", by=an_actor(), at=PRESENT)
        subscriptions.change(bought, quantity=7, when=date(2026, 12, 1), by=an_actor(), at=PRESENT)
        subscriptions.pause(bought, when=date(2027, 2, 1), by=an_actor(), at=PRESENT)
    told = caller.send("GET", f"/subscriptions/{bought.public_id}").json
    assert told["quantity"] == {"value": 4, "unit_zh": "席", "unit_en": "seat"}
    assert [(one["kind"], one["effective_at"][:10], one["quantity"]) for one in told["planned_changes"]] == [
        ("quantity", "2026-11-30", 7), ("pause", "2027-01-31", None)
    ]  # fmt: skip


def test_a_wrong_question_is_a_422_that_names_the_field(caller: Caller) -> None:
    for query, field in [("windowSize=WEEK", "windowSize"), ("from=yesterday", "from"), ("from=2026-11-21T00:00:00Z", "from")]:
        answer = caller.send("GET", f"/meters/api_calls/query?{query}")
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
        assert field in answer.json["errors"]
    assert caller.send("GET", "/meters/unknown/query").status_code == 404
    for path, field, words in [
        ("/subscriptions?cursor=x", "cursor", "须是整数"), ("/subscriptions?cursor=-1", "cursor", "太小"),
        ("/provisioning?status=lost", "status", "pending, done, failed"),
    ]:  # fmt: skip
        answer = caller.send("GET", path)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid")
        assert words in answer.json["errors"][field]


def test_the_public_catalogue(client: Client, caller: Caller) -> None:
    a_caller(client)
    told = caller.send("GET", "/offerings").json["data"]
    assert len(told) == 2
    assert told[0]["plans"][0]["charges"][0]["terms"]["unit_price"] == "0.01"


def test_the_document_names_every_route_and_its_key(client: Client) -> None:
    document = client.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/api/v1/events", "/api/v1/meters", "/api/v1/meters/{slug}/query", "/api/v1/offerings", "/api/v1/subscriptions",
        "/api/v1/subscriptions/{id}", "/api/v1/provisioning", "/api/v1/provisioning/{id}/complete",
        "/api/v1/provisioning/{id}/fail", "/api/v1/corrections", "/api/v1/heartbeats", "/api/v1/days",
        "/api/v1/reservations", "/api/v1/reservations/{id}/settle", "/api/v1/reservations/{id}/release",
    }  # fmt: skip
    assert set(document["paths"]["/api/v1/events"]) >= {"get", "post"}
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"key": []}]
    assert "CloudEvent" in document["components"]["schemas"]


def test_the_page_that_explains_it(client: Client) -> None:
    page = client.page("/api/docs")
    assert "/api/v1/events" in page.text
    assert "subscription_not_live" in page.text
    assert "provisioning:write" in page.text


def test_signing_in_to_the_pages_opens_no_api(client: Client) -> None:
    assert FlaskClient.open(client, "/api/v1/meters").status_code == 401


def test_the_document_describes_what_is_answered(caller: Caller) -> None:
    caller.post([caller.event(1), caller.event("many")])
    document = caller.client.get("/api/openapi.json").json
    for path, query, pick in [
        ("/meters", "", lambda told: told[0]),
        ("/meters/{slug}/query", "", lambda told: told),
        ("/meters/{slug}/query", "", lambda told: told["data"][0]),
        ("/events", "", lambda told: told["data"][0]),
        ("/events", "?status=refused", lambda told: told["data"][0]),
    ]:
        operation = document["paths"][f"/api/v1{path}"]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        told = pick(caller.send("GET", path.replace("{slug}", "api_calls") + query).json)
        assert any(set(told) <= set(known["properties"]) for known in reachable(document, schema)), f"{path}: {sorted(told)}"
        assert all(parameter["description"] for parameter in operation.get("parameters", [])), path
        assert "422" in operation["responses"] or path == "/meters"
    [shape] = [each for each in document["paths"]["/api/v1/meters/{slug}/query"]["get"]["parameters"] if each["name"] == "filterGroupBy"]
    assert (shape["style"], shape["schema"]["type"]) == ("deepObject", "object")


def reachable(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The shapes that a schema is made of."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        yield schema
    for inner in (schema.get("items"), *schema.get("properties", {}).values()):
        if inner:
            yield from reachable(document, inner)
