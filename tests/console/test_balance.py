"""The balance as the buyer sees it: what it is made of, spending a part, asking for it back; and receipts."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import billing, db, resources
from market.accounts import Organization
from market.billing import credit_notes
from tests.builders.accounts import PASSWORD, a_member
from tests.builders.balances import a_deposit, a_grant, transferred
from tests.builders.credit_notes import an_open_bill
from tests.support.client import Client
from tests.support.pages import text_of


@pytest.fixture
def bill_id(client: Client) -> int:
    """A bill of ¥150.00; ¥40.00 of her own money and ¥30.00 that were given."""
    with db.transaction():
        bill = an_open_bill("150.00")
        owner = a_member(bill.organization)
        a_deposit(bill.organization, 4000)
        a_grant(bill.organization, 3000, "2026-11-28", note="开业促销 A")
        email = owner.email
    client.sign_in(email, PASSWORD)
    return bill.id


def test_what_it_is_made_of_and_what_ends(client: Client, bill_id: int) -> None:
    page = client.page("/console/balance/")
    lots = text_of(page.all("tbody")[0])
    assert lots.index("促销") < lots.index("充值或多付") and "快到期" in lots and "开业促销 A" in lots
    assert "¥70.00" in page.text and "¥40.00" in page.text


def test_a_part_of_a_bill_is_paid_with_it_and_too_little_is_refused(client: Client, bill_id: int) -> None:
    page = client.page("/console/balance/").follow("用余额付")
    assert page.one("input", name="amount_fen").get("value") == "70.00"
    assert "金额须大于 0" in page.submit(button="用余额付", amount_fen="0").text
    assert "已用余额付了 ¥35.00" in page.submit(button="用余额付", amount_fen="35").text
    after = client.page("/console/balance/")
    assert "¥35.00" in after.text and "用于账单" in after.text


def test_only_her_own_money_can_be_asked_back(client: Client, bill_id: int) -> None:
    page = client.page("/console/balance/").follow("申请退款")
    assert "您企业付款的银行账户" in page.text
    refused = page.submit(button="申请退款", amount_fen="40.01")
    assert refused.status == 422 and "能退的余额只有 ¥40.00" in refused.text
    assert "已申请退款 ¥40.00" in page.submit(button="申请退款").text
    assert "没有可以退的余额" in client.page("/console/balance/refunds").text


def test_without_a_gateway_nothing_can_be_topped_up(client: Client, bill_id: int) -> None:
    assert "不能在网上充值" in client.page("/console/balance/top-up").text
    assert "充值" not in [text_of(link).strip() for link in client.page("/console/balance/").all("a")]


def test_a_receipt_says_what_it_is_for_and_that_it_is_no_fapiao(client: Client, bill_id: int) -> None:
    assert "还没有收到过付款" in client.page("/console/receipts/").text
    with db.transaction():
        transferred(billing.head_by_id(bill_id), 16000)
    page = client.page("/console/receipts/").follow("RC-20261106-000001")
    for words in ("不是发票", "账单 BL-202610-000001", "150.00", "记入余额", "10.00", "壹佰陆拾元整", "对公转账"):
        assert words in page.text, words
    assert client.get("/console/receipts/1/receipt.pdf").data.startswith(b"%PDF")
    assert client.get("/console/receipts/1/receipt-en.pdf").data.startswith(b"%PDF")


def test_what_is_owed_beside_bills_is_said_and_taken_off_what_comes(client: Client, bill_id: int) -> None:
    with db.transaction():
        firm = db.session.scalars(select(Organization).join(billing.Bill, billing.Bill.organization_id == Organization.id)).one()
        credit_notes.claim(firm, 700, at=resources.clock.now())
    assert "账单以外还欠 ¥7.00" in client.page("/console/balance/").text
    with db.transaction():
        a_deposit(firm, 1000)
    page = client.page("/console/balance/")
    assert "账单以外还欠" not in page.text and "扣还账单以外的欠款" in page.text and "¥80.00" in page.text
