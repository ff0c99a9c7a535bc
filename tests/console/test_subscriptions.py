"""The firm's subscriptions in the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market import accounts, db, subscriptions
from market.subscriptions import Subscription, SubscriptionStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_plan, an_offering
from tests.builders.subscriptions import a_subscription, the_request

NOV_5 = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
ACCESS = {"地址": "https://storage.example/bucket", "密钥": "very-secret-key"}


@pytest.fixture
def firm(database):
    with db.transaction():
        organization = an_organization(name="示例五金厂")
        for role in accounts.roles_of(organization.kind):
            a_member(organization, role, user=a_user(email=f"{role}@example.com", name=f"示例{role}"))
        return organization


@pytest.fixture
def owner(firm, client):
    client.sign_in("owner@example.com", PASSWORD)
    return client


def subscribed(firm, **more) -> int:
    with db.transaction():
        plan = more.pop("plan", None) or a_plan(an_offering(plans=False), monthly="99.00", per_unit="0.50", meter="storage")
        return a_subscription(plan, organization=firm, **more).id


def status_of(id: int) -> SubscriptionStatus:
    with db.transaction(readonly=True):
        return db.session.get_one(Subscription, id).status


def test_an_empty_list_says_what_to_do(owner):
    page = owner.page("/console/subscriptions/")
    assert "还没有订阅" in page.text


def test_the_list_says_state_and_cost_of_the_month(owner, firm):
    subscribed(firm)
    page = owner.page("/console/subscriptions/")
    assert "使用中" in page.text
    assert "99.00" in page.text


def test_one_subscription_shows_prices_next_charge_and_story(owner, firm):
    page = owner.page(f"/console/subscriptions/{subscribed(firm)}")
    for words in ("下一份账单", "2026年12月1日", "¥0.50/次", "下单订阅", "开通成功", "停用后 90 天内"):
        assert words in page.text, words


@pytest.mark.parametrize(("role", "sees"), [("owner", True), ("technician", True), ("purchaser", False), ("viewer", False)])
def test_access_details_are_for_the_entitled(firm, client, role, sees):
    id = subscribed(firm, access=ACCESS)
    client.sign_in(f"{role}@example.com", PASSWORD)
    page = client.page(f"/console/subscriptions/{id}")
    assert ("very-secret-key" in page.html) is sees


def test_access_details_have_words_and_keep_the_keys_programs_use(owner, firm):
    details = {"endpoint": "https://storage.example/b", "secret_key": "s3cret", "门店编号": "GZ-7"}
    page = owner.page(f"/console/subscriptions/{subscribed(firm, access=details)}")
    for words in ("地址 endpoint", "密钥 secret_key", "门店编号", "接下来："):
        assert words in page.text, words
    assert 'data-key="secret_key"' in page.html


def test_access_details_stay_until_the_data_can_no_longer_be_fetched(owner, firm, clock):
    id = subscribed(firm, access=ACCESS)
    with db.transaction():
        subscriptions.cancel(db.session.get_one(Subscription, id), when="now", reason="", by=an_actor(), at=NOV_5)
    clock.set(datetime(2026, 12, 5, 2, 0, tzinfo=UTC))
    assert "very-secret-key" in owner.page(f"/console/subscriptions/{id}").html
    clock.set(datetime(2026, 12, 6, 2, 0, tzinfo=UTC))
    assert "very-secret-key" not in owner.page(f"/console/subscriptions/{id}").html


def test_leaving_takes_three_clicks_and_shows_both_ways_before(owner, firm):
    id = subscribed(firm)
    page = owner.page("/console/subscriptions/").follow("退订")  # 1
    for words in ("用到 2026年11月30日", "今天算最后一天（2026年11月20日）", "¥99.00", "¥66.00", "到 2026年12月20日", "2027年2月18日"):
        assert words in page.text, words
    page = page.submit(button="确认退订")  # 2, with the default
    assert "用到 2026年11月30日，之后不再收费" in page.text
    assert status_of(id) is SubscriptionStatus.ACTIVE
    page = page.submit(button="不停了，继续使用")
    assert "已撤销停用" in page.text


@pytest.mark.every_database
def test_leaving_at_once(owner, firm):
    id = subscribed(firm)
    page = owner.page(f"/console/subscriptions/{id}/cancel").submit(button="确认退订", when="now", reason="换服务商")
    assert "已停用" in page.text
    assert "换服务商" in page.text
    assert status_of(id) is SubscriptionStatus.ENDED
    assert owner.page(f"/console/subscriptions/{id}/cancel").path == f"/console/subscriptions/{id}"


def test_the_preview_is_what_the_bill_then_says(owner, firm):
    id = subscribed(firm)
    owner.page(f"/console/subscriptions/{id}/cancel").submit(button="确认退订", when="now")
    page = owner.page(f"/console/subscriptions/{id}")
    assert "最后一份账单" in page.text
    assert "¥66.00" in page.text


@pytest.mark.parametrize("when", ["", "someday", None])
def test_a_way_of_leaving_that_does_not_exist_is_refused(owner, firm, when):
    id = subscribed(firm)
    page = owner.page(f"/console/subscriptions/{id}/cancel").submit(button="确认退订", when=when, reason="x" * 20)
    assert page.status in (200, 422)
    assert status_of(id) is SubscriptionStatus.ACTIVE


def test_what_is_being_set_up_can_be_called_off(owner, firm):
    id = subscribed(firm, started_at=None)
    page = owner.page(f"/console/subscriptions/{id}/cancel").submit(button="确认取消订阅")
    assert "没有产生费用" in page.text
    assert status_of(id) is SubscriptionStatus.ENDED


def test_a_failed_one_says_why_and_can_be_retried(owner, firm):
    id = subscribed(firm, started_at=None)
    with db.transaction():
        request = the_request(db.session.get_one(Subscription, id))
        subscriptions.fail(request, reason="机房没有空位", by=an_actor(), at=NOV_5)
    page = owner.page(f"/console/subscriptions/{id}")
    assert "机房没有空位" in page.text
    page = page.submit(button="请服务商再试一次")
    assert status_of(id) is SubscriptionStatus.PROVISIONING


def test_a_trial_can_be_turned_into_a_paid_one(owner, firm, clock):
    with db.transaction():
        plan = a_plan(an_offering(plans=False), monthly="99.00", trial_days=14)
    id = subscribed(firm, plan=plan, started_at=datetime(2026, 11, 15, 2, 0, tzinfo=UTC))
    page = owner.page(f"/console/subscriptions/{id}")
    assert "自动停止" in page.text
    page = page.submit(button="试用后继续使用")
    assert "剩下的试用天数仍然不收费" in page.text
    assert "从 2026年11月30日 起按套餐计费" in page.text


@pytest.mark.parametrize("path", ["", "/cancel"])
def test_another_firms_subscription_is_not_found(owner, path):
    with db.transaction():
        id = a_subscription().id
    owner.page(f"/console/subscriptions/{id}{path}", status=404)


@pytest.mark.parametrize("action", ["cancel", "keep", "convert", "retry"])
def test_another_firms_subscription_cannot_be_changed(owner, action):
    with db.transaction():
        id = a_subscription().id
    token = owner.page("/console/subscriptions/").html
    token = token.split('name="csrf_token" value="')[1].split('"')[0] if 'name="csrf_token"' in token else ""
    answer = owner.post(f"/console/subscriptions/{id}/{action}", data={"csrf_token": token, "when": "now"})
    assert answer.status_code == (404 if token else 400)
    assert status_of(id) is SubscriptionStatus.ACTIVE


def test_whoever_may_not_see_the_sign_in_is_told_whom_to_ask_before_leaving(firm, owner, client):
    id = subscribed(firm)
    assert "登录服务商，导出数据" in owner.page(f"/console/subscriptions/{id}/cancel").text
    client.sign_in("purchaser@example.com", PASSWORD)
    page = client.page(f"/console/subscriptions/{id}/cancel")
    assert "登录服务商，导出数据" not in page.text and "请向他们要" in page.text


def test_a_viewer_can_neither_leave_nor_stay(firm, client):
    id = subscribed(firm)
    client.sign_in("viewer@example.com", PASSWORD)
    assert not client.page("/console/subscriptions/").all("a", href=f"/console/subscriptions/{id}/cancel")
    client.page(f"/console/subscriptions/{id}/cancel", status=403)


@pytest.mark.every_database
def test_pages_ask_the_database_little_however_many_there_are(owner, firm, queries):
    for _ in range(3):
        subscribed(firm)
    id = subscribed(firm)
    owner.page("/console/subscriptions/")
    with queries(at_most=15):
        owner.get("/console/subscriptions/")
    with queries(at_most=18):
        owner.get(f"/console/subscriptions/{id}")
