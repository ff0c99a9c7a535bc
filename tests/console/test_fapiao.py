"""Fapiao in the console: asking, titles, what came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market import db, resources
from market.accounts import Role
from market.billing import fapiao
from market.billing.fapiao import FapiaoKind, FapiaoRequest, RefusalReason
from market.catalog.models import Plan
from market.config import Settings
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_plan
from tests.builders.fapiao import XML, a_billed_firm, number, recorded, seen
from tests.support.client import Client
from tests.support.clock import FakeClock

ASK = "/console/fapiao/bills/{}"


@pytest.fixture
def bill(client: Client) -> int:
    """October's bill of a firm whose accountant has signed in: ¥106.00 at 6%."""
    with db.transaction():
        firm = an_organization(name="示例五金制品有限公司")
        firm.uscc = "91350100M000100Y43"
        a_member(firm, Role.FINANCE, user=a_user(email="finance@example.com"))
        a_member(firm, Role.VIEWER, user=a_user(email="viewer@example.com"))
        found = a_billed_firm(_plan(), firm=firm).id
    client.sign_in("finance@example.com", PASSWORD)
    return found


def _plan() -> Plan:
    return a_plan(monthly="106.00")


def the_request() -> FapiaoRequest:
    with db.transaction(readonly=True):
        found = db.session.query(FapiaoRequest).one()
        return seen(found)


def test_asking_takes_what_is_known_and_two_presses_are_one_request(client: Client, bill: int) -> None:
    page = client.page("/console/bills/").follow("申请发票")
    assert page.path == ASK.format(bill)
    assert "示例五金制品有限公司，税号 91350100M000100Y43" in page.text and "¥106.00" in page.text
    for _press in range(2):
        listed = page.submit(button="确认申请发票")
        assert listed.path == "/console/fapiao/" and "最晚 11月" in listed.text
    found = the_request()
    assert (found.kind, found.gross_fen, found.net_fen, found.tax_fen) == (FapiaoKind.SPECIAL, 10600, 10000, 600)
    titles = client.page("/console/fapiao/titles/").text
    assert "示例五金制品有限公司" in titles and "默认" in titles
    block = client.page(f"/console/bills/{bill}")
    assert "已申请" in block.text and not [a for a in block.all("a") if (a.text or "").startswith("申请发票")]


def test_a_letter_is_promised_only_where_letters_leave(client: Client, bill: int, settings: Settings, clock: FakeClock) -> None:
    page = client.page(ASK.format(bill)).submit(button="确认申请发票")
    assert page.text.count("有了结果会写在“我的邮件”里") == 2  # where it says that it was done, and at the request
    assert "发邮件" not in page.text
    resources.install(replace(settings, smtp_url="smtp://127.0.0.1:9"), with_clock=clock)
    assert "有了结果会发邮件告诉您" in client.page("/console/fapiao/").text


def test_what_does_not_fit_is_said_at_its_field(client: Client, bill: int) -> None:
    page = client.page(ASK.format(bill))
    refused = page.submit(button="确认申请发票", providers=None, kind="gold", title="1.1", note="长" * 101)
    assert "有错误" in (refused.one("title").text or "") and "备注最多 100 个字，现在有 101 个" in refused.text
    refused = page.submit(button="确认申请发票", providers="999999", kind="gold")
    assert "选择发票种类" in refused.text
    refused = page.submit(button="确认申请发票", providers="999999")
    assert "选择至少一家可以开票的服务商" in refused.text
    refused = page.submit(button="确认申请发票", title="1.1")
    assert "可能被同事改过" in refused.text
    form = client.page("/console/fapiao/titles/new")
    wrong = form.submit(button="保存抬头", name="", tax_code="9135010", phone="call me", bank="示例银行", account="")
    for words in ("填写发票抬头", "应为 18 位，现在是 7 位", "电话写成", "也要填银行账号"):
        assert words in wrong.text
    assert wrong.one("input", name="tax_code").get("value") == "9135010"


def test_titles_are_kept_and_one_is_the_default(client: Client, bill: int) -> None:
    new = client.page("/console/fapiao/titles/new")
    assert new.one("input", name="tax_code").get("value") == "91350100M000100Y43"
    new.submit(button="保存抬头", account="6222 0000-0000 0000", bank="示例银行广州天河支行")
    page = client.page("/console/fapiao/titles/new").submit(
        button="保存抬头", name="示例五金（分公司）", tax_code="91440300708461136t", is_default="y"
    )
    assert "6222000000000000" in page.text and "91440300708461136T" in page.text
    with db.transaction(readonly=True):
        defaults = [title.name for title in db.session.query(fapiao.FapiaoTitle).filter_by(is_default=True)]
    assert defaults == ["示例五金（分公司）"]
    again = client.page("/console/fapiao/titles/new").submit(button="保存抬头", name="示例五金（分公司）", tax_code="91440300708461136T", phone="020-1234567")
    assert "已有名称和税号相同的抬头" in again.text
    with db.transaction(readonly=True):
        (last,) = [title.id for title in db.session.query(fapiao.FapiaoTitle).filter_by(is_default=True)]
    page = page.submit(f"/console/fapiao/titles/{last}/remove")
    assert "分公司" not in page.text and len(page.all("section", class_="card")) == 1 and "默认" in page.text


def test_a_refusal_says_what_to_do_and_leads_to_asking_again(client: Client, bill: int) -> None:
    client.page(ASK.format(bill)).submit(button="确认申请发票")
    with db.transaction():
        found = the_request()
        fapiao.refuse(
            fapiao.request_at(found.provider, found.id), reason=RefusalReason.TITLE, words="税号少 1 位，请补全。",
            by=an_actor(), at=found.requested_at,
        )  # fmt: skip
    listed = client.page("/console/fapiao/")
    for words in ("没开成", "抬头或税号有误", "税号少 1 位，请补全。", "改好抬头，再重新申请"):
        assert words in listed.text
    page = client.page(f"/console/fapiao/{found.id}").follow("重新申请")
    page.submit(button="确认申请发票", note="合同 7 号")
    assert (the_request().status, the_request().note) == (fapiao.FapiaoStatus.REQUESTED, "合同 7 号")
    page = client.page(f"/console/fapiao/{found.id}").submit(button="撤回申请")
    assert "已撤回" in page.text


def test_the_file_is_there_for_who_may_read_it(client: Client, bill: int) -> None:
    client.page(ASK.format(bill)).submit(button="确认申请发票")
    with db.transaction():
        found = the_request()
        recorded(fapiao.request_at(found.provider, found.id), data=XML.format(number=number(found.id)).encode())
    page = client.page(f"/console/fapiao/{found.id}")
    assert number(found.id) in page.text
    link = page.link("下载")
    answer = client.get(link)
    assert answer.mimetype == "application/xml" and "sandbox" in answer.headers["Content-Security-Policy"]
    assert "attachment" in answer.headers["Content-Disposition"] and number(found.id).encode() in answer.data
    client.sign_in("viewer@example.com", PASSWORD)
    assert client.get(link).status_code == 403
