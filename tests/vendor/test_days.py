"""Days that customers object to, on both sides: what is wrong is said at its box, and what was typed stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import db
from market.accounts import Organization, Role
from market.kit.period import local_day
from market.providers import Provider
from tests.builders.accounts import EARLY, PASSWORD, a_member
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.client import Client

YESTERDAY = local_day(PRESENT) - timedelta(days=1)


@pytest.fixture
def form(client: Client) -> str:
    """Where a firm objects, to days of a service of a provider; both have people who sign in."""
    with db.transaction():
        subscription = a_subscription(a_plan(per_unit="0.01"), started_at=EARLY)
        meter = subscription.plan.charges[0].meter
        assert meter is not None
        report(subscription, meter, 100, at=PRESENT - timedelta(days=1))
        seller = db.session.get_one(Provider, subscription.provider_id).organization_id
        a_member(db.session.get_one(Organization, subscription.organization_id), Role.OWNER).email = "owner@shop.example"
        a_member(db.session.get_one(Organization, seller), Role.DEVELOPER).email = "dev@seller.example"
    return f"/console/days/{subscription.id}/{meter.id}"


def test_objecting_answering_and_being_content(client: Client, form: str) -> None:
    client.sign_in("owner@shop.example", PASSWORD)
    page = client.page(f"{form}/{YESTERDAY}/object")
    assert "写明哪里不对" in page.submit(f"{form}/{YESTERDAY}/object", reason=" ").text
    long = page.submit(f"{form}/{YESTERDAY}/object", reason="长" * 501)
    assert long.status == 422 and "最多 500 个字" in long.text
    assert (long.one("textarea", name="reason").text or "").strip() == "长" * 501
    assert client.page(f"{form}/{local_day(PRESENT)}/object").submit("/object", reason="停电").status == 409
    assert "您说：停电" in page.submit(f"{form}/{YESTERDAY}/object", reason="停电").text

    client.sign_in("dev@seller.example", PASSWORD)
    assert "客户对 1 天的用量有异议" in client.page("/vendor/").text
    day = client.page("/vendor/days/").follow(f"{YESTERDAY.day}日")
    empty = day.submit("/answer", reason="")
    assert empty.status == 422 and "写明核对的结果，客户会看到" in empty.text and "停电" in empty.text
    assert "已回复客户" in day.submit("/answer", reason="电表有记录").text

    client.sign_in("owner@shop.example", PASSWORD)
    listed = client.page("/console/days/")
    assert "电表有记录" in listed.text
    settled = listed.submit("/settle")
    assert "异议已解决" in settled.text
    client.sign_in("dev@seller.example", PASSWORD)
    resolved = client.page("/vendor/days/?all=1").follow(f"{YESTERDAY.day}日")
    assert "异议已解决" in resolved.text and not resolved.all("textarea")


def test_a_day_that_is_none_and_a_strangers_are_not_found(client: Client, form: str) -> None:
    client.sign_in("owner@shop.example", PASSWORD)
    for day in ("2026-02-30", "1999-01-01", "x"):
        client.page(f"{form}/{day}/object", status=404)
    client.sign_in("dev@seller.example", PASSWORD)
    client.page("/vendor/days/99", status=404)
