"""What stands on top of a firm's pages while a bill is overdue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import db
from tests.builders.accounts import PASSWORD
from tests.builders.dunning import DUE, an_unpaid_bill_of_people
from tests.support.client import Client
from tests.support.clock import FakeClock


@pytest.mark.parametrize(
    ("days", "said"),
    [(1, "已逾期 1 天 / is 1 day overdue"), (2, "已逾期 2 天 / is 2 days overdue")],
    ids=["one", "two"],
)
def test_days_are_counted_in_proper_words(client: Client, clock: FakeClock, days: int, said: str) -> None:
    with db.transaction():
        an_unpaid_bill_of_people()
    clock.set(DUE + timedelta(days=days))
    client.sign_in("zh@example.com", PASSWORD)
    for locale, words in zip(("zh", "en"), said.split(" / "), strict=True):
        assert words in client.page(f"/console/bills/?lang={locale}").text
