"""A firm starts a trial, takes more seats for a festival and leaves, in no more clicks than promised."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from market import db
from market.accounts.models import Organization
from market.subscriptions import Subscription, SubscriptionChange, SubscriptionStatus
from tests.builders.accounts import a_member, a_user, an_organization
from tests.builders.billing import an_issued_bill
from tests.builders.catalog import a_plan, an_offering, complete_facts
from tests.builders.subscriptions import a_subscription
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

SEATS = {"quantity_unit_zh": "席", "quantity_unit_en": "seats", "quantity_maximum": 50}


@pytest.fixture
def firm(database: None) -> Organization:
    """It has one seat of a service at 30 yuan, and could try another."""
    with db.transaction():
        organization = an_organization(name="示例五金厂")
        a_member(organization, user=a_user(email="owner@example.com", name="示例老板"))
        desk = an_offering(slug="desk", plans=False, facts=complete_facts(name_zh="示例客服台"))
        a_subscription(a_plan(desk, monthly="30.00", name_zh="席位版", **SEATS), organization=organization)
        an_issued_bill(organization)
        backup = an_offering(slug="nas-backup", plans=False, facts=complete_facts(name_zh="示例整机备份"))
        a_plan(backup, monthly="99.00", trial_days=14)
        return organization


def test_a_firm_tries_grows_and_leaves(walker: Callable[..., Walker], firm: Organization) -> None:
    owner = walker(width=390).sign_in("owner@example.com")
    takes_more_seats(owner)
    plans_a_festival(owner)
    starts_a_trial(owner)
    leaves(owner)


def takes_more_seats(owner: Walker) -> None:
    """The bill with and without them is on the page before the last click; two presses of it are one change."""
    owner.at("/console/subscriptions/").click("换套餐", within="main").heading("更改套餐或数量：示例客服台")
    owner.write("要多少", "11")
    if not owner.script:
        owner.click("重新计算")
    owner.see("多 ¥110.00", "30.00 → 140.00", "期末以后", "多 ¥300.00")
    owner.click("确认更改，今天付 ¥0.00", double=True).heading("示例客服台").see("11 席")
    assert len(owner.clicks) <= (2 if owner.script else 3), owner.clicks
    with db.transaction(readonly=True):
        assert [change.quantity for change in db.session.scalars(select(SubscriptionChange))] == [11]


def plans_a_festival(owner: Walker) -> None:
    """Up on one day and down after another, and taken back again."""
    owner.at("/console/subscriptions/").click("换套餐", within="main").click("指定日期，或只用一段时间")
    owner.write("要多少", "20").write("从哪天起", "2026-12-10").write("用到哪天", "2026-12-13")
    if not owner.script:
        owner.click("重新计算")
    owner.see("2026年12月10日 起按新的计费")
    if not owner.script:
        owner.click("指定的日期起")
    owner.click("确认更改，今天付 ¥0.00").see("已经安排的更改", "数量改为 20", "2026年12月14日 起", "数量改为 11")
    owner.click("撤回", within="main").see("已撤回", within="body")


def starts_a_trial(owner: Walker) -> None:
    """Task 3."""
    owner.at("/").click("示例整机备份", within="main").click("免费试用 14 天", within="main").heading("确认订阅")
    owner.click("今天付 ¥0.00", within="main form").heading("已收到您的订阅")
    assert len(owner.clicks) <= 3, owner.clicks


def leaves(owner: Walker) -> None:
    """Task 14: what it costs and until when the data stays is said before the last click."""
    owner.at("/console/subscriptions/").click("退订", within="main tr:has-text('使用中')")
    owner.heading("退订：示例客服台").see("用到期末", "¥140.00", "数据可导出：到 2026年12月30日", "彻底删除：最晚 2027年2月28日")
    owner.click("现在就停用").click("确认退订").see("已停用", within="body")
    assert len(owner.clicks) <= 3, owner.clicks
    with db.transaction(readonly=True):
        ended = select(Subscription).where(Subscription.status == SubscriptionStatus.ENDED)
        assert len(db.session.scalars(ended).all()) == 1
