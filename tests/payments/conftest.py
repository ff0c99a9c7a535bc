"""What tests of paying share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from market import db, ledger, resources
from market.billing import Bill
from market.config import Settings
from tests.builders.billing import OCTOBER, an_issued_bill, buyer
from tests.builders.catalog import a_plan
from tests.builders.stripe import NOON
from tests.builders.subscriptions import a_subscription
from tests.support.clock import FakeClock
from tests.support.stripe import SECRET, Double, served
from tests.support.stripe.account import Account

#: For `make test-stripe`: a test key, and another address only to see the command itself run against the double.
KEY, URL = os.environ.get("STRIPE_TEST_KEY", ""), os.environ.get("STRIPE_TEST_URL", "")


def an_open_bill_of_150() -> Bill:
    with db.transaction():
        made = an_issued_bill(buyer(a_subscription(a_plan(monthly="150.00"))), OCTOBER)
        ledger.post_due(NOON)
    return made


@pytest.fixture
def bill(stripe: Double, kept: Callable[[Callable[[], Any]], Any]) -> Iterator[Bill]:
    """An open bill of ¥150.00. The books are checked when the test is over."""
    yield kept(an_open_bill_of_150)
    with db.transaction(readonly=True):
        assert list(ledger.verify()) == []


@contextmanager
def doubled() -> Iterator[dict[str, str]]:
    with served() as double:
        yield {"STRIPE_SECRET_KEY": "sk_test_double", "STRIPE_URL": double.url}


@contextmanager
def live() -> Iterator[dict[str, str]]:
    yield {"STRIPE_SECRET_KEY": KEY} | ({"STRIPE_URL": URL} if URL else {})


@pytest.fixture(params=[doubled, pytest.param(live, marks=pytest.mark.stripe_live)], ids=["double", "live"])
def there(request: pytest.FixtureRequest, app: Flask, settings: Settings, clock: FakeClock) -> Iterator[Account]:
    """The account at Stripe. The address goes the product's own way: nothing but Stripe's, or one on this machine."""
    with request.param() as said:
        read = Settings.from_env(said | {"MARKET_DATA_DIR": str(settings.data_dir), "STRIPE_WEBHOOK_SECRET": SECRET})
        told = {"stripe_key": read.stripe_key, "stripe_url": read.stripe_url, "stripe_webhook_secret": read.stripe_webhook_secret}
        resources.install(replace(settings, **told), with_clock=clock)  # type: ignore[arg-type]
        account = Account(str(read.stripe_key), read.stripe_url)
        with account.numbering():
            yield account
        account.clear()
