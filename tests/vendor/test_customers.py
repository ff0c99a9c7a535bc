"""The provider's customers and work list."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from market import db, subscriptions
from market.accounts.models import Role
from market.catalog.models import Charge, Offering, Plan
from market.providers import Provider
from market.subscriptions import RequestStatus, Subscription, SubscriptionStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.billing import an_issued_bill
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription, the_request

NOV_19 = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)


@pytest.fixture
def seller(database):
    """A provider with people, and an open order of a firm."""
    with db.transaction():
        provider = a_provider(name="示例服务商")
        for role in (Role.OWNER, Role.FINANCE):
            a_member(provider.organization, role, user=a_user(email=f"{role}@example.com"))
        plan = a_plan(an_offering(provider, plans=False), per_unit="0.50", meter="storage")
        firm = an_organization(name="示例服装厂")
        user = a_member(firm, user=a_user(email="buyer@example.com", name="示例采购"))
        return a_subscription(
            plan, organization=firm, user=user, started_at=None, estimate={"storage-per-unit": "120"}
        )


@pytest.fixture
def vendor(seller, client):
    client.post("/sign-in", data=_token(client) | {"email": "owner@example.com", "password": PASSWORD})
    return client


def _token(client) -> dict[str, str]:
    return {"csrf_token": client.page("/sign-in").all("input", name="csrf_token")[0].get("value") or ""}


def the_plan(subscription) -> Plan:
    """With all that selling and pricing it needs."""
    query = select(Plan).where(Plan.id == subscription.plan_id)
    charges = selectinload(Plan.charges).joinedload(Charge.meter)
    return db.session.scalars(query.options(charges, joinedload(Plan.offering).joinedload(Offering.provider))).one()


def state(subscription) -> tuple[SubscriptionStatus, RequestStatus]:
    with db.transaction(readonly=True):
        fresh = db.session.get_one(Subscription, subscription.id)
        return fresh.status, the_request(fresh).status


def test_the_customer_page_has_what_is_needed_to_set_it_up(vendor, seller):
    page = vendor.page("/vendor/customers/").follow("示例服装厂")
    for words in ("示例采购", "buyer@example.com", seller.public_id, "¥0.50/次", "客户估计每月 120 次"):
        assert words in page.text, words


def test_another_providers_customer_is_not_found(vendor):
    with db.transaction():
        other = a_subscription(started_at=None)
    vendor.page(f"/vendor/customers/{other.id}", status=404)


def test_the_list_asks_the_database_little_however_many_there_are(vendor, seller, queries):
    with db.transaction():
        plan = the_plan(seller)
        for number in range(5):
            a_subscription(plan, organization=an_organization(name=f"示例客户{number}"), started_at=ORDERED)
    vendor.page("/vendor/customers/")
    with queries(at_most=21):
        vendor.get("/vendor/customers/")


def test_the_list_is_narrowed_by_name_offering_and_state(vendor, seller, clock):
    clock.set(NOV_19)
    with db.transaction():
        plan = the_plan(seller)
        running = a_subscription(plan, organization=an_organization(name="示例五金厂"), started_at=ORDERED)
        other = a_plan(an_offering(plan.offering.provider, plans=False), monthly="99.00")
        leaving = a_subscription(other, organization=an_organization(name="示例100%棉厂"), started_at=ORDERED)
        subscriptions.cancel(leaving, when="period_end", reason="", by=an_actor(), at=NOV_19)
        offering = other.offering_id
    found = {
        "": {"示例服装厂", "示例五金厂", "示例100%棉厂"},
        "q=五金": {"示例五金厂"},
        f"q={running.public_id}": {"示例五金厂"},
        "q=100%25": {"示例100%棉厂"},
        "q=%25": {"示例100%棉厂"},
        "state=opening": {"示例服装厂"},
        "state=active": {"示例五金厂"},
        "state=leaving": {"示例100%棉厂"},
        f"offering={offering}": {"示例100%棉厂"},
        f"offering={offering}&state=active": set(),
        "state=nonsense&offering=x": {"示例服装厂", "示例五金厂", "示例100%棉厂"},
    }
    for asked, names in found.items():
        rows = vendor.page(f"/vendor/customers/?{asked}").html.partition("企业名称或订阅编号")[2]
        assert {name for name in found[""] if name in rows} == names, asked
    page = vendor.page("/vendor/customers/?state=leaving")
    for words in ("将于 11月30日 停用", "99.00", "第 1 版", "还没有账单"):
        assert words in page.text, words


def test_the_list_as_a_file_says_the_same_and_no_amounts_to_a_developer(vendor, seller, client, clock):
    clock.set(NOV_19)
    with db.transaction():
        provider = db.session.get_one(Provider, seller.provider_id, options=[joinedload(Provider.organization)], populate_existing=True)
        a_member(provider.organization, Role.DEVELOPER, user=a_user(email="developer@example.com"))
        plan = a_plan(an_offering(provider, plans=False), monthly="99.00")
        firm = an_organization(name="=示例五金厂")
        a_subscription(plan, organization=firm, started_at=ORDERED)
        an_issued_bill(firm)
    text = vendor.get("/vendor/customers/customers.csv?state=active").text
    assert text.count("\n") == 2
    for words in ("'=示例五金厂", "使用中", "2026-10-01", "99.00,99.00"):
        assert words in text, words
    client.sign_in("developer@example.com", PASSWORD)
    assert "99.00" not in client.get("/vendor/customers/customers.csv").text
    assert "99.00" not in client.page("/vendor/customers/").text


def test_without_customers_it_says_so(database, client):
    with db.transaction():
        a_member(a_provider().organization, user=a_user(email="new@example.com"))
    client.post("/sign-in", data=_token(client) | {"email": "new@example.com", "password": PASSWORD})
    assert "还没有客户" in client.page("/vendor/customers/").text
