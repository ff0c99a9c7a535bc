"""How far a set-up is, and having access details replaced."""

from __future__ import annotations

import pytest

from market import db, subscriptions
from market.accounts.models import Role
from market.subscriptions import RequestKind, Subscription
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.subscriptions import ORDERED, a_subscription, the_request


@pytest.fixture
def firm(database):
    with db.transaction():
        made = an_organization()
        for role in (Role.OWNER, Role.PURCHASER):
            a_member(made, role, user=a_user(email=f"{role}@firm.example"))
        return made


def test_the_steps_show_until_it_is_there_and_a_failure_says_what_to_do(firm, client):
    with db.transaction():
        ordered = a_subscription(organization=firm, started_at=None)
    client.sign_in("owner@firm.example", PASSWORD)
    page = client.page(f"/console/subscriptions/{ordered.id}")
    assert "还没有开通，已经超过约定的时间" in page.text  # ordered in October, and it is November
    assert client.page(f"/console/setup/{ordered.id}").heading == "开通进度"
    with db.transaction():
        subscriptions.fail(the_request(ordered), reason="没有库存", by=an_actor(), at=ORDERED)
    page = client.page(f"/console/subscriptions/{ordered.id}")
    for words in ("没有开通成功，没有产生费用", "没有库存", "取消订阅"):
        assert words in page.text, words
    page.submit(button="请服务商再试一次")
    with db.transaction():
        subscriptions.complete(the_request(ordered), access={"密码": "s3cret"}, by=an_actor(), at=ORDERED)
    answer = client.get(f"/console/setup/{ordered.id}", headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert "s3cret" in client.page(f"/console/subscriptions/{ordered.id}").text


def test_new_access_details_are_asked_for_by_the_entitled_and_the_old_are_gone(firm, client):
    with db.transaction():
        running = a_subscription(organization=firm, access={"密码": "old-one"})
    client.sign_in("owner@firm.example", PASSWORD)
    page = client.page(f"/console/subscriptions/{running.id}").follow("更换登录信息")
    page = page.submit(button="请服务商更换登录信息")
    assert "服务商正在更换" in page.text
    assert "请服务商更换登录信息" in page.text
    with db.transaction():
        mine = db.session.get_one(Subscription, running.id)
        rotation = the_request(mine, RequestKind.ROTATE)
        assert subscriptions.rotate(mine, by=an_actor(), at=ORDERED) is rotation  # asked twice, asked once
        subscriptions.complete(rotation, access={"密码": "new-one"}, by=an_actor(), at=ORDERED)
    page = client.page(f"/console/subscriptions/{running.id}")
    assert "new-one" in page.text
    assert "old-one" not in page.text
    page = client.page(f"/console/access/{running.id}")
    assert "服务商更换了登录信息" in page.text
    assert "new-one" not in page.text


def test_who_may_not_see_them_may_not_have_them_replaced(firm, client):
    with db.transaction():
        running = a_subscription(organization=firm, access={"密码": "old-one"})
    client.sign_in("purchaser@firm.example", PASSWORD)
    client.page(f"/console/access/{running.id}", status=403)
