"""Administrators credit a bill on its page, two of them a large one, and pay money back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market import billing, db
from market.accounts.models import Organization, Role
from market.billing import credit_notes
from market.billing.credit_notes import Amount, Destination
from tests.builders.accounts import PASSWORD, a_member, an_administrator
from tests.builders.credit_notes import a_credit, a_note, an_open_bill, paid
from tests.support.client import Client

FINANCE = "finance@example.com"


def an_open_bill_for_the_office() -> int:
    """A bill of ¥900.00, and somebody who may credit it."""
    with db.transaction():
        id = an_open_bill("900.00").id
        user = an_administrator(Role.FINANCE)
        user.email = FINANCE
    return id


@pytest.fixture
def bill_id(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> int:
    id = kept(an_open_bill_for_the_office)
    client.sign_in(FINANCE, PASSWORD)
    return int(id)


def bill(id: int) -> billing.Bill:
    with db.transaction(readonly=True):
        return billing.bill_by_id(id)


def test_a_small_credit_is_issued_from_the_bills_page_and_told_by_letter(client: Client, bill_id: int) -> None:
    page = client.page(f"/admin/bills/{bill_id}").follow("冲减这张账单")
    done = page.submit(button="提出冲减", what="amount", amount_fen="50.00", reason="agreed", note="客户没用上，双方商定")
    assert "CN-202611-000001" in done.heading and "账单少付 ¥50.00" in done.text
    assert bill(bill_id).owed_fen == 85000
    assert "850.00" in client.page("/admin/bills/").text
    assert client.page(f"/admin/credit-notes/{1}").link("下载 PDF")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount_fen": "900.01"}, "金额比还能冲减的 ¥900.00 多"),
        ({"amount_fen": "0"}, "金额须大于 0"),
        ({"amount_fen": "-5"}, "金额须大于 0"),
        ({"amount_fen": "99999999999999999999"}, "金额太大"),
        ({"amount_fen": "五十"}, "不是金额"),
        ({"what": "lines"}, "至少在一行写上金额"),
        ({"amount_fen": "1", "note": ""}, "写明为什么冲减"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_lost(client: Client, bill_id: int, typed: dict[str, str], said: str) -> None:
    page = client.page(f"/admin/credit-notes/proposals/of/{bill_id}")
    answer = page.submit(button="提出冲减", **({"what": "amount", "reason": "agreed", "note": "商定"} | typed))
    assert said in answer.text and bill(bill_id).credited_fen == 0


def test_an_empty_form_names_everything_at_once_at_its_box(client: Client, bill_id: int) -> None:
    page = client.page(f"/admin/credit-notes/proposals/of/{bill_id}").submit(button="提出冲减", what="amount", amount_fen="", note="")
    assert all(page.one("p", id=f"{name}-error") is not None for name in ("amount_fen", "reason", "note"))
    page = page.submit(button="提出冲减", what="amount", amount_fen="900.01", reason="agreed", note="商定")
    assert "改小后再提交" in "".join(page.one("p", id="amount_fen-error").itertext())


def test_one_line_is_credited_by_the_amount_written_beside_it(client: Client, bill_id: int) -> None:
    line = bill(bill_id).lines[0].id
    page = client.page(f"/admin/credit-notes/proposals/of/{bill_id}")
    page.submit(button="提出冲减", what="lines", reason="wrong_price", note="单价写错", **{f"line-{line}": "12.34"})
    assert bill(bill_id).credited_fen == 1234
    why = client.page(f"/admin/bills/{bill_id}/lines/{line}")
    assert "−¥12.34" in why.text and "CN-202611-000001" in why.follow("冲减单 CN-202611-000001").heading


def test_a_large_credit_waits_for_a_colleague_who_approves_it(client: Client, bill_id: int) -> None:
    with db.transaction():
        waiting = a_credit(billing.bill_by_id(bill_id), Amount(60000)).id
    overview = client.page("/admin/")
    assert "冲减与退款1件要处理" in "".join(overview.text.split()) and overview.link(f"{bill(bill_id).number}，¥600.00")
    page = client.page("/admin/credit-notes/proposals/").follow(f"{bill(bill_id).number} #{waiting}")
    done = page.submit(button="同意，冲减 ¥600.00")
    assert "冲减单" in done.heading and bill(bill_id).owed_fen == 30000


def test_nobody_agrees_with_herself_but_may_take_it_back(client: Client, bill_id: int) -> None:
    page = client.page(f"/admin/credit-notes/proposals/of/{bill_id}")
    waiting = page.submit(button="提出冲减", what="whole", reason="agreed", note="整张商定不收")
    assert "这是您提出的" in waiting.text and "同意，冲减" not in waiting.text
    assert "没有同意" in waiting.submit(button="撤回冲减", answer="写错了账单").text


def test_money_is_paid_back_once_with_the_banks_reference(client: Client, bill_id: int) -> None:
    with db.transaction():
        a_note(paid(billing.bill_by_id(bill_id)), Amount(5000), destination=Destination.REFUND)
    page = client.page("/admin/credit-notes/refunds/1")
    assert "原来的付款" in page.text
    both = page.submit(button="登记已退 ¥50.00", bank_reference="", paid_on="2026-01-01").text
    assert "填写银行流水号" in both and "退款日期要在" in both
    done = page.submit(button="登记已退 ¥50.00", bank_reference="20261120-77", paid_on="2026-11-20")
    assert "20261120-77" in done.text and "已退款" in done.text
    assert client.page("/admin/credit-notes/?status=settled").link("CN-202611-000001")


def test_a_mistaken_note_is_taken_back(client: Client, bill_id: int) -> None:
    with db.transaction():
        id = a_note(billing.bill_by_id(bill_id), Amount(5000)).id
    done = client.page(f"/admin/credit-notes/{id}").submit(button="作废冲减单", reason="开错了账单")
    assert "已作废" in done.text and bill(bill_id).owed_fen == 90000


def test_the_buyer_sees_note_balance_and_asks_for_it_back(client: Client, bill_id: int) -> None:
    with db.transaction():
        note = a_note(paid(billing.bill_by_id(bill_id)), Amount(5000))
        user = a_member(db.session.get_one(Organization, note.organization_id))
        email, number = user.email, note.number
    client.delete_cookie("session")
    client.sign_in(email, PASSWORD)
    paper = client.page("/console/bills/").follow("冲减单，1 张").follow(number)
    assert "记入余额 ¥50.00" in paper.text and "双方商定" in paper.text
    balance = client.page("/console/balance/").follow("申请退款")
    assert "余额只有 ¥50.00" in balance.submit(button="申请退款", amount_fen="50.01").text
    assert "等待退款" in balance.submit(button="申请退款", amount_fen="50.00").text
    with db.transaction(readonly=True):
        assert credit_notes.balance(db.session.get_one(Organization, note.organization_id)) == 0
