"""`/vendor/events` and `/vendor/meters`: what came in, what did not count, and how to send the first one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import accounts, db
from market.accounts import Organization, Role
from tests.builders.accounts import EARLY, PASSWORD, a_member, a_user, an_actor
from tests.builders.catalog import a_plan
from tests.builders.metering import an_event, ingest
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client


@pytest.fixture
def subscription(client: Client):  # type: ignore[no-untyped-def]  # a Subscription with its plan
    """What a customer of the signed-in provider uses."""
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"))
        provider = subscription.plan.offering.provider
        organization = db.session.get_one(Organization, provider.organization_id)
        a_member(organization, Role.OWNER, user=a_user(email="developer@example.com"))
        accounts.issue_key(organization, name="x", source="/firm", scopes=["events:write"], by=an_actor(), at=EARLY)
    client.sign_in("developer@example.com", PASSWORD)
    return subscription


def test_the_log_shows_what_counted_and_what_did_not(client: Client, subscription) -> None:  # type: ignore[no-untyped-def]
    meter = subscription.plan.charges[0].meter
    at = PRESENT - timedelta(hours=1)
    with db.transaction():
        provider = db.session.merge(subscription.plan.offering.provider)
        events = [an_event(subscription, meter, 5, at=at, id="good"), an_event(subscription, meter, -5, at=at, id="bad")]
        ingest(provider, events, now=PRESENT)
    page = client.page("/vendor/events/")
    assert "good" in page.text and subscription.public_id in page.text and "1 条事件没有计入" in page.text
    refused = client.page("/vendor/events/?view=refused")
    assert "bad" in refused.text and "negative" in refused.text


def test_the_sample_uses_what_the_provider_has(client: Client, subscription) -> None:  # type: ignore[no-untyped-def]
    page = client.page("/vendor/events/")
    sample = page.all("pre")[-1]
    text = "".join(sample.itertext())
    assert "Bearer mk_" in text and "/firm" in text
    assert subscription.public_id in text and subscription.plan.charges[0].meter.event_type in text


def test_a_new_meter(client: Client, subscription) -> None:  # type: ignore[no-untyped-def]
    fields = {
        "name_zh": "存放空间", "name_en": "Space", "slug": "space", "event_type": "space.used", "way": "hour",
        "value_property": "mb", "unit_zh": "GB·小时", "unit_en": "GB·hour", "unit_size": "1000",
    }  # fmt: skip
    wrong = client.page("/vendor/meters/new").submit(**(fields | {"value_property": ""}))
    assert wrong.status == 422 and "字段名" in wrong.text
    assert "space.used" in client.page("/vendor/meters/new").submit(**fields).text
    assert client.page("/vendor/meters/new").submit(**fields).status == 422
