"""Statements of the bank and transfers nobody knew: from the file to the books, by an administrator's hand."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from market import billing, db
from market.accounts import Organization, Role
from market.billing import Bill, BillStatus, credit_notes
from market.payments import statements
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, the_office
from tests.builders.billing import OCTOBER, an_issued_bill, buyer
from tests.builders.catalog import a_plan
from tests.builders.statements import IMPORTED, a_sheet
from tests.builders.subscriptions import a_subscription
from tests.support.client import Client
from tests.support.pages import Page

FIRM = "示例五金制品有限公司"


def an_office_with_a_bill() -> int:
    """Of ¥150.00."""
    with db.transaction():
        bill = an_issued_bill(buyer(a_subscription(a_plan(monthly="150.00"))), OCTOBER)
        db.session.get_one(Organization, bill.organization_id).name = FIRM
        a_member(the_office(), Role.FINANCE, user=a_user(email="finance@example.com", name="示例财务"))
        a_member(the_office(), Role.AUDITOR, user=a_user(email="auditor@example.com"))
        db.session.flush()
        return bill.id


@pytest.fixture
def bill_id(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> int:
    """A firm owes, and a finance administrator has signed in."""
    id = kept(an_office_with_a_bill)
    client.sign_in("finance@example.com", PASSWORD)
    return id


def bill(id: int) -> tuple[BillStatus, int]:
    with db.transaction(readonly=True):
        found = db.session.get_one(Bill, id)
        return found.status, found.paid_fen


def sent(client: Client, data: bytes, filename: str = "流水.csv") -> Page:
    return client.page("/admin/payments/statements/").submit(button="上传并预览", file=[(BytesIO(data), filename)])


def test_from_the_file_to_a_paid_bill(client: Client, bill_id: int) -> None:
    seen = sent(client, a_sheet(f"2026-11-06,150.00,,{FIRM},BK1,", "2026-11-06,,9.00,手续费,BK2,", "x,1,,谁,BK3,"))
    assert [words in seen.text for words in ("自动入账", "支出，只保存", "不是日期", "有 1 行读不出来")] == [True] * 4
    assert bill(bill_id) == (BillStatus.OPEN, 0)
    after = seen.submit(button="导入 2 行")
    assert "已导入 2 行" in after.text
    assert bill(bill_id) == (BillStatus.PAID, 15_000)
    again = sent(client, a_sheet(f"2026-11-06,150.00,,{FIRM},BK1,"))
    assert "重复，已经有了" in again.text


def test_columns_are_told_once_and_remembered(client: Client, bill_id: int) -> None:
    data = f"何时,几元,谁,号\n2026-11-06,-150.00,{FIRM},BK1".encode("gb18030")
    seen = sent(client, data)
    assert "还不知道每一列是什么" in seen.text
    missing = seen.submit(button="按这样重新预览", day="0")
    assert (missing.status, "选择金额或收入在哪一列" in missing.text) == (422, True)
    turned = missing.submit(button="按这样重新预览", day="0", amount="1", payer="2", reference="3")
    assert "收入和支出可能反了" in turned.text
    ready = turned.submit(button="按这样重新预览", reversed="y", account="6222 0000 1111")
    ready.submit(button="导入 1 行")
    assert bill(bill_id) == (BillStatus.PAID, 15_000)
    assert "6222 0000 1111" in sent(client, data.replace(b"BK1", b"BK2")).text


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "选择一个流水文件"), (b"\x00\x01\x02" * 50, "不是文本文件"), (b"2026-11-06,1,x\n", "没有找到表头"), (b"PK\x03\x04", "xlsx")],
    ids=["empty", "binary", "no head", "xlsx"],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_in_words(client: Client, bill_id: int, data: bytes, words: str) -> None:
    after = sent(client, data) if data else client.page("/admin/payments/statements/").submit(button="上传并预览")
    assert (after.status, words in after.text) == (422, True)


def test_a_file_that_is_too_large_is_refused_in_words(client: Client, bill_id: int) -> None:
    token = client.page("/admin/payments/statements/").all("input", name="csrf_token")[0].get("value")
    fields = f'--boundary\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
    file = b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + b"a" * 10 * 1024 * 1024
    body = fields.encode() + file + b"\r\n--boundary--\r\n"
    after = client.post("/admin/payments/statements/", data=body, content_type="multipart/form-data; boundary=boundary")
    assert (after.status_code, "文件最大 5 MB" in after.get_data(as_text=True)) == (422, True)


def test_an_unknown_transfer_finds_its_firm_and_the_rest_is_balance(client: Client, bill_id: int) -> None:
    sent(client, a_sheet("2026-11-06,200.00,,老板本人,BK1,")).submit(button="导入 1 行")
    page = client.page("/admin/payments/transfers/").follow("老板本人")
    page = client.page(f"{page.path}?firm=五金")
    attached = page.submit(button="是这家企业的", remember="y")
    assert "按这样分，¥50.00 记入余额" in attached.text
    field = f"bill-{bill_id}"
    wrong = attached.submit(button="确认入账 ¥200.00", **{field: "150.01"})
    assert (wrong.status, "只要付 ¥150.00" in wrong.text) == (422, True)
    done = wrong.submit(button="确认入账 ¥200.00", **{field: "150.00"})
    assert "记入余额" in done.text
    assert bill(bill_id) == (BillStatus.PAID, 15_000)
    assert "不再记住户名" in done.submit(button="不再记住").text


def test_what_is_booked_is_what_was_looked_at(client: Client, bill_id: int) -> None:
    """Whose the line is stands in no box, and a bill may be paid meanwhile: then the page is shown anew."""
    sent(client, a_sheet(f"2026-11-06,200.00,,{FIRM},BK1,")).submit(button="导入 1 行")
    page = client.page("/admin/payments/transfers/?show=proposed").follow(FIRM)
    with db.transaction():
        other = an_issued_bill(buyer(a_subscription(a_plan(monthly="150.00"))), OCTOBER)
        db.session.get_one(Organization, other.organization_id).name = "另一家五金公司"
        other_id = other.id
    client.page(page.path).submit(button="不是这家企业的")
    client.page(f"{page.path}?firm=另一家五金").submit(button="是这家企业的")
    changed = page.submit(button="确认入账 ¥200.00", note="老客户")
    assert (changed.status, "打开页面以后" in changed.text, "入账到“另一家五金公司”" in changed.text) == (409, True, True)
    with db.transaction(readonly=True):
        paid = db.session.get_one(Bill, other_id)
        assert (paid.paid_fen, credit_notes.balance(db.session.get_one(Organization, paid.organization_id))) == (0, 0)
    with db.transaction():
        paid = db.session.get_one(Bill, other_id)
        billing.receive(paid, paid.owed_fen, by=an_actor(), at=IMPORTED)
    again = changed.submit(button="确认入账 ¥200.00")
    assert (again.status, "全部记入余额" in again.text, again.one("input", name="note").get("value")) == (409, True, "老客户")
    assert "已入账 ¥200.00" in again.submit(button="确认入账 ¥200.00").text


def test_a_file_is_taken_in_as_it_was_looked_at(client: Client, bill_id: int) -> None:
    seen = sent(client, a_sheet(f"2026-11-06,150.00,,{FIRM},BK1,"))
    client.page(seen.path).submit(button="按这样重新预览", account="6222 0000")
    assert seen.submit(button="导入 1 行").status == 409
    assert bill(bill_id) == (BillStatus.OPEN, 0)
    assert "已导入 1 行" in client.page(seen.path).submit(button="导入 1 行").text


def test_money_of_nobody_goes_back(client: Client, bill_id: int) -> None:
    sent(client, a_sheet("2026-11-06,1.00,,谁,BK1,")).submit(button="导入 1 行")
    page = client.page("/admin/payments/transfers/").follow("谁")
    assert page.submit(button="登记已退回 ¥1.00").status == 422
    assert "已登记退回 ¥1.00" in page.submit(button="登记已退回 ¥1.00", reference="R1", why="不认识").text
    assert page.submit(button="登记已退回 ¥1.00", reference="R2", why="不认识").status == 409
    assert "退回付款方" in client.page(page.path).text


def test_who_only_reads_is_offered_nothing(client: Client, bill_id: int) -> None:
    sent(client, a_sheet("2026-11-06,1.00,,谁,BK1,"))
    auditor = client.application.test_client()
    assert isinstance(auditor, Client)
    auditor.sign_in("auditor@example.com", PASSWORD)
    with db.transaction(readonly=True):
        id = db.session.scalars(statements.statements()).one().id
    for path in ("/admin/payments/statements/", f"/admin/payments/statements/{id}", "/admin/payments/transfers/"):
        assert not [form for form in auditor.page(path).all("form") if form.get("method") == "post" and "payments" in (form.get("action") or "")]
