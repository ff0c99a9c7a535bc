"""The books as administrators read them."""

from __future__ import annotations

from typing import Any

import pytest

from market import db
from market.accounts import Role
from market.billing.credit_notes import Amount
from market.ledger import AccountKind, Event
from market.web import books
from tests.admin.conftest import Enter
from tests.builders.credit_notes import a_note
from tests.ledger.test_posting import an_open_bill, pay


def test_postings_are_read_by_event_day_and_bill_and_accounts_tell_their_course(app: Any, enter: Enter) -> None:
    auditor = enter(Role.AUDITOR)
    assert "还没有分录" in auditor.page("/admin/ledger/").text
    with db.transaction():
        bill = an_open_bill("150.00")
        pay(bill)
        a_note(bill, Amount(5000))
        bill_id, name, organization_id = bill.id, bill.organization.name, bill.organization_id
    page = auditor.page("/admin/ledger/")
    assert "借贷相等" in page.text and "佣金比例 5%" in page.text
    assert "客户付款到账" in auditor.page("/admin/ledger/?event=bill_issued").text
    assert "没有这样的分录" in auditor.page("/admin/ledger/?until=2025-01-01&from=2025-02-01").text
    assert "没有这样的分录" in auditor.page("/admin/ledger/?event=deposited").text
    assert "142.50" in auditor.page(f"/admin/bills/{bill_id}").follow("账簿分录").text
    accounts = auditor.page(f"/admin/organizations/{organization_id}").follow("这家企业在账簿里的账户")
    assert name in accounts.text and "客户余额" in accounts.text
    balance = accounts.follow("客户余额")
    assert "50.00" in balance.text and "之后的余额" in balance.text
    assert "还没有这类账户" in auditor.page("/admin/ledger/accounts?kind=refunds").text


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "soon"], ids=["the last day", "the first day", "no day"])
def test_a_day_that_no_calendar_of_ours_has_filters_nothing(app: Any, enter: Enter, day: str) -> None:
    for name in ("from", "until"):
        assert "没有这样的分录" in enter(Role.AUDITOR).page(f"/admin/ledger/?{name}={day}").text


def test_there_is_a_word_for_everything_in_the_books() -> None:
    assert (set(books.EVENTS), set(books.KINDS)) == (set(Event), set(AccountKind))


def test_the_books_are_for_finance_and_auditors(app: Any, enter: Enter) -> None:
    assert enter(Role.CURATOR).get("/admin/ledger/").status_code == 403
