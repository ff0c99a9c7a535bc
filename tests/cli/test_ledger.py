"""`market ledger`: the books made complete and checked."""

from __future__ import annotations

import json

from market import billing, db
from market.config import Settings
from tests.builders.accounts import an_actor
from tests.builders.billing import moment
from tests.builders.credit_notes import an_open_bill
from tests.cli.test_people import run


def test_the_books_are_checked_and_a_difference_is_named(database: object, settings: Settings) -> None:
    assert "The books are complete." in run(settings, "ledger", "post").output
    with db.transaction():
        bill = an_open_bill("150.00")
        number = bill.number
    done = run(settings, "ledger", "verify")
    assert done.exit_code == 0 and "2 facts and bills, ¥150.00 on either side: the books agree to the fen." in done.output
    with db.transaction():
        billing.receive(db.session.merge(bill, load=False), 5000, by=an_actor(), at=moment("2026-11-06 12:00"))
    done = run(settings, "ledger", "verify")
    assert done.exit_code == 1 and f"{number}: receivable is 15000 in the books, and should be 10000" in done.output
    told = [json.loads(line) for line in run(settings, "ledger", "verify", "--json").output.splitlines()]
    assert told == [
        {"record": "difference", "about": number, "field": "receivable", "ledger": 15000, "expected": 10000},
        {"record": "end", "checked": 2, "differing": 1, "debits": 15000, "credits": 15000},
    ]
