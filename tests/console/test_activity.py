"""The firm's own trail."""

from __future__ import annotations

import pytest

from market import db
from market.accounts.models import Role
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.subscriptions import a_subscription


@pytest.fixture
def firm(database):
    with db.transaction():
        organization = an_organization()
        for role in (Role.OWNER, Role.VIEWER):
            a_member(organization, role, user=a_user(email=f"{role}@example.com", name=f"示例{role}"))
        return organization


def test_it_says_who_did_what_to_which(firm, client):
    with db.transaction():
        a_subscription(organization=firm, user=a_member(firm, user=a_user(name="示例采购")))
        a_subscription()
    client.sign_in("owner@example.com", PASSWORD)
    page = client.page("/console/activity/")
    assert "下单订阅" in page.text
    assert "示例采购" in page.text
    assert "127.0.0.1" in page.text
    assert page.text.count("的记录") == 2 + page.text.count("登录了")  # none of the other firm's


def test_it_can_be_narrowed(firm, client):
    with db.transaction():
        a_subscription(organization=firm)
    client.sign_in("owner@example.com", PASSWORD)
    assert "下单订阅" in client.page("/console/activity/?about=subscription").text
    assert "没有符合条件的记录" in client.page("/console/activity/?about=payment").text
    assert "下单订阅" in client.page("/console/activity/?about=nonsense").text


def test_without_events_it_says_so(firm, client):
    client.sign_in("owner@example.com", PASSWORD)
    assert "还没有记录" in client.page("/console/activity/").text


def test_a_viewer_may_not_read_it(firm, client):
    client.sign_in("viewer@example.com", PASSWORD)
    client.page("/console/activity/", status=403)
