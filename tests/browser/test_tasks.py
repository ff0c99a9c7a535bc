"""What people come for, in no more clicks than promised. The numbers are those of the usability targets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from market import db
from market.catalog.models import Meter, OfferingRevision
from market.subscriptions import Subscription
from tests.builders.accounts import an_administrator
from tests.builders.catalog import an_offering, complete_facts
from tests.builders.metering import an_event
from tests.builders.recommended import an_edition
from tests.builders.subscriptions import the_request
from tests.builders.worlds import World
from tests.support.clock import FakeClock
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def test_a_firms_everyday_tasks(walker: Callable[..., Walker], world: World, clock: FakeClock) -> None:
    visitor = walker()
    sees_what_800_gb_cost(visitor)
    compares_two(visitor)
    narrows_the_list(visitor)
    firm = visitor.sign_in(world.buyer.email)
    compares_on_her_own_months(firm)
    why_did_my_bill_rise(firm)
    last_months_bill_as_a_file(firm)
    where_to_transfer_to(firm)
    invites_the_accountant(firm)
    orders_from_the_first_page(firm, world.seller.secret, clock.now())
    leaves(firm)


def sees_what_800_gb_cost(visitor: Walker) -> None:
    """Task 1, by nobody who has signed in: the card, and without a script the button beside the box."""
    visitor.at("/").page.locator("a[href='/offerings/backup-one']").first.click()
    visitor.clicks.append("card")
    visitor.write("每月备份空间", "800")
    if not visitor.script:
        visitor.click("重新计算")
    visitor.see("¥135.00", within="#est")  # ¥99.00 and 300 GB beyond 500 at ¥0.12
    assert len(visitor.clicks) <= 2


def compares_two(visitor: Walker) -> None:
    """Task 5: tick, tick, compare; then the usage is typed once for both."""
    visitor.at("/offerings/")
    for slug in ("backup-one", "listed-one"):
        visitor.click("对比", within=f"main .offer:has(a[href='/offerings/{slug}'])")
    visitor.click("开始对比")
    assert len(visitor.clicks) <= 3
    visitor.heading("对比 2 项服务").see("第一年一共", "每月账单", "不同")
    visitor.write("每月备份空间", "800")
    if not visitor.script:
        visitor.click("按这个用量再算")
    visitor.see("¥348.00", within="#compared").address("=800")


def compares_on_her_own_months(firm: Walker) -> None:
    """Once she has signed in, the same address is priced on what her firm really used; one click types it instead."""
    firm.at("/compare/?s=backup-one&s=listed-one&use=mine").see("同样的用量，各要付多少", "现在的套餐", within="#compared")
    firm.click("自己填一个用量").see("第一年一共", within="#compared")
    assert len(firm.clicks) <= 1


def narrows_the_list(visitor: Walker) -> None:
    """Task 6: three ticks, and without a script the button that applies them."""
    visitor.at("/offerings/")
    for choice in ("数据存放在广东省内", "等保三级", "能开专票"):
        visitor.click(choice, within=".facets")
        if visitor.script:
            visitor.see(choice, within=".chips")
    assert len(visitor.clicks) <= 3
    if not visitor.script:
        visitor.click("应用筛选")
    visitor.address("djbh3").see("数据存放在广东省内", "等保三级", within=".chips").see("示例云备份", within="#results")


def why_did_my_bill_rise(firm: Walker) -> None:
    """Task 7: one click from the console; the sentence stands on top, the working at each line (more in test_usage)."""
    firm.at("/console/").click("用量与费用").heading("用量与费用").see("按最近 7 天的用法", "主要原因", "¥99.00", "备份空间")
    assert len(firm.clicks) <= 1


def last_months_bill_as_a_file(firm: Walker) -> None:
    """Task 12: two clicks from the bills."""
    firm.at("/console/bills/").click("2026年10月")
    with firm.page.expect_download() as started:
        firm.click("下载 PDF")
    assert started.value.path().read_bytes().startswith(b"%PDF")
    assert len(firm.clicks) <= 2
    # Two more clicks from the bill to the events of a day, without a script.
    firm.click("为什么是", within="main tr:has-text('用量')").see("核对过了，金额一致", "怎么算的", "每天的用量")
    firm.page.locator("main table a[href*='/days/']").first.click()
    firm.see("下面是算出它的每一条事件")


def where_to_transfer_to(firm: Walker) -> None:
    """Task 10: account and remittance code, two clicks from the console; the bill is overdue, and the pages say what comes."""
    firm.at("/console/").see("发最后通知，写明停用日期").click("账单", within="nav[aria-label='企业控制台']")
    firm.see("已逾期", within="main .n-bad").click("去付款", within="main .acts:not(.note .acts)")
    firm.see("0000 0000 0000 0000", "汇款识别码")
    assert len(firm.clicks) <= 2


def invites_the_accountant(firm: Walker) -> None:
    """Task 13: for bills only, which the page says before the last click."""
    firm.at("/console/").click("成员与权限").click("邀请", within="main li:has-text('只看账单')")
    firm.see("只看账单、付账单").write("邮箱", "accountant@example.com").click("发送邀请")
    firm.heading("成员与权限").see("accountant@example.com", "财务")
    assert len(firm.clicks) <= 3


def orders_from_the_first_page(firm: Walker, secret: str, now: datetime) -> None:
    """Task 2, as far as it is without a cap: from the first page to a service that is in use and measured.

    The provider's program does its part meanwhile; the page learns of it by itself, or when it is asked again.
    """
    firm.at("/").page.locator("a[href='/offerings/backup-one']").first.click()
    firm.clicks.append("card")
    firm.click("订阅，先核对价格").click("我看过了").click("确认订阅，今天付").heading("已收到您的订阅").see("正在开通")
    assert len(firm.clicks) <= 4
    with db.transaction(readonly=True):
        subscription = db.session.scalars(select(Subscription).order_by(Subscription.id.desc()).limit(1)).one()
        request = the_request(subscription).public_id
        event = an_event(subscription, db.session.scalars(select(Meter).where(Meter.slug == "storage_one")).one(), 300, at=now)
    answer = firm.page.request.post(
        f"/api/v1/provisioning/{request}/complete", data={"access": {"网址": "https://backup.example.com"}},
        headers={"Authorization": f"Bearer {secret}"},
    )  # fmt: skip
    assert answer.json()["subscription_status"] == "active", answer.text()
    if not firm.script:
        firm.click("刷新")
    firm.see("已经开通，可以开始用了", "使用中")
    assert len(firm.clicks) <= 5
    firm.report(secret, event)
    firm.click("查看登录方式和用量").see("https://backup.example.com", "使用中", "（300 − 500 × 11/30）GB × ¥0.12", "¥14.00")


def leaves(firm: Walker) -> None:
    """Task 14: what it costs and until when the data stays is said before the last click."""
    firm.at("/console/subscriptions/").click("示例云备份", within="main tr:has-text('使用中')")
    firm.click("退订", within="main").heading("退订：").see("用到期末", "数据可导出", "本月账单", "没有退款")
    firm.click("确认退订").see("已安排停用", within="body").see("之后停用")
    assert len(firm.clicks) <= 3


def test_an_administrator_returns_a_listing_with_reasons(walker: Callable[..., Walker], world: World) -> None:
    """Task 19: four clicks from the first page to the decision."""
    office = walker().sign_in(world.office.email).at("/admin/")
    with db.transaction(readonly=True):
        query = select(OfferingRevision.id).where(OfferingRevision.status == "submitted")
        id = db.session.scalars(query).one()
    office.page.locator(f"main a[href='/admin/reviews/{id}']").first.click()
    office.clicks.append("item")
    office.click("由我审核").see("由您审核").click("价格没有写完整")
    office.page.locator("#send_back-reason").fill("请补上超出后的单价。")
    office.click("退回给服务商修改").see("已退回", within="body")
    assert len(office.clicks) <= 4
    with db.transaction(readonly=True):
        revision = db.session.get_one(OfferingRevision, id)
        assert revision.status == "returned"
        assert "请补上超出后的单价。" in revision.decision_reason and "价格没有写完整" in revision.decision_reason


REASON = "断网也能恢复，价格写得全。"


def test_two_people_recommend_what_the_storefront_then_shows(walker: Callable[..., Walker], database: None) -> None:
    with db.transaction():
        an_edition(name_zh="示例推荐目录 2026 秋季")
        an_offering(slug="nas-backup", facts=complete_facts(name_zh="示例整机备份"))
        first, second = an_administrator(name="示例甲"), an_administrator(name="示例乙")
    one, two = walker().sign_in(first.email), walker().sign_in(second.email)
    one.at("/admin/").click("推荐目录", within=".side").click("提名一项服务").click("提名", within="main table")
    one.write("推荐理由（中文）", REASON).click("提名这项服务").see("已提名", within="body")
    # Whoever nominated is not offered the decision, and is refused when she asks for it all the same.
    one.click("示例整机备份", within="main").see("由另一位管理员决定")
    assert one.named("列入推荐目录", "main").count() == 0
    assert one.post(one.page.url + "/approve").status == 403
    visitor = walker().at("/offerings/nas-backup")
    assert visitor.page.get_by_text(REASON).count() == 0
    two.at("/admin/").click("示例整机备份", within="main").see(REASON).click("同意，列入推荐目录").see("公众能看到理由", within="body")
    visitor.at("/offerings/nas-backup").see("示例推荐目录 2026 秋季", REASON)
    visitor.at("/").see("推荐目录", within="article.offer").click("推荐目录", within="header").see("示例整机备份", REASON)
