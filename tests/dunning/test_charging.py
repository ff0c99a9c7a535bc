"""A saved card is charged by the worker, at Stripe's double over HTTP: once, and not beside another payment.

That it pays, is declined and told, and is tried again is a journey: `tests/payments/test_journeys.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from market import db, dunning, ledger, payments
from market.billing import Bill, BillStatus
from market.dunning import Outcome, Step
from market.notifications import Email
from market.payments import Payment, PaymentStatus
from market.subscriptions import Subscription, SubscriptionStatus
from tests.builders.accounts import an_actor
from tests.builders.billing import moment
from tests.builders.dunning import DUE, an_unpaid_bill_of_people, sweep
from tests.builders.stripe import LATER, a_saved_card, now, of, paying
from tests.support.stripe import Double

#: Letters are written by who listens to the whole app; it comes before Stripe's double, whose settings then hold.
pytestmark = pytest.mark.usefixtures("app")
#: The days of the three charges.
CHARGES = [DUE, DUE + timedelta(days=3), DUE + timedelta(days=7)]


def a_bill_that_is_not_paid() -> Bill:
    with db.transaction():
        made = an_unpaid_bill_of_people()
        ledger.post_due(LATER)
    return made


@pytest.fixture
def bill(stripe: Double, kept: Callable[[Callable[[], Any]], Any]) -> Iterator[Bill]:
    """¥150.00, and people who pay. The books are checked when the test is over."""
    yield kept(a_bill_that_is_not_paid)
    with db.transaction(readonly=True):
        assert list(ledger.verify()) == []


def charges() -> list[PaymentStatus]:
    with db.transaction(readonly=True):
        return [each.status for each in db.session.scalars(select(Payment).where(Payment.unattended).order_by(Payment.id))]


def outcomes() -> list[Outcome]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(Step.outcome).where(Step.kind == dunning.Kind.CHARGE).order_by(Step.id)))


def letters() -> list[str]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(Email.body).where(Email.key.startswith("charge_failed.")).order_by(Email.id)))


def test_services_that_are_stopped_go_on_when_the_card_has_paid(stripe: Double, bill: Bill) -> None:
    card = a_saved_card(stripe, bill, "insufficient_funds")
    sweep(*CHARGES, "2026-12-03 10:00", "2026-12-10 10:00")
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Subscription)).one().status is SubscriptionStatus.SUSPENDED
    assert "余额不足" in letters()[0]
    stripe.behavior[card.gateway_reference] = "ok"
    with db.transaction():
        made = payments.pay_with(
            db.session.get_one(Bill, bill.id), "card", card=db.session.merge(card), by=an_actor(), at=moment("2026-12-11 10:00")
        )
    assert now(made).status is PaymentStatus.SUCCEEDED
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Subscription)).one().status is SubscriptionStatus.ACTIVE


@pytest.mark.parametrize("trouble", ["lost", "500_after", "429", "500"])
def test_trouble_at_the_charge_never_makes_two(stripe: Double, bill: Bill, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
    a_saved_card(stripe, bill)
    stripe.trouble("POST /v1/payment_intents", trouble, 9)
    sweep(DUE)
    stripe.troubles.clear()
    payments.sweep(DUE + timedelta(hours=1))
    sweep(DUE + timedelta(hours=2))
    assert (of(bill).status, stripe.collected, charges()) == (BillStatus.PAID, 15500, [PaymentStatus.SUCCEEDED])


class TestAPageThatIsOpen:
    def test_a_stale_one_is_closed_at_stripe_and_then_the_card_is_charged(self, stripe: Double, bill: Bill) -> None:
        a_saved_card(stripe, bill)
        page = paying(bill, "alipay", at=DUE - timedelta(hours=1))
        sweep(DUE)
        assert stripe.get(str(page.session_id))["status"] == "expired"
        assert (now(page).status, of(bill).status, stripe.collected) == (PaymentStatus.CANCELED, BillStatus.PAID, 15500)

    def test_one_that_was_paid_meanwhile_is_booked_and_nothing_is_charged(self, stripe: Double, bill: Bill) -> None:
        a_saved_card(stripe, bill)
        page = paying(bill, at=DUE - timedelta(hours=1))
        stripe.pay(str(page.session_id))
        sweep(DUE)
        assert (of(bill).status, stripe.collected, charges(), outcomes()) == (BillStatus.PAID, 15500, [], [Outcome.NO_CARD])

    def test_whoever_is_paying_just_now_is_left_alone_and_charged_later(self, stripe: Double, bill: Bill) -> None:
        a_saved_card(stripe, bill)
        page = paying(bill, at=DUE - timedelta(minutes=5))
        sweep(DUE)
        assert (stripe.get(str(page.session_id))["status"], charges(), outcomes()) == ("open", [], [Outcome.PENDING])
        sweep(DUE + timedelta(hours=1))
        assert (of(bill).status, stripe.collected, outcomes()) == (BillStatus.PAID, 15500, [Outcome.ASKED])

    @pytest.mark.parametrize("works", [True, False])
    def test_money_that_is_under_way_is_waited_for(self, stripe: Double, bill: Bill, works: bool) -> None:
        a_saved_card(stripe, bill)
        page = paying(bill, "alipay", at=DUE - timedelta(hours=1))
        stripe.pay(str(page.session_id), settles=False)
        sweep(DUE)
        assert (now(page).status, charges()) == (PaymentStatus.PROCESSING, [])
        stripe.settle(str(now(page).intent_id), works=works)
        sweep(DUE + timedelta(hours=3))
        assert (of(bill).status, stripe.collected, len(charges())) == (BillStatus.PAID, 15500, 0 if works else 1)

    @pytest.mark.parametrize("address", ["POST /v1/checkout/sessions/*/expire", "GET /v1/checkout/sessions/*"])
    def test_where_stripe_does_not_answer_nothing_is_charged_yet(self, stripe: Double, bill: Bill, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0.0)
        a_saved_card(stripe, bill)
        paying(bill, at=DUE - timedelta(hours=1))
        stripe.trouble(address, "500", 9)
        sweep(DUE)
        assert (charges(), outcomes()) == ([], [Outcome.PENDING])
        stripe.troubles.clear()
        sweep(DUE + timedelta(hours=1))
        assert (of(bill).status, stripe.collected) == (BillStatus.PAID, 15500)
