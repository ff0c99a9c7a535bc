"""Paying on Stripe's page in a real browser: there, back, and what was booked.

Stripe's double lies on another site than the marketplace, as Stripe does, so cookies and the content policy hold or
break here as they would there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from market import db, payments, resources
from market.accounts import Organization
from tests.builders.accounts import a_member, an_organization
from tests.builders.billing import OCTOBER, SEPTEMBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription
from tests.support.clock import FakeClock
from tests.support.stripe import Double
from tests.support.walker import Walker

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
with_script = pytest.mark.parametrize("script", [True], ids=["script"])


@pytest.fixture
def buyer(walker: Callable[..., Walker], live_server: str, stripe: Double, clock: FakeClock) -> Walker:
    """The owner of a firm that owes ¥150.00 for September; she has signed in and looks at the bill."""
    stripe.url = stripe.url.replace("127.0.0.1", "localhost")
    resources.install(replace(resources.settings, base_url=live_server), with_clock=clock)
    with db.transaction():
        firm = an_organization()
        owner = a_member(firm)
        a_subscription(a_plan(monthly="150.00"), organization=firm, started_at=moment("2026-09-01 00:00"))
        an_issued_bill(firm, SEPTEMBER)
    return walker().sign_in(owner.email, path="/console/bills/1")


def chooses_a_card(buyer: Walker) -> Walker:
    """From the bill to Stripe's page."""
    return buyer.click("去付款").click("银行卡").click("继续付款 ¥150.00").click("去付款 ¥150.00").heading("Pay").see("15000 fen")


def asks_again(buyer: Walker, clock: FakeClock) -> Walker:
    """The worker has asked Stripe meanwhile."""
    buyer.see("正在问 Stripe")
    payments.sweep(clock.now())
    return buyer.click("再问一次")


def test_a_bill_is_paid_by_card(buyer: Walker, clock: FakeClock) -> None:
    chooses_a_card(buyer).click("Pay")
    asks_again(buyer, clock).see("已收到 ¥150.00").click("看账单").see("已付清")
    assert len(buyer.clicks) <= 7, buyer.clicks


@with_script
def test_only_stripe_is_believed(buyer: Walker, stripe: Double, clock: FakeClock) -> None:
    chooses_a_card(buyer).click("Back to the shop")
    asks_again(buyer, clock).at("/console/payments/1/back")  # by hand, as if she had paid
    asks_again(buyer, clock).see("去付款 ¥150.00")
    buyer.click("去付款 ¥150.00").click("declined").see("Your card was declined.")
    buyer.click("3-D Secure").heading("Your bank asks").click("Refuse").see("could not confirm")
    payments.sweep(clock.now())
    assert stripe.collected == 0
    buyer.click("3-D Secure").click("Confirm")
    asks_again(buyer, clock).see("已收到 ¥150.00")
    assert stripe.collected == 15000


@with_script
def test_the_balance_is_topped_up(buyer: Walker, clock: FakeClock) -> None:
    buyer.at("/console/balance/top-up").fill({"amount_fen": "200", "way": "card"}).click("去付款", within="main form").click("去付款 ¥200.00").click("Pay")
    asks_again(buyer, clock).see("已收到 ¥200.00").click("看余额").see("¥200.00")


@with_script
def test_the_bank_asks_about_a_saved_card_only_once_she_is_there(buyer: Walker, stripe: Double, clock: FakeClock) -> None:
    buyer.click("去付款").fill({"save_card": "y", "way": "card"}).click("继续付款").click("去付款 ¥150.00").click("Pay")
    asks_again(buyer, clock).see("已收到 ¥150.00")
    [card] = stripe.of("payment_method")
    stripe.behavior[card["id"]] = "authentication_required"
    with db.transaction():
        bill = an_issued_bill(db.session.get_one(Organization, 1), OCTOBER)
    assert payments.charge_saved(bill, key="reminder-1", at=clock.now()) is not None
    buyer.at("/console/payments/").see("银行要求您本人验证").at(f"/console/bills/{bill.id}")
    buyer.click("去付款").click("尾号 4242").click("继续付款").see("银行要求您本人确认").click("去银行确认 ¥150.00").click("Confirm")
    buyer.see("银行")
    payments.sweep(clock.now())
    buyer.at("/console/payments/3").see("已收到 ¥150.00")
