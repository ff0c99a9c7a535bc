"""The database itself refuses to change what was issued, whoever asks it."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from market import billing, db
from market.billing.credit_notes import Amount
from tests.builders.billing import OCTOBER, buyer
from tests.builders.catalog import a_plan
from tests.builders.credit_notes import a_note, an_open_bill, paid
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")

FORBIDDEN = {
    "bills": ["UPDATE bills SET gross_fen = gross_fen + 1, net_fen = net_fen + 1", "UPDATE bills SET due_at = cutoff",
              "UPDATE bills SET number = 'BL-0'", "DELETE FROM bills"],
    "bill_lines": ["UPDATE bill_lines SET gross_fen = gross_fen + 1, net_fen = net_fen + 1", "DELETE FROM bill_lines",
                   "UPDATE bill_lines SET exact = '1'"],
    "bill_taxes": ["UPDATE bill_taxes SET tax_fen = 0", "DELETE FROM bill_taxes",
                   "INSERT INTO bill_taxes SELECT bill_id, provider_id, '0.13', 0, 0, 0 FROM bill_taxes"],
    "credit_notes": ["UPDATE credit_notes SET gross_fen = 1, net_fen = 1, tax_fen = 0, offset_fen = 1",
                     "UPDATE credit_notes SET number = 'CN-0'", "DELETE FROM credit_notes"],
    "credit_note_lines": [
        "UPDATE credit_note_lines SET gross_fen = 1, net_fen = 1, tax_fen = 0", "DELETE FROM credit_note_lines",
        "INSERT INTO credit_note_lines (id, credit_note_id, position, bill_line_id, about_line_id, provider_id, tax_rate, gross_fen, "
        "net_fen, tax_fen) SELECT id + 1, credit_note_id, 2, bill_line_id, about_line_id, provider_id, tax_rate, 1, 1, 0 "
        "FROM credit_note_lines",
    ],
    "balance_entries": ["UPDATE balance_entries SET amount_fen = 1", "DELETE FROM balance_entries"],
}  # fmt: skip


def test_nothing_that_was_issued_can_be_changed_or_taken_away() -> None:
    bill = an_open_bill("150.00")
    a_note(paid(bill), Amount(5000))
    passed = []
    for statements in FORBIDDEN.values():
        for statement in statements:
            try:
                with db.session.begin_nested():
                    db.session.execute(text(statement))
                passed.append(statement)
            except DBAPIError as refusal:
                assert "stay as issued" in str(refusal.orig) or "foreign key" in str(refusal.orig), statement
    assert passed == []


def test_a_line_is_not_moved_into_an_issued_bill() -> None:
    issued = an_open_bill("150.00")
    draft = billing.close(buyer(a_subscription(a_plan(monthly="9.00"))), OCTOBER, now=OCTOBER.end)
    assert draft is not None
    with pytest.raises(DBAPIError, match="stay as issued"):
        db.session.execute(text("UPDATE bill_lines SET bill_id = :issued WHERE bill_id = :draft"), {"issued": issued.id, "draft": draft.id})
