"""The provider's work list: by deadline, by hand, several at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from standardwebhooks import Webhook

from market import db, subscriptions
from market.accounts.models import Role
from market.catalog.models import Charge, Offering, Plan, Provisioning
from market.providers import Provider
from market.subscriptions import RequestKind, RequestStatus, Subscription, SubscriptionStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import ORDERED, SECRET, a_receiver, a_subscription, the_request

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
        return a_subscription(plan, organization=firm, user=user, started_at=None)


@pytest.fixture
def vendor(seller, client):
    client.sign_in("owner@example.com", PASSWORD)
    return client


def state(subscription) -> tuple[SubscriptionStatus, RequestStatus]:
    with db.transaction(readonly=True):
        fresh = db.session.get_one(Subscription, subscription.id)
        return fresh.status, the_request(fresh).status


def the_plan(subscription) -> Plan:
    """With all that selling and pricing it needs."""
    query = select(Plan).where(Plan.id == subscription.plan_id)
    charges = selectinload(Plan.charges).joinedload(Charge.meter)
    return db.session.scalars(query.options(charges, joinedload(Plan.offering).joinedload(Offering.provider))).one()


def task_of(subscription, kind=RequestKind.PROVISION) -> str:
    with db.transaction(readonly=True):
        return f"/vendor/tasks/{the_request(subscription, kind).id}"


def test_what_for_whom_until_when_and_done_by_hand(vendor, seller):
    page = vendor.page("/vendor/tasks/")
    for words in ("要办的（1）", "已超时（1）", "示例服装厂", "开通", "人工", "2026年10月4日 10:00", "已超时"):
        assert words in page.text, words
    page = page.follow("示例服装厂").submit("/complete", access="账号 demo")
    assert (page.status, page.one("textarea", name="access").text.strip()) == (422, "账号 demo")
    assert "冒号" in page.text
    page = page.submit("/complete", access="网址： https://a.example/x\n\n账号: demo")
    assert "客户已经能用了" in page.text
    assert state(seller) == (SubscriptionStatus.ACTIVE, RequestStatus.DONE)
    with db.transaction(readonly=True):
        fresh = db.session.get_one(Subscription, seller.id)
        assert subscriptions.access_of(fresh) == {"网址": "https://a.example/x", "账号": "demo"}
    assert "没有要办的事" in vendor.page("/vendor/tasks/").text
    assert "示例服装厂" in vendor.page("/vendor/tasks/?view=closed").text


def test_failing_needs_a_reason_and_can_be_reopened(vendor, seller):
    page = vendor.page(task_of(seller)).submit("/fail")
    assert page.status == 422
    page = page.submit("/fail", reason="当地没有网络资源")
    assert state(seller) == (SubscriptionStatus.FAILED, RequestStatus.FAILED)
    assert "当地没有网络资源" in page.text
    assert "示例服装厂" in vendor.page("/vendor/tasks/?view=failed").text
    page.submit("/retry")
    assert state(seller) == (SubscriptionStatus.PROVISIONING, RequestStatus.PENDING)


def test_what_was_called_off_is_not_completed_and_what_was_made_has_to_go(vendor, seller):
    page = vendor.page(task_of(seller))
    with db.transaction():
        mine = db.session.get_one(Subscription, seller.id)
        subscriptions.cancel(mine, when="now", reason="", by=an_actor(), at=NOV_19)
    answer = page.submit("/complete", access="账号: demo")
    assert answer.status == 409
    assert "不会向客户收费" in answer.text
    assert state(seller)[0] is SubscriptionStatus.ENDED
    page = vendor.page("/vendor/tasks/").follow("示例服装厂")
    assert page.heading == "停止服务：示例服装厂"
    assert "服务已停止" in page.submit("/complete").text


def test_several_are_answered_at_once_each_for_itself(vendor, seller):
    with db.transaction():
        plan = the_plan(seller)
        other = a_subscription(plan, organization=an_organization(name="示例茶楼"), started_at=None)
        third = a_subscription(plan, organization=an_organization(name="示例印刷厂"), started_at=None)
        strange = a_subscription(started_at=None)
        ids = [the_request(each).id for each in (seller, other, strange)]
    assert "一起办选中的任务" in vendor.page("/vendor/tasks/").text
    page = vendor.page("/vendor/tasks/batch/?" + "&".join(f"task={id}" for id in ids))
    assert page.heading == "一起办 2 项任务"
    page = page.submit("/complete", **{f"access-{ids[0]}": "账号: demo", f"access-{ids[1]}": "没有冒号"})
    assert (page.status, page.heading) == (422, "一起办 1 项任务")
    assert "1 项办好了，1 项没有" in page.text
    assert [state(each)[0] for each in (seller, other, strange)] == ["active", "provisioning", "provisioning"]
    page = page.submit("/complete", **{f"access-{ids[1]}": ""})
    assert "办好了 1 项" in page.text
    page = vendor.page(f"/vendor/tasks/batch/?task={the_id(third)}")
    page.submit(button="家客户办不成", reason="没有库存")
    assert state(third)[0] is SubscriptionStatus.FAILED
    assert vendor.page("/vendor/tasks/batch/?task=x").heading == "待办任务"


def the_id(subscription) -> int:
    with db.transaction(readonly=True):
        return the_request(subscription).id


def test_the_log_shows_every_attempt_and_a_button_sends_again(database, client):
    with a_receiver() as receiver:
        receiver.answer = lambda _call: (500, {}, "服务器忙<b>".encode())
        with db.transaction():
            provider = a_provider(**receiver.settings())
            a_member(provider.organization, user=a_user(email="dev@example.com"))
            offering = an_offering(provider, provisioning=Provisioning.WEBHOOK, plans=False)
            ordered = a_subscription(a_plan(offering, per_unit="0.01"), started_at=None)
        subscriptions.deliver_due(ORDERED)
        client.sign_in("dev@example.com", PASSWORD)
        page = client.page(task_of(ordered))
        for words in ("您的系统回应了错误 500", "已通知 1 次", "服务器忙<b>"):
            assert words in page.text, words
        page.submit("/resend")
        receiver.says(200, {"done": True})
        assert subscriptions.deliver_due(NOV_19.replace(day=20)) == 1
        assert state(ordered) == (SubscriptionStatus.ACTIVE, RequestStatus.DONE)
        assert "您的系统回应了错误 500" in client.page("/vendor/webhooks/").text
        with db.transaction():
            db.session.get_one(Provider, provider.id).webhook_stopped_at = NOV_19
        assert "已停发" in client.page("/vendor/webhooks/").text


def test_a_test_message_is_signed_and_its_answer_told(database, client):
    with a_receiver() as receiver:
        with db.transaction():
            provider = a_provider(**receiver.settings())
            a_member(provider.organization, user=a_user(email="tester@example.com"))
        client.sign_in("tester@example.com", PASSWORD)
        page = client.page("/vendor/webhooks/").submit("/webhooks/test")
        assert "测试通知已送到，您的系统回了 204" in page.text
        (call,) = receiver.calls
        assert call.json["type"] == "test" and Webhook(SECRET).verify(call.body, call.headers)
        receiver.says(500)
        assert "没有送到：您的系统回应了错误 500" in page.submit("/webhooks/test").text
        assert "发了一条测试通知" in client.page("/vendor/activity/").text


def test_finance_may_look_but_not_do_and_is_asked_to_do_nothing(seller, client):
    client.sign_in("finance@example.com", PASSWORD)
    assert "您的角色不能办理" in client.page(task_of(seller)).text
    assert client.page("/vendor/tasks/").heading == "同事的任务"
    for path in ("/vendor/", "/vendor/tasks/", task_of(seller)):
        text = client.page(path).text
        assert not [words for words in ("等您办", "待办任务") if words in text], path


def test_another_providers_task_is_not_found(vendor, seller):
    with db.transaction():
        path = f"/vendor/tasks/{the_request(a_subscription(started_at=None)).id}"
    vendor.page(path, status=404)
    token = vendor.page(task_of(seller)).all("input", name="csrf_token")[0].get("value")
    for act in ("complete", "fail", "retry", "resend"):
        assert vendor.post(f"{path}/{act}", data={"csrf_token": token, "reason": "x"}).status_code == 404
