"""Booking transfers: the list, the form with its rules, the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market import db, payments
from market.accounts import Role
from market.billing import BillStatus, credit_notes
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, the_office
from tests.builders.balances import a_deposit
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.scenarios.stories import a_story, a_usual_october
from tests.support.client import Client
from tests.support.pages import Page

SLIP = {"amount_fen": "221.93", "payer_name": "示例五金制品有限公司", "bank_reference": "20261106-77", "arrived_on": "2026-11-06"}


def an_announced_transfer() -> int:
    """Of ¥221.93."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        bill = an_issued_bill(story.organization, OCTOBER)
        payment = payments.start(bill, by=an_actor(story.owner), at=moment("2026-11-05 12:00"))
        payments.announce(payment, by=an_actor(story.owner), at=moment("2026-11-06 09:00"))
        a_member(the_office(), Role.FINANCE, user=a_user(email="finance@example.com", name="示例财务"))
        a_member(the_office(), Role.AUDITOR, user=a_user(email="auditor@example.com"))
        a_member(the_office(), Role.CURATOR, user=a_user(email="curator@example.com"))
        db.session.flush()
        return payment.id


@pytest.fixture
def payment_id(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> int:
    """A transfer is announced; a finance administrator has signed in."""
    id = kept(an_announced_transfer)
    client.sign_in("finance@example.com", PASSWORD)
    return id


@pytest.fixture
def form(client: Client, payment_id: int) -> Page:
    return client.page(f"/admin/payments/{payment_id}")


def bill_of(payment_id: int) -> tuple[BillStatus, int]:
    with db.transaction(readonly=True):
        bill = payments.payment_by_id(payment_id).bill
        return bill.status, bill.paid_fen


def test_from_the_list_to_a_paid_bill(client: Client, payment_id: int) -> None:
    page = client.page("/admin/payments/")
    assert "1 笔已通知" in page.text
    with db.transaction(readonly=True):
        code = str(payments.payment_by_id(payment_id).remittance_code)
    after = page.follow(code).submit(button="确认到账", **SLIP)
    assert "已入账 ¥221.93" in after.text
    assert bill_of(payment_id) == (BillStatus.PAID, 22_193)
    assert code in client.page("/admin/payments/?show=arrived").text


def test_less_is_refused_and_what_was_typed_stays(form: Page, payment_id: int) -> None:
    after = form.submit(button="确认到账", **SLIP | {"amount_fen": "200"})
    assert after.status == 422
    assert "少 ¥21.93" in after.text
    assert after.one("input", name="bank_reference").get("value") == "20261106-77"
    assert bill_of(payment_id) == (BillStatus.OPEN, 0)


def test_a_part_is_booked_when_it_is_meant(client: Client, form: Page, payment_id: int) -> None:
    after = form.submit(button="确认到账", **SLIP | {"amount_fen": "200", "partial": "y"})
    assert "这张账单还要付 ¥21.93" in after.text
    rest = after.follow("登记剩下的到账")
    rest.submit(button="确认到账", **SLIP | {"amount_fen": "21.93", "bank_reference": "20261109-1"})
    assert bill_of(payment_id) == (BillStatus.PAID, 22_193)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("amount_fen", "300", "多 ¥78.07"),
        ("amount_fen", "0", "填写到账金额"),
        ("amount_fen", "-5", "须大于 0"),
        ("amount_fen", "viel", "不是金额"),
        ("amount_fen", "", "填写到账金额"),
        ("payer_name", "", "填写付款户名"),
        ("bank_reference", " ", "填写银行流水号"),
        ("arrived_on", "2026-13-01", "日期写成"),
        ("arrived_on", "2026-12-01", "要在 2026-11-05 到 2026-11-20 之间"),
        ("arrived_on", "2026-11-04", "要在 2026-11-05 到 2026-11-20 之间"),
        ("arrived_on", "", "填写到账日期"),
        ("note", "x" * 201, "最多 200 个字"),
    ],
)
def test_what_cannot_be_is_said_at_the_field(form: Page, payment_id: int, field: str, value: str, words: str) -> None:
    after = form.submit(button="确认到账", **SLIP | {field: value})
    assert after.status == 422
    assert words in after.text
    assert bill_of(payment_id) == (BillStatus.OPEN, 0)


@pytest.mark.every_database
def test_nobody_waits_for_a_transfer_whose_bill_was_paid_otherwise(client: Client, payment_id: int) -> None:
    with db.transaction():
        bill = payments.payment_by_id(payment_id).of_bill
        a_deposit(bill.organization, 22_193)
        credit_notes.use_balance(bill, at=moment("2026-11-20 09:00"), by=an_actor())
    page = client.page(f"/admin/payments/{payment_id}")
    assert "不用再等这笔转账" in page.text and "您的角色只能看" not in page.text


def test_pressing_twice_books_once(form: Page, payment_id: int) -> None:
    form.submit(button="确认到账", **SLIP)
    assert form.submit(button="确认到账", **SLIP).status == 200
    assert bill_of(payment_id) == (BillStatus.PAID, 22_193)


def test_a_code_is_found_and_one_that_is_not_is_explained(client: Client, payment_id: int) -> None:
    with db.transaction(readonly=True):
        code = str(payments.payment_by_id(payment_id).remittance_code)
    page = client.page("/admin/payments/")
    assert code in page.submit(button="查找付款", code=f" {code.lower()[:6]}").text
    assert "没有识别码含" in page.submit(button="查找付款", code="ZZZZ").text


@pytest.mark.parametrize(("who", "status", "form_shown"), [("auditor@example.com", 200, False), ("curator@example.com", 403, False)])
def test_who_may_not_book_sees_no_form(client: Client, payment_id: int, who: str, status: int, form_shown: bool) -> None:
    other = client.application.test_client()
    assert isinstance(other, Client)
    other.sign_in(who, PASSWORD)
    page = other.page(f"/admin/payments/{payment_id}", status=status)
    assert bool(page.all("input", name="bank_reference")) is form_shown
    other.page("/admin/payments/999999", status=404 if status == 200 else 403)


def test_whose_role_only_reads_is_asked_to_confirm_nothing(client: Client, payment_id: int) -> None:
    auditor = client.application.test_client()
    assert isinstance(auditor, Client)
    auditor.sign_in("auditor@example.com", PASSWORD)
    for path in ("/admin/", "/admin/payments/", f"/admin/payments/{payment_id}"):
        assert "到账确认" in client.page(path).text
        assert "到账确认" not in auditor.page(path).text, path
    assert auditor.page("/admin/payments/").heading == "转账一览"
