"""A bill of ten thousand lines: issued, read page by page, as a file and for spreadsheets, verified and credited."""

from __future__ import annotations

import csv
import io
import secrets

import pytest
from pypdf import PdfReader

from market import billing, db
from market.accounts import Role
from market.billing import credit_notes
from market.billing.credit_notes import Amount, CreditReason, Destination
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.billing import OCTOBER, after_grace, an_issued_bill
from tests.builders.catalog import a_charge, a_plan
from tests.builders.subscriptions import a_subscription
from tests.support.client import Client

SUBSCRIPTIONS, FEES = 20, 500


@pytest.fixture
def long(client: Client) -> int:
    """The owner has signed in; in October she pays 500 fees of ¥0.01 on each of 20 subscriptions."""
    with db.transaction():
        firm = an_organization()
        owner = a_member(firm, Role.OWNER, user=a_user(email="owner@example.com"))
        plan = a_plan(monthly="0.01")
        for number in range(1, FEES):
            a_charge(plan, {"model": "flat", "interval": "month", "amount": "0.01"}, slug=f"fee-{number}")
        for _ in range(SUBSCRIPTIONS):
            a_subscription(plan, organization=firm, user=owner)
        bill = an_issued_bill(firm, OCTOBER)
    client.sign_in("owner@example.com", PASSWORD)
    return bill.id


def test_ten_thousand_lines_are_read_verified_and_credited_like_a_few(client: Client, long: int) -> None:
    page = client.page(f"/console/bills/{long}")
    assert "共 10,000 行" in page.text and "¥100.00" in page.text and len(page.html) < 400_000
    last = page.follow("最后一页") if "最后一页" in page.text else client.page(f"/console/bills/{long}?page=100")
    assert "10,000 行" in last.text
    rows = list(csv.reader(io.StringIO(client.get(f"/console/bills/{long}/lines.csv").get_data(as_text=True).lstrip("\ufeff"))))
    assert len(rows) == 1 + SUBSCRIPTIONS * FEES
    sheets = PdfReader(io.BytesIO(client.get(f"/console/bills/{long}/bill.pdf").data)).pages
    assert "100.00" in "".join(sheet.extract_text() for sheet in sheets) and len(sheets) < 1000
    with db.transaction():
        bill = billing.bill_by_id(long)
        assert (len(bill.lines), bill.gross_fen, billing.verify(bill)) == (10_000, 10_000, [])
        credit_notes.credit(
            bill, Amount(3333), reason=CreditReason.WRONG_PRICE, note="多收", destination=Destination.BALANCE, request_key=secrets.token_hex(8),
            user=a_user(), by=an_actor(), at=after_grace(OCTOBER),
        )  # fmt: skip
    with db.transaction(readonly=True):
        [note] = credit_notes.of_bill(billing.bill_by_id(long))
        assert (note.gross_fen, note.net_fen + note.tax_fen) == (3333, 3333)
    assert "还要付" in client.page(f"/console/bills/{long}").text
