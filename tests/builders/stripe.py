"""Paying through the double of Stripe, each step in a transaction of its own.

payment = paid(stripe, bill)                 she has paid on Stripe's page, and it is booked
card = a_saved_card(stripe, bill)            saved with a top-up of ¥5.00
tell(stripe, "refund.created", refund["id"]) news has come; `payments.handle_due` handles it
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from market import db, payments
from market.accounts import Organization
from market.billing import Bill, credit_notes
from market.payments import Payment, SavedCard
from tests.builders.accounts import an_actor
from tests.builders.billing import moment
from tests.support.stripe import Double

NOON = moment("2026-11-06 12:00")
LATER = NOON + timedelta(hours=2)


def paying(bill: Bill, way: str = "card", *, save_card: bool = False, at: datetime = NOON) -> Payment:
    """She chooses a way; Stripe hears of it after the commit."""
    with db.transaction():
        made = payments.pay_with(
            db.session.get_one(Bill, bill.id), way, save_card=save_card, by=an_actor(), at=at
        )
    return now(made)


def paid(stripe: Double, bill: Bill) -> Payment:
    """She has paid on Stripe's page."""
    payment = paying(bill)
    stripe.pay(str(payment.session_id))
    payments.sweep(LATER)
    return now(payment)


def topped_up(stripe: Double, bill: Bill, fen: int) -> Payment:
    """The bill's firm has put money to its balance by card."""
    with db.transaction():
        made = payments.top_up(
            firm_of(bill), fen, way="card", request_key=f"top-up-{fen}", by=an_actor(), at=NOON
        )
    stripe.pay(str(now(made).session_id))
    payments.sweep(LATER)
    return now(made)


def a_saved_card(stripe: Double, bill: Bill, behavior: str = "ok") -> SavedCard:
    """Saved with a top-up."""
    with db.transaction():
        made = payments.top_up(
            firm_of(bill), 500, way="card", save_card=True, request_key="first", by=an_actor(), at=NOON
        )
    stripe.pay(str(now(made).session_id))
    payments.sweep(LATER)
    with db.transaction(readonly=True):
        card = db.session.scalars(select(SavedCard)).one()
    stripe.behavior[card.gateway_reference] = behavior
    return card


def tell(stripe: Double, kind: str, about: str, *, id: str | None = None) -> bool:
    """News comes in; whether it is new."""
    body, header = stripe.news(kind, about, id=id)
    with db.transaction():
        return payments.receive_news(body, header, at=NOON)


def now(payment: Payment) -> Payment:
    """The payment as it stands."""
    with db.transaction(readonly=True):
        return db.session.get_one(Payment, payment.id)


def of(bill: Bill) -> Bill:
    """The bill as it stands."""
    with db.transaction(readonly=True):
        return db.session.get_one(Bill, bill.id)


def firm_of(bill: Bill) -> Organization:
    """Whose bill it is."""
    return db.session.get_one(Organization, bill.organization_id)


def balance(bill: Bill) -> int:
    """What its firm has to its credit."""
    with db.transaction(readonly=True):
        return credit_notes.balance(firm_of(bill))
