"""The table of semantics.md, section F, row by row: the plain ones here, the others where they stand, by name.

What needs threads, HTTP or a trail of its own is tested beside what it is about; here it only has to be there.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from market import billing, ledger, rating
from market.billing import credit_notes
from market.config import ROOT
from market.kit import money
from market.kit import period as periods
from tests.builders.balances import a_deposit, a_grant, transferred
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.credit_notes import a_note, an_open_bill
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

#: Row → file and test.
ELSEWHERE = {
    "same event id twice, same body": ("metering/test_actions.py", "test_the_same_event_again_is_a_duplicate_with_the_first_receipt"),
    "same event id twice, other body": ("metering/test_actions.py", "test_another_event_under_the_same_id_is_a_conflict_with_the_first"),
    "the same over HTTP": ("api/test_events.py", "test_a_conflict_shows_the_first_event"),
    "100 events, one duplicate": ("metering/test_actions.py", "test_a_hundred_events_with_one_duplicate"),
    "50 threads subscribe": ("subscriptions/test_actions.py", "range(50)"),
    "50 threads reserve ¥3 each": ("budgets/test_reserving.py", "test_fifty_threads_reserve_three_yuan_each_from_a_hundred_and_33_succeed"),
    "any plan changes at one price": ("billing/test_segments.py", "test_any_changes_at_one_price_come_to_the_full_price"),
    "each event rated once": ("billing/test_segments.py", "test_every_event_is_rated_once_at_the_price_of_its_day"),
    "USCC vectors": ("accounts/test_uscc.py", "91350100M000100Y43"),
    "another tenant's id": ("test_tenancy.py", "404"),
    "one byte of an old audit row": ("audit/test_verification.py", "test_one_byte_changed_in_any_column_of_any_row_is_named"),
}


@pytest.mark.parametrize("row", ELSEWHERE)
def test_the_row_has_a_test(row: str) -> None:
    file, name = ELSEWHERE[row]
    assert name in (ROOT / "tests" / file).read_text()


def test_a_tenth_of_a_fen_nine_times_a_minute_for_thirty_days() -> None:
    terms = rating.parse({"model": "per_unit", "unit_price": "0.001"})
    assert rating.rate(terms, Decimal(9 * 60 * 24 * 30)).fen == 38_880


def test_gross_150_at_six_percent() -> None:
    split = rating.split_tax([("seller", 15_000, Decimal("0.06"))])
    assert (split.net, split.tax) == (14_151, 849)


def test_one_yuan_split_three_ways() -> None:
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]


def test_months_from_31_january() -> None:
    ends = [periods.anchored(date(2027, 1, 31), number, "month").first_day for number in range(4)]
    assert ends == [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


@pytest.mark.usefixtures("session")
def test_volume_15_billed_then_one_more_gives_70_back() -> None:
    """At most 15 cost ¥10 each, more than 15 cost ¥5 each: −150, +80."""
    plan = a_plan(volume=[("15", "10"), (None, "5")])
    subscription, meter = a_subscription(plan), plan.charges[0].meter
    report(subscription, meter, "15", at=moment("2026-10-15 12:00"))
    october = an_issued_bill(buyer(subscription), OCTOBER)
    assert october.gross_fen == 15_000
    report(subscription, meter, "1", at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
    november = an_issued_bill(buyer(subscription), NOVEMBER)
    assert november.gross_fen == 0
    [note] = credit_notes.of_bill(billing.bill_by_id(october.id))
    assert (note.gross_fen, note.offset_fen, note.net_fen + note.tax_fen) == (7_000, 7_000, 7_000)
    assert billing.bill_by_id(october.id).owed_fen == 8_000


@pytest.mark.usefixtures("session")
def test_the_books_of_any_bill_come_to_nothing() -> None:
    """Used balance and given balance, a transfer, a credit: both sides of all that is posted about the bill are equal."""
    bill = an_open_bill("150.00")
    a_deposit(bill.organization, 4000)
    a_grant(bill.organization, 2000)
    credit_notes.use_balance(bill, at=moment("2026-11-06 12:00"))
    transferred(bill)
    a_note(bill, credit_notes.Amount(13_000))
    found = ledger.sums(ledger.Posting.bill_id == bill.id)
    assert sum(fen if kind in ledger.DEBIT else -fen for (kind, _), fen in found.items()) == 0
    assert {fen for (kind, _), fen in found.items() if kind is ledger.AccountKind.RECEIVABLE} == {0}
