"""What tests of paying share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from market import db, ledger
from market.billing import Bill
from tests.builders.billing import OCTOBER, an_issued_bill, buyer
from tests.builders.catalog import a_plan
from tests.builders.stripe import NOON
from tests.builders.subscriptions import a_subscription
from tests.support.stripe import Double


@pytest.fixture
def bill(stripe: Double) -> Iterator[Bill]:
    """An open bill of ¥150.00. The books are checked when the test is over."""
    with db.transaction():
        made = an_issued_bill(buyer(a_subscription(a_plan(monthly="150.00"))), OCTOBER)
        ledger.post_due(NOON)
    yield made
    with db.transaction(readonly=True):
        assert list(ledger.verify()) == []
