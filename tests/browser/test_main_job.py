"""From looking around to a paid bill, by clicks, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pypdf
import pytest
from sqlalchemy import func, select

from market import accounts, billing, db, resources
from market.accounts.models import OrganizationKind
from market.accounts.permissions import SCOPES
from market.billing import Bill
from market.subscriptions import Subscription
from tests.builders.accounts import (
    EARLY,
    PASSWORD,
    a_city,
    a_code,
    a_member,
    a_sector,
    a_user,
    an_actor,
    an_administrator,
    an_organization,
)  # fmt: skip
from tests.builders.billing import NOVEMBER, after_grace
from tests.builders.catalog import a_plan, a_provider, an_offering, complete_facts
from tests.builders.metering import SOURCE
from tests.support import registering
from tests.support.clock import FakeClock
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

FIRM = "示例纸箱厂有限公司"


@pytest.fixture
def secret(database: None) -> str:
    """A provider's key. It sells one backup, set up by hand: ¥99 a month, 200 GB included, ¥0.50 for each more."""
    with db.transaction():
        a_city()
        a_sector()
        organization = an_organization(kind=OrganizationKind.PROVIDER, name="示例云备份公司")
        provider = a_provider(organization=organization, name="示例云备份公司")
        a_member(organization, user=a_user(email="seller@example.com", name="示例运维"))
        an_administrator(name="示例财务").email = "office@example.com"
        offering = an_offering(provider, slug="nas-backup", plans=False, facts=complete_facts(name_zh="示例整机备份"))
        plan = a_plan(offering, monthly="99.00", per_unit="0.50", meter="storage", included="200")
        plan.charges[1].name_zh = "备份空间"
        by = an_actor(None, organization)
        return accounts.issue_key(organization, name="计量", source=SOURCE, scopes=list(SCOPES), by=by, at=EARLY)[1]


def test_a_firm_finds_a_service_uses_it_and_pays_for_it(
    walker: Callable[..., Walker], secret: str, clock: FakeClock
) -> None:
    buyer = walker()
    looks_around(buyer)
    registers_and_orders(buyer)
    provider_sets_it_up(walker(), buyer)
    uses_it(buyer, secret, clock)
    month_ends(clock)
    number = reads_the_bill(buyer)
    code = asks_how_to_pay(buyer)
    office_books_the_transfer(walker(), code)
    buyer.at("/console/bills/").click(NOVEMBER_NAME).see("已付清", number)
    asks_for_the_fapiao(buyer)


NOVEMBER_NAME = "2026年11月"


def looks_around(buyer: Walker) -> None:
    """From the first page to the cost of 486 GB a month in two clicks (three without script)."""
    buyer.at("/").click("示例类别 storage", within="main").heading("示例类别 storage")
    buyer.at("/").click("示例整机备份", within="main").heading("示例整机备份")
    buyer.write("备份空间", "486")
    if not buyer.script:
        buyer.click("重新计算")
    buyer.see("¥242.00", "286 次 × ¥0.50")
    assert len(buyer.clicks) <= 2, buyer.clicks


def registers_and_orders(buyer: Walker) -> None:
    """Ordering asks for an account once, and comes back to the same page with the same figures."""
    buyer.click("订阅，先核对价格").heading("登录").click("企业注册")
    buyer.write("企业名称", FIRM).write("统一社会信用代码", a_code(4711)).choose("所在地市", "广州市")
    buyer.write("您的姓名", "示例店主").write("邮箱", "owner@example.com").write("密码", PASSWORD)
    buyer.click("我看过并同意平台规则").click("注册企业账号", within="main form").heading("请打开邮件，完成注册")
    buyer.page.goto(registering.link("owner@example.com", resources.clock.now()))
    buyer.heading("确认订阅：示例整机备份")
    buyer.see("今天付 ¥0.00", "¥242.00", "停用后 30 天内", FIRM)
    # Two presses of the button are one order.
    buyer.click("我看过了").click("确认订阅，今天付", double=True).heading("已收到您的订阅")
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count(Subscription.id))) == 1


def provider_sets_it_up(seller: Walker, buyer: Walker) -> None:
    """The work list of the provider; the buyer's page learns of it by itself, or when it is asked again."""
    seller.sign_in("seller@example.com", path="/vendor/tasks/").see("要办的（1）").click(FIRM)
    seller.page.locator("textarea[name=access]").fill("网址: https://backup.example.com\n账号: shop")
    seller.click("已开通，通知客户").see("客户已经能用了", within="body")
    if not buyer.script:
        buyer.click("刷新")
    buyer.see("已经开通，可以开始用了").click("查看登录方式和用量").see("https://backup.example.com", "使用中")


def uses_it(buyer: Walker, secret: str, clock: FakeClock) -> None:
    """300 GB are reported by the provider's program; the month so far shows how they are charged."""
    with db.transaction(readonly=True):
        subject = db.session.scalars(select(Subscription)).one().public_id
    buyer.report(secret, {
        "specversion": "1.0", "id": "browser-1", "source": SOURCE, "type": "example.storage",
        "subject": subject, "time": clock.now().isoformat(), "data": {"value": 300},
    })  # fmt: skip
    clock.forward(hours=1)
    buyer.at("/console/").click("用量与费用").heading("用量与费用")
    # November has 30 days and she came on the 20th: 11 days of the fee and of what is included.
    buyer.see("¥99.00 × 11/30", "¥36.30", "¥0.50")
    assert len(buyer.clicks) <= 1


def month_ends(clock: FakeClock) -> None:
    clock.set(after_grace(NOVEMBER))
    report = billing.close_due(clock.now())
    assert (report.issued, report.failures) == (1, []), str(report)


def reads_the_bill(buyer: Walker) -> str:
    """The bill on the page and the PDF say the same number and total; two clicks from the console to the file."""
    with db.transaction(readonly=True):
        bill = db.session.scalars(select(Bill)).one()
        number, total = bill.number or "", bill.gross_fen
    # 300 GB less 11/30 of 200 GB, at half a yuan, and 11/30 of the fee.
    assert total == 3630 + 11333
    # Two weeks have passed, and with them her session.
    buyer.sign_in("owner@example.com").at("/console/").click("账单", within=".side").click(NOVEMBER_NAME, within="main")
    buyer.see(number, "¥149.63", "账单不是发票")
    with buyer.page.expect_download() as started:
        buyer.click("下载 PDF")
    path = started.value.path()
    text = "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(path.read_bytes())).pages)
    assert number in text and "149.63" in text
    return number


def asks_how_to_pay(buyer: Walker) -> str:
    """Account and remittance code are two clicks away; saying that the money is on its way is the next."""
    buyer.at("/console/bills/").click(NOVEMBER_NAME).click("去付款 ¥149.63").heading("对公转账付款")
    assert len(buyer.clicks) <= 2, buyer.clicks
    code = buyer.page.locator("main").get_by_text("汇款识别码").first.locator("xpath=..").inner_text().split()[-1]
    buyer.see("149.63", "收款户名").click("我已转账 ¥149.63").see("您已告诉我们转账了")
    assert buyer.named("我已转账", "main").count() == 0
    return code


def office_books_the_transfer(office: Walker, code: str) -> None:
    """An administrator finds the transfer by what the buyer wrote into it, and books it."""
    office.sign_in("office@example.com").click("到账确认", within=".side").see("说已转账", FIRM)
    office.page.locator("main table a").first.click()
    office.heading("对公转账").write("到账金额", "149.63").write("付款户名", FIRM).write("银行流水号", "BANK-0001")
    office.click("确认到账", within="main form").see("已入账 ¥149.63", within="body").see("已到账", "BANK-0001")


def asks_for_the_fapiao(buyer: Walker) -> None:
    """Task 11: three clicks from the console; two presses of the last are one request."""
    buyer.at("/console/").click("账单", within=".side").click("申请发票", within="main")
    buyer.heading("申请2026年11月的发票").see(FIRM, "增值税专用发票", "¥149.63")
    buyer.click("确认申请发票", double=True).heading("发票").see("已申请", "最晚", "等服务商开具")
    assert len(buyer.clicks) <= 3, buyer.clicks
    assert buyer.page.locator("main table tbody tr").count() == 1
