"""What keys may read: meters and their usage, the catalogue, subscriptions; and the documentation."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from tests.api.conftest import Caller, a_caller
from tests.conftest import PRESENT
from tests.support.client import Client


def test_meters_in_the_shape_openmeters_clients_read(caller: Caller) -> None:
    [meter] = caller.send("GET", "/meters").json
    assert (meter["slug"], meter["aggregation"], meter["valueProperty"]) == ("api_calls", "SUM", "$.value")


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


def test_a_wrong_question_is_a_422_that_names_the_field(caller: Caller) -> None:
    for query, field in [("windowSize=WEEK", "windowSize"), ("from=yesterday", "from"), ("from=2026-11-21T00:00:00Z", "from")]:
        answer = caller.send("GET", f"/meters/api_calls/query?{query}")
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
        assert field in answer.json["errors"]
    assert caller.send("GET", "/meters/unknown/query").status_code == 404
    assert caller.send("GET", "/subscriptions?cursor=x").status_code == 422


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
        "/api/v1/provisioning/{id}/fail",
    }  # fmt: skip
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
