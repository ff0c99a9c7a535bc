"""Payments through a gateway without one: booked as if Stripe had said so.

    a_top_up(organization, 500)        paid by card, the card saved
    by_card(organization, 500, bill)   the same for a bill, nothing saved
    a_dispute(payment, 100)            a cardholder's bank has taken it back
    a_piece_of_news(payment)           handled
"""

from __future__ import annotations

from datetime import datetime

from market import db, payments
from market.accounts.models import Organization
from market.billing import Bill
from market.payments import (
    EventStatus,
    GatewayEvent,
    Payment,
    PaymentPurpose,
    PaymentStatus,
    disputing,
    outcomes,
)
from market.payments.found import Found, FoundCard, FoundDispute, State
from tests.builders.accounts import an_actor
from tests.builders.billing import moment

AT = moment("2026-11-18 10:00")


def a_gateway_payment(organization: Organization, amount_fen: int = 500, *, way: str = "card", at: datetime = AT) -> Payment:
    """A top-up that Stripe has made a page for."""
    payment = Payment(
        bill=None, organization_id=organization.id, purpose=PaymentPurpose.TOP_UP, gateway="stripe", way=way, amount_fen=amount_fen,
        status=PaymentStatus.PENDING, created_at=at, failure="", failure_code="", page_url="http://127.0.0.1:9/pay/cs_1", held="",
        asked_times=0, ask_at=at,
    )  # fmt: skip
    db.session.add(payment)
    db.session.flush()
    payment.session_id = f"cs_test_{payment.id}"
    return payment


def a_top_up(organization: Organization, amount_fen: int = 500) -> Payment:
    """A card has paid, and is saved."""
    payment = a_gateway_payment(organization, amount_fen)
    card = FoundCard(f"pm_test_{payment.id}", "visa", "4242", 12, 2034)
    outcomes.take_in(payment.id, Found(State.SUCCEEDED, amount_fen, "cny", intent_id=f"pi_test_{payment.id}", card=card), at=AT)
    db.session.flush()
    return payment


def by_card(organization: Organization, amount_fen: int, bill: Bill | None = None) -> Payment:
    """Money that Stripe says has come."""
    payment = Payment(
        organization_id=organization.id, purpose=PaymentPurpose.BILL if bill else PaymentPurpose.TOP_UP, bill=bill, gateway="stripe",
        way="card", amount_fen=amount_fen, status=PaymentStatus.PROCESSING, created_at=AT, intent_id=f"pi_{organization.id}_{amount_fen}",
    )  # fmt: skip
    db.session.add(payment)
    db.session.flush()
    outcomes.book(outcomes.locked(payment.id), by=an_actor(), at=AT)
    return payment


def a_held_payment(organization: Organization) -> Payment:
    """Dollars came."""
    payment = a_gateway_payment(organization, 700)
    outcomes.take_in(payment.id, Found(State.SUCCEEDED, 700, "usd", intent_id=f"pi_test_{payment.id}"), at=AT)
    return payment


def a_dispute(payment: Payment, amount_fen: int = 100, status: str = "needs_response") -> payments.Dispute:
    """The cardholder says that it was not her."""
    found = FoundDispute(f"du_test_{payment.id}", str(payment.intent_id), amount_fen, "cny", status, "fraudulent", AT, moment("2026-11-25 10:00"))
    made = disputing.take_in(payment.id, found, at=AT)
    assert made is not None
    return made


def a_piece_of_news(payment: Payment) -> GatewayEvent:
    """What Stripe told of it, handled."""
    event = GatewayEvent(
        event_id=f"evt_test_{payment.id}", kind="checkout.session.completed", about=str(payment.session_id), body={"text": '{"id": "evt"}'},
        status=EventStatus.HANDLED, happened_at=AT, received_at=AT, handled_at=AT, tries=1, repeats=0, outcome="succeeded",
        payment_id=payment.id,
    )  # fmt: skip
    db.session.add(event)
    db.session.flush()
    return event
