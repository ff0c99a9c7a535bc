"""The provider's customers and work list."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from market import db, subscriptions
from market.accounts.models import Role
from market.catalog.models import Charge, Offering, Plan, Provisioning
from market.subscriptions import RequestStatus, Subscription, SubscriptionStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.billing import an_issued_bill
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, a_receiver, a_subscription, the_request

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


def test_the_work_list_says_what_for_whom_until_when(vendor):
    page = vendor.page("/vendor/customers/")
    for words in ("要办的（1）", "示例服装厂", "开通", "人工", "2026年10月4日 10:00", "已超时"):
        assert words in page.text, words


def test_the_customer_page_has_what_is_needed_to_set_it_up(vendor, seller):
    page = vendor.page("/vendor/customers/").follow("示例服装厂")
    for words in ("示例采购", "buyer@example.com", seller.public_id, "¥0.50/次", "客户估计每月 120 次"):
        assert words in page.text, words


def test_completing_by_hand_gives_the_customer_her_access(vendor, seller):
    page = vendor.page(f"/vendor/customers/{seller.id}")
    page = page.submit("/complete", access="网址： https://a.example/x\n\n账号: demo")
    assert "客户已经能用了" in page.text
    assert state(seller) == (SubscriptionStatus.ACTIVE, RequestStatus.DONE)
    with db.transaction(readonly=True):
        fresh = db.session.get_one(Subscription, seller.id)
        assert subscriptions.access_of(fresh) == {"网址": "https://a.example/x", "账号": "demo"}
    assert "没有要办的事" in vendor.page("/vendor/customers/").text


def test_details_without_a_colon_are_refused_and_stay_typed(vendor, seller):
    page = vendor.page(f"/vendor/customers/{seller.id}").submit("/complete", access="账号 demo")
    assert page.status == 422
    assert "冒号" in page.text
    assert page.one("textarea", name="access").text.strip() == "账号 demo"
    assert state(seller)[0] is SubscriptionStatus.PROVISIONING


def test_failing_needs_a_reason_and_can_be_reopened(vendor, seller):
    page = vendor.page(f"/vendor/customers/{seller.id}").submit("/fail")
    assert page.status == 422
    page = page.submit("/fail", reason="当地没有网络资源")
    assert state(seller) == (SubscriptionStatus.FAILED, RequestStatus.FAILED)
    assert "当地没有网络资源" in page.text
    page.submit("/retry")
    assert state(seller) == (SubscriptionStatus.PROVISIONING, RequestStatus.PENDING)


def test_what_the_customer_called_off_meanwhile_cannot_be_completed(vendor, seller):
    page = vendor.page(f"/vendor/customers/{seller.id}")
    with db.transaction():
        mine = db.session.get_one(Subscription, seller.id)
        subscriptions.cancel(mine, when="now", reason="", by=an_actor(), at=NOV_19)
    answer = page.submit("/complete")
    assert answer.status == 409
    assert "已经关闭" in answer.text
    assert state(seller)[0] is SubscriptionStatus.ENDED


def test_stopping_is_work_too(vendor, seller):
    with db.transaction():
        subscriptions.complete(the_request(db.session.get_one(Subscription, seller.id)), access={}, by=an_actor(), at=ORDERED)
        mine = db.session.get_one(Subscription, seller.id)
        subscriptions.cancel(mine, when="now", reason="", by=an_actor(), at=NOV_19)
    page = vendor.page("/vendor/customers/").follow("示例服装厂")
    assert "为客户停止服务" in page.text
    assert "服务已停止" in page.submit("/complete").text


def test_the_delivery_log_says_what_went_wrong(database, client):
    with a_receiver() as receiver:
        receiver.says(500)
        with db.transaction():
            provider = a_provider(**receiver.settings())
            a_member(provider.organization, user=a_user(email="dev@example.com"))
            offering = an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False)
            id = a_subscription(a_plan(offering, per_unit="0.01"), started_at=None).id
        subscriptions.deliver_due(ORDERED)
    client.post("/sign-in", data=_token(client) | {"email": "dev@example.com", "password": PASSWORD})
    page = client.page(f"/vendor/customers/{id}")
    assert "服务商系统回应了错误 500" in page.text
    assert "已通知 1 次" in page.text


def test_finance_may_look_but_not_do(seller, client):
    client.post("/sign-in", data=_token(client) | {"email": "finance@example.com", "password": PASSWORD})
    page = client.page(f"/vendor/customers/{seller.id}")
    assert "您的角色不能办理" in page.text


@pytest.mark.parametrize("path", ["{id}", "requests/{request}/complete", "requests/{request}/fail", "requests/{request}/retry"])
def test_another_providers_customer_is_not_found(vendor, seller, path):
    with db.transaction():
        other = a_subscription(started_at=None)
        path = f"/vendor/customers/{path.format(id=other.id, request=the_request(other).id)}"
    if "requests" not in path:
        vendor.page(path, status=404)
        return
    form = vendor.page(f"/vendor/customers/{seller.id}")
    token = form.all("input", name="csrf_token")[0].get("value")
    assert vendor.post(path, data={"csrf_token": token, "reason": "x"}).status_code == 404


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
        plan = a_plan(an_offering(the_plan(seller).offering.provider, plans=False), monthly="99.00")
        firm = an_organization(name="=示例五金厂")
        a_subscription(plan, organization=firm, started_at=ORDERED)
        an_issued_bill(firm)
        a_member(plan.offering.provider.organization, Role.DEVELOPER, user=a_user(email="developer@example.com"))
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
