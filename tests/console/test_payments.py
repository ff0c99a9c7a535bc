"""Paying by transfer, as the buyer sees it."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest

from market import db, payments
from market.accounts import Role
from market.billing import credit_notes
from tests.builders.accounts import (
    PASSWORD,
    a_member,
    a_user,
    an_actor,
    an_administrator,
    an_organization,
    the_office,
)
from tests.builders.balances import a_deposit
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.documents import PDF
from tests.builders.statements import an_imported_statement
from tests.scenarios.stories import a_story, a_usual_october
from tests.support.client import Client
from tests.support.pages import Page


@pytest.fixture
def page(client: Client) -> Page:
    """The page of a payment of ¥221.93 that the owner has just started."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        bill = an_issued_bill(story.organization, OCTOBER)
    client.sign_in("owner@example.com", PASSWORD)
    return client.page(f"/console/bills/{bill.id}").submit(button="去付款")


def arrived(payment_id: int, fen: int, **changes: bool) -> None:
    with db.transaction():
        user = an_administrator()
        payments.confirm_arrival(
            payments.payment_by_id(payment_id), amount_fen=fen, payer_name="示例五金制品有限公司", bank_reference=f"R{fen}",
            arrived_on=date(2026, 11, 20), user=user, by=an_actor(user), at=moment("2026-11-20 12:00"), **changes,
        )  # fmt: skip


def id_of(page: Page) -> int:
    return int(page.path.rpartition("/")[2])


def test_everything_to_type_into_the_banks_form_is_there(page: Page) -> None:
    with db.transaction(readonly=True):
        told = payments.instructions(payments.payment_by_id(id_of(page)))
    assert all(value in page.text for value in told.values())
    assert told["amount"] == "221.93"


@pytest.mark.every_database
def test_saying_that_it_is_transferred_once_is_enough(page: Page) -> None:
    after = page.submit(button="我已转账")
    assert "您已告诉我们转账了" in after.text
    assert "我已转账 ¥" not in after.text
    assert page.submit(button="我已转账").status == 200


def test_a_slip_can_be_sent_along_and_looked_at_by_both_sides(client: Client, page: Page) -> None:
    wrong = page.submit(button="我已转账", document=[(BytesIO(b"MZ"), "a.exe")])
    assert (wrong.status, "只能上传 JPG、PNG 图片或 PDF" in wrong.text) == (422, True)
    after = wrong.submit(button="我已转账", document=[(BytesIO(PDF), "回单.pdf")])
    assert client.get(after.link("回单.pdf")).data == PDF
    none = after.submit(button="补传凭证")
    assert (none.status, "选择凭证的照片或 PDF" in none.text) == (422, True)
    with db.transaction():
        a_member(the_office(), Role.FINANCE, user=a_user(email="office@example.com"))
    client.sign_in("office@example.com", PASSWORD)
    slip = client.page(f"/admin/payments/{id_of(page)}").link("回单.pdf")
    assert client.get(slip).data == PDF


def test_what_came_under_another_name_is_told(client: Client, page: Page) -> None:
    with db.transaction():
        code = payments.payment_by_id(id_of(page)).remittance_code
        an_imported_statement(f"2026-11-20,221.93,,示例老板,BK1,{code}")
    assert "转账户名“示例老板”和企业名称不同，暂未入账" in client.page(page.path).text


def test_the_page_says_when_the_money_is_there(client: Client, page: Page) -> None:
    arrived(id_of(page), 22_193)
    after = client.page(page.path)
    assert "已收到 ¥221.93" in after.text
    assert "已付清" in after.follow("看账单").text


def test_a_transfer_that_nobody_waits_for_any_more_is_not_said_to_have_come(client: Client, page: Page) -> None:
    with db.transaction():
        bill = payments.payment_by_id(id_of(page)).of_bill
        a_deposit(bill.organization, 22_193)
        credit_notes.use_balance(bill, at=moment("2026-11-20 09:00"), by=an_actor())
    after = client.page(page.path)
    assert "已取消，没有收到钱" in after.text
    assert "已收到" not in after.text and "已付清" in after.follow("看账单").text


def test_a_part_leads_to_the_rest_with_its_own_code(client: Client, page: Page) -> None:
    arrived(id_of(page), 20_000, partial=True)
    rest = client.page(page.path).follow("看转账信息")
    assert rest.path != page.path
    assert "21.93" in rest.text
    assert "部分付款" in client.page(rest.link("2026年10月")).text


def test_a_strangers_payment_does_not_exist(client: Client, page: Page) -> None:
    with db.transaction():
        an_organization(owner=a_user(email="stranger@example.com"))
    stranger = client.application.test_client()
    assert isinstance(stranger, Client)
    stranger.sign_in("stranger@example.com", PASSWORD)
    stranger.page(page.path, status=404)
