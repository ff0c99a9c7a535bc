"""A purchaser orders above the limit, her owner approves; by clicks, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from market import db
from market.accounts import Role
from tests.builders.accounts import a_member, a_user, an_organization
from tests.builders.catalog import a_plan, an_offering, complete_facts
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def firm(database: None) -> None:
    """A firm with an owner and a purchaser, and a backup for ¥99 a month and ¥0.50 for each GB above 200."""
    with db.transaction():
        offering = an_offering(slug="nas-backup", plans=False, facts=complete_facts(name_zh="示例整机备份"))
        a_plan(offering, monthly="99.00", per_unit="0.50", meter="storage", included="200")
        firm = an_organization(name="示例纸箱厂有限公司")
        a_member(firm, user=a_user(email="owner@example.com", name="示例老板"))
        a_member(firm, Role.PURCHASER, user=a_user(email="purchaser@example.com", name="示例采购"))


def test_an_order_above_the_limit_waits_for_the_owner(walker: Callable[..., Walker], firm: None) -> None:
    owner, purchaser = walker(), walker(width=390)
    owner.sign_in("owner@example.com", path="/console/approvals/")
    owner.click("设定审批金额").fill({"limit_fen": "200"}).click("保存审批金额").see("¥200.00")
    purchaser.sign_in("purchaser@example.com", path="/offerings/nas-backup/subscribe?storage-per-unit=100")
    purchaser.see("确认订阅，今天付 ¥0.00").fill({"storage-per-unit": "486"})
    if not purchaser.script:
        purchaser.click("重新计算")
    purchaser.see("这张订单要等老板批准", "第一个整月预计 ¥242.00")
    purchaser.click("我看过了价格、条款和退出方式").click("提交给老板批准").heading("等老板批准").see("批准前不产生费用")
    owner.at("/console/").click("去审批").see("示例采购 下的单").click("批准，第一个整月预计 ¥242.00").see("示例老板 已批准")
    purchaser.page.reload()
    purchaser.see("示例老板 已批准").click("查看订阅").see("开通中")
