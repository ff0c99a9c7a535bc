"""Steps of the journeys through an account at Stripe, each in transactions of its own.

    payment = charged(there, bill)                        the firm's saved card has paid, nobody was there
    hear(there, bill, "refund.", told=True, at=LATER)     what happened at Stripe since has reached us
    written(bill)                                         what the books say, to be compared later
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from market import db, ledger, payments
from market.audit.models import AuditEvent
from market.billing import Bill, credit_notes
from market.notifications import Email
from market.payments import GatewayCustomer, Payment, PaymentStatus, SavedCard, cards, stripe_gateway
from tests.builders.accounts import an_actor
from tests.builders.stripe import LATER, NOON, firm_of, now, of
from tests.support.stripe.account import Account


def customer(bill: Bill) -> str:
    """What the bill's firm is called at Stripe."""
    with db.transaction(readonly=True):
        query = select(GatewayCustomer.gateway_reference).where(GatewayCustomer.organization_id == bill.organization_id)
        return db.session.scalars(query).one()


def a_card(there: Account, bill: Bill, method: str = "pm_card_visa") -> SavedCard:
    """A card that the firm has saved. Nobody can type it into Stripe's page here: Stripe is given one of its own to try."""
    with db.transaction():
        firm = firm_of(bill)
        reference = stripe_gateway.customer(firm.id, firm.name)
        if not db.session.scalars(select(GatewayCustomer)).all():
            db.session.add(GatewayCustomer(organization_id=firm.id, gateway_reference=reference, created_at=NOON))
        return cards.keep(firm.id, there.card(reference, method), by=an_actor(), at=NOON)


def hear(there: Account, bill: Bill, kind: str, *, told: bool, at: datetime, about: str = "") -> None:
    """What happened at Stripe reaches us by its news, each piece twice and the newest first, or with all of them lost."""
    if told:
        for body, header in there.news(customer(bill), kind, about) * 2:
            with db.transaction():
                payments.receive_news(body, header, at=at)
        payments.handle_due(at)
        with db.transaction(readonly=True):
            assert {event.status.value for event in db.session.scalars(payments.gateway_events())} == {"handled"}
    else:
        payments.sweep(at)
        payments.look(at)
        payments.handle_due(at)


def charged(there: Account, bill: Bill, method: str = "pm_card_visa") -> Payment:
    """Its firm's card has paid it while nobody was there."""
    a_card(there, bill, method)
    payment = payments.charge_saved(bill, key="dunning-1", at=LATER)
    assert payment is not None
    return payment


def topped_up(there: Account, bill: Bill, fen: int) -> Payment:
    """The saved card has paid for the balance."""
    card = a_card(there, bill)
    for _ in range(2):
        with db.transaction():
            made = payments.top_up(firm_of(bill), fen, way="card", card=card, request_key="first", by=an_actor(), at=NOON)
    return now(made)


def lost(payment: Payment) -> None:
    """As if the answer of Stripe had never been written down."""
    with db.transaction():
        row = db.session.get_one(Payment, payment.id)
        row.session_id = row.intent_id = None
        row.page_url, row.asked_times, row.ask_at = "", 0, NOON


def charges() -> list[PaymentStatus]:
    with db.transaction(readonly=True):
        return [each.status for each in db.session.scalars(select(Payment).where(Payment.unattended).order_by(Payment.id))]


def refunds(payment: Payment) -> list[tuple[int, str, str]]:
    """What went back: how much, how it stands at Stripe, how its request stands here."""
    with db.transaction(readonly=True):
        found = payments.refunds_of(payment)
        return [(one.amount_fen, one.status.value, credit_notes.refund_by_id(one.refund_request_id).status.value) for one in found]


def letters(key: str) -> list[str]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(Email.body).where(Email.key.startswith(key)).order_by(Email.id)))


def written(bill: Bill) -> tuple[object, ...]:
    """What is in the books, and how much was ever noted there."""
    with db.transaction(readonly=True):
        events, posted = (db.session.scalar(select(func.count()).select_from(table)) for table in (AuditEvent, ledger.Posting))
        return of(bill).status, of(bill).paid_fen, credit_notes.balance(firm_of(bill)), events, posted
