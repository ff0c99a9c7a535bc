"""A newcomer alone: from the first page to a running trial, and her firm's size while she types."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from market import db
from market.accounts import Organization, SizeClass
from market.credentials import recovery
from market.subscriptions import Subscription
from tests.builders.accounts import PASSWORD, a_city, a_code
from tests.builders.catalog import a_plan, an_offering, complete_facts
from tests.conftest import PRESENT
from tests.support import registering
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def trial(database: None) -> None:
    with db.transaction():
        a_city()
        offering = an_offering(slug="nas-backup", plans=False, facts=complete_facts(name_zh="示例整机备份"))
        a_plan(offering, monthly="99.00", trial_days=14)


def test_a_newcomer_registers_her_firm_and_tries_a_service(walker: Callable[..., Walker], trial: None) -> None:
    """Task 4: at most eight clicks, four of them to register; no licence has to be verified before."""
    visitor = walker(width=390).at("/")
    visitor.click("示例整机备份", within="main").click("免费试用 14 天", within="main").heading("登录")
    visitor.click("注册企业账号", within="main").heading("注册企业账号")
    visitor.write("您的姓名", "示例店主").write("邮箱", "owner@example.com").write("密码", PASSWORD)
    visitor.write("企业名称", "示例纸箱厂有限公司").write("统一社会信用代码", a_code(4711))
    visitor.click("我看过并同意平台规则").click("注册企业账号", within="main form").heading("请打开邮件，完成注册")
    visitor.page.goto(registering.link("owner@example.com", PRESENT))
    visitor.clicks.append("the link, in her mail program")
    visitor.heading("确认订阅：示例整机备份")
    visitor.click("确认订阅，今天付 ¥0.00").heading("已收到您的订阅")
    assert len(visitor.clicks) <= 8, visitor.clicks
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Subscription)).one().cancel_at is None


def test_the_size_appears_while_she_types(walker: Callable[..., Walker], trial: None) -> None:
    visitor = walker().at("/register")
    if not visitor.script:
        return  # a button does the same; tests/storefront/test_register.py presses it
    visitor.write("统一社会信用代码", a_code(4712)).see("登记地是广州市")
    visitor.click("企业规模").choose("主要行业", "建筑业").see("资产总额", "还缺年营业收入、资产总额")
    visitor.choose("主要行业", "软件和信息技术服务业").see("员工人数")
    visitor.write("员工人数", "120").write("去年营业收入", "900").see("小型企业", "员工 120 人达到中型，营业收入 900 万元为小型，按规则取小型")
    visitor.write("您的姓名", "示例店主").write("邮箱", "owner@example.com").write("密码", PASSWORD)
    visitor.write("企业名称", "示例软件有限公司").choose("所在地市", "广州市")
    visitor.click("我看过并同意平台规则").click("注册企业账号", within="main form").heading("请打开邮件，完成注册")
    visitor.click("看这封邮件")
    recovery.answer_due(PRESENT)
    visitor.click("完成注册的链接").heading("概览").see("小型企业", within="body")
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Organization.size).where(Organization.name == "示例软件有限公司")).one() is SizeClass.SMALL
