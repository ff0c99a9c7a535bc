"""Giving a buyer something to spend: looked at first, agreed by a second person, listed; and surplus in the by-hand form."""

from __future__ import annotations

import pytest

from market import db, payments
from market.accounts import Role
from market.billing import BillStatus, credit_notes
from tests.admin.conftest import Enter
from tests.builders.accounts import an_actor, an_organization
from tests.builders.balances import NOON, a_grant
from tests.builders.credit_notes import an_open_bill
from tests.support.pages import text_of

FORM = {"amount_fen": "600", "reason": "goodwill", "expires_on": "2027-03-31", "note": "上月停机补偿"}


@pytest.mark.every_database
def test_a_large_grant_is_looked_at_then_agreed_by_somebody_else(enter: Enter) -> None:
    with db.transaction():
        firm = an_organization(name="示例五金制品有限公司")
    first, second = enter(Role.FINANCE), enter(Role.FINANCE)
    form = first.page("/admin/credit-notes/balances/").follow("赠送余额")
    form = first.page(f"{form.path}?firm=示例五金").follow("示例五金制品有限公司")
    looked = form.submit(button="看看结果", **FORM)
    assert "要另一位同事复核" in looked.text and "赠送后的余额¥600.00" in looked.text
    with db.transaction(readonly=True):
        assert not db.session.scalars(credit_notes.grants()).all()
    mine = looked.submit(button="提出赠送 ¥600.00", confirmed="1")
    assert "等另一位同事复核" in mine.text and "同意，赠送" not in mine.text
    waiting = second.page("/admin/credit-notes/balances/?show=waiting").follow("示例五金制品有限公司 #1")
    assert "已记入客户的余额" in waiting.submit(button="同意，赠送 ¥600.00").text
    with db.transaction(readonly=True):
        assert credit_notes.balance(firm) == 60000
    assert "没有等待复核的赠送" in second.page("/admin/credit-notes/balances/?show=waiting").text


def test_what_cannot_be_is_refused_in_words(enter: Enter) -> None:
    with db.transaction():
        firm = an_organization()
    form = enter(Role.FINANCE).page(f"/admin/credit-notes/balances/new?organization={firm.id}")
    for changed, words in (({"expires_on": "2026-11-01"}, "有效期要在 2026"), ({"amount_fen": "20000000"}, "最多 1,000 万元"), ({"note": ""}, "写明为什么")):
        refused = form.submit(button="看看结果", **FORM | changed)
        assert refused.status == 422 and words in refused.text


def test_what_ends_soon_is_listed_and_a_proposal_can_be_taken_back(enter: Enter) -> None:
    anna = enter(Role.FINANCE)
    assert "还没有赠送过余额" in anna.page("/admin/credit-notes/balances/").text
    with db.transaction():
        a_grant(an_organization(name="快到期公司"), 5000, "2026-12-05", at=NOON)
        large = a_grant(an_organization(), 90000, at=NOON)
    assert "快到期公司 #1" in text_of(anna.page("/admin/credit-notes/balances/").all("tbody")[0])
    page = anna.page(f"/admin/credit-notes/balances/{large.id}")
    assert page.submit(button="不同意", answer="").status == 422
    assert "没有赠送，客户的余额不变" in page.submit(button="不同意", answer="金额写错了").text


def test_a_surplus_becomes_balance_when_it_is_meant(enter: Enter) -> None:
    with db.transaction():
        bill = an_open_bill("150.00")
        payment = payments.start(bill, by=an_actor(), at=NOON)
    slip = {"amount_fen": "160", "payer_name": "示例企业", "bank_reference": "S1", "arrived_on": "2026-11-06"}
    form = enter(Role.FINANCE).page(f"/admin/payments/{payment.id}")
    assert "多 ¥10.00。核对后勾选" in form.submit(button="确认到账", **slip).text
    assert "已入账 ¥160.00" in form.submit(button="确认到账", surplus="y", **slip).text
    with db.transaction(readonly=True):
        paid = payments.payment_by_id(payment.id)
        assert (paid.of_bill.status, credit_notes.balance(paid.of_bill.organization)) == (BillStatus.PAID, 1000)


def test_a_waiting_grant_is_counted_in_the_menu_and_stands_among_what_waits(enter: Enter) -> None:
    anna = enter(Role.FINANCE)
    with db.transaction():
        large = a_grant(an_organization(name="示例五金制品有限公司"), 90000, at=NOON)
    overview = anna.page("/admin/")
    assert "冲减与退款1件要处理" in "".join(overview.text.split())
    assert overview.link("示例五金制品有限公司，¥900.00").endswith(f"/balances/{large.id}")
    assert "余额和赠送，1 笔等复核" in anna.page("/admin/credit-notes/").text
