"""A provider with a key, a subscription and a meter, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from market import accounts, db
from market.accounts import SCOPES, Organization
from market.catalog.models import Meter
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import EARLY, an_actor
from tests.builders.catalog import a_plan
from tests.builders.metering import SOURCE, an_event
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client

CLOUDEVENT = "application/cloudevents+json"


@dataclass
class Caller:
    """A provider's machine."""

    client: Client
    secret: str
    organization: Organization
    provider: Any
    subscription: Any
    meter: Any

    def send(self, method: str, path: str, *, body: Any = None, type: str = CLOUDEVENT, **headers: str) -> TestResponse:
        """One request with the key; `body` is sent as it is when it is bytes, else as JSON."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        named = {"Authorization": f"Bearer {self.secret}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        sent = {name: value for name, value in named.items() if value}
        return FlaskClient.open(
            self.client, f"/api/v1{path}", method=method, data=content, headers=sent, content_type=type if body is not None else None
        )

    def post(self, events: Any, *, path: str = "/events", **options: Any) -> TestResponse:
        return self.send("POST", path, body=events, **options)

    def event(self, value: object = 1, **changes: Any) -> dict[str, Any]:
        return an_event(self.subscription, self.meter, value, **({"at": PRESENT - timedelta(hours=1)} | changes))

    def verdicts(self, events: Any, **options: Any) -> list[tuple[str, str | None]]:
        answer = self.post(events, Accept="application/json", **options)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return [(verdict["status"], verdict.get("code")) for verdict in answer.json["events"]]


def a_caller(client: Client, scopes: tuple[str, ...] = SCOPES) -> Caller:
    """Another provider of its own."""
    return Caller(client, *a_provider_with_a_key(scopes))


def a_provider_with_a_key(scopes: tuple[str, ...] = SCOPES) -> tuple[str, Organization, Provider, Subscription, Meter]:
    """The key's secret, whose it is, and what may be told."""
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        subscription = a_subscription(plan)
        provider, meter = plan.offering.provider, plan.charges[0].meter
        organization = db.session.get_one(Organization, provider.organization_id)
        _key, secret = accounts.issue_key(
            organization, name="test", source=SOURCE, scopes=list(scopes), by=an_actor(), at=EARLY
        )
    return secret, organization, provider, subscription, meter


@pytest.fixture
def caller(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> Caller:
    return Caller(client, *kept(a_provider_with_a_key))
