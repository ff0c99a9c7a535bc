"""A provider lists a service, an administrator returns it once and then approves it, and the storefront sells it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from market import db, resources, search
from market.accounts.models import OrganizationKind
from tests.builders.accounts import a_member, a_user, an_administrator, an_organization
from tests.builders.catalog import a_category, a_meter, a_provider
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

SECTIONS = [
    {
        "tagline_zh": "每天自动备份一份", "tagline_en": "A copy every day", "description_zh": "把电脑里的文件每天备份。",
        "description_en": "Backs up your files every day.", "subcategory": "backup", "service_layer": "saas",
    },
    {
        "benefits_zh": "误删能找回\n电脑坏了能恢复\n不用管", "benefits_en": "Files back\nRecover a computer\nNothing to do",
        "not_for_zh": "需要实时同步", "not_for_en": "Live synchronization",
        "start_steps_zh": "订阅\n装客户端\n选文件夹", "start_steps_en": "Subscribe\nInstall\nChoose folders",
        "deadline_setup_zh": "约 2 分钟", "deadline_setup_en": "About 2 minutes",
    },
    {"availability": "99.9", "availability_credit_zh": "退当月费用的 10%", "availability_credit_en": "10% back"},
    {"data_location": ["cn"], "cross_border": "none"},
    {
        "support_hours_zh": "每天 8:00–22:00", "support_hours_en": "Every day 8:00–22:00",
        "support_channels": ["phone"], "fapiao": ["special"], "payment_methods": ["bank_transfer"],
    },
    {
        "export_format_zh": "原文件打包下载", "export_format_en": "A download", "export_days": "30",
        "deletion_days": "90", "exit_fee": "0",
    },
]  # fmt: skip
PLAN = {"name_zh": "基础版", "name_en": "Basic", "slug": "basic", "charges-0-amount": "99.00"}
TIERS = {
    "charges-1-meter": "storage_gb", "charges-1-included": "100", "charges-1-typical": "350",
    "charges-1-tiers-0-up_to": "200", "charges-1-tiers-0-unit_price": "0.50", "charges-1-tiers-1-unit_price": "0.30",
}  # fmt: skip


@pytest.fixture
def provider(database: None) -> None:
    """An approved provider with a meter and nothing to sell yet, an administrator, and two categories."""
    with db.transaction():
        organization = an_organization(kind=OrganizationKind.PROVIDER, name="示例备份公司")
        a_meter(
            a_provider(organization=organization, name="示例备份公司"), "storage_gb",
            name_zh="占用空间", name_en="Space", unit_zh="GB", unit_en="GB",
        )  # fmt: skip
        a_member(organization, user=a_user(email="product@example.com", name="示例产品经理"))
        an_administrator(name="示例审核员").email = "office@example.com"
        a_category("backup", parent="storage")


def test_a_provider_lists_a_service_and_an_administrator_lets_it_in(walker: Callable[..., Walker], provider: None) -> None:
    seller, office, visitor = walker(), walker(), walker()
    writes_it(seller)
    prices_it(seller)
    previews_and_submits(seller)
    visitor.at("/offerings/").see("还没有服务上架")
    office_returns_it(office)
    seller_corrects_it(seller)
    office_approves_it(office)
    everybody_finds_it(visitor)


def writes_it(seller: Walker) -> None:
    seller.sign_in("product@example.com").at("/vendor/").click("我的服务", within=".side").click("新建", within="main")
    seller.fill({"name_zh": "示例整机备份", "name_en": "Whole Computer Backup", "category_slug": "storage", "slug": "whole-backup"})
    seller.click("建立草稿").heading("示例整机备份").see("草稿", "必填").click("基本情况", within="main .tasks")
    for number, section in enumerate(SECTIONS):
        seller.fill(section)
        seller.click("保存，接着填" if number + 1 < len(SECTIONS) else "保存这一部分", within="main form")
    seller.heading("示例整机备份").see("还差 1 项必填")


def prices_it(seller: Walker) -> None:
    """Plans with an example bill from the code that writes bills."""
    seller.click("套餐", within="main .tasks").click("新建套餐").fill(PLAN)
    seller.page.locator("#new_kind").select_option("graduated")
    seller.click("添加收费项目").fill(TIERS).click("重新算示例账单").see("¥214.00")
    seller.click("保存套餐", within="main .acts").see("基础版", "¥214.00")


def previews_and_submits(seller: Walker) -> None:
    seller.click("示例整机备份", within="main").see("必填都填好了").click("以客户的眼光预览")
    seller.heading("示例整机备份").see("这是预览", "¥99.00", "¥214.00").click("回到编辑")
    seller.click("提交给平台审核", within="main aside").see("审核中", "排在第 1 位")


def office_returns_it(office: Walker) -> None:
    """A remark at one field, a reason for the whole."""
    office.sign_in("office@example.com").at("/admin/").click("示例整机备份", within="main").click("由我审核")
    office.page.locator("main tr", has_text="每天自动备份一份").locator("a, summary, button").first.click()
    office.page.locator("main form[action$='/comments'] textarea").first.fill("请写明备份保留多少天。")
    office.page.locator("main form[action$='/comments'] button").first.click()
    office.see("请写明备份保留多少天。")
    office.page.locator("#send_back-reason").fill("按意见改好就能上架。")
    office.click("退回给服务商修改").see("已退回", within="body")


def seller_corrects_it(seller: Walker) -> None:
    """The provider reads the reason and the remark, follows it to the field, and hands in again."""
    seller.at("/vendor/offerings/").click("示例整机备份", within="main").see("按意见改好就能上架。", "请写明备份保留多少天。")
    seller.click("一句话好处", within="main .note")
    expect(seller.page.locator("#tagline_zh")).to_be_visible()
    seller.fill({"tagline_zh": "每天自动备份一份，保留 30 天", "tagline_en": "A copy every day, kept for 30 days"})
    seller.click("保存这一部分", within="main form").click("提交给平台审核", within="main aside").see("审核中")


def office_approves_it(office: Walker) -> None:
    office.at("/admin/").click("示例整机备份", within="main").click("由我审核").see("保留 30 天")
    office.click("通过并发布", within="main").see("已发布", within="body")


def everybody_finds_it(visitor: Walker) -> None:
    """In the list at once; in the search as soon as the worker has looked."""
    visitor.at("/offerings/?category=storage").see("示例整机备份")
    search.refresh(resources.clock.now())
    visitor.at("/").page.locator("main input[name=q]").first.fill("整机备份")
    visitor.page.locator("main input[name=q]").first.press("Enter")
    visitor.see("示例整机备份", "¥99").click("示例整机备份", within="main").see("每天自动备份一份，保留 30 天", "¥214.00")
