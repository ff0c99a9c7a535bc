"""Charging a saved card while nobody of the firm is there: once for each key, and not beside another payment of the bill."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from market import accounts, audit, billing, db
from market.accounts.models import Organization
from market.billing import Bill
from market.payments import asking, paying, stripe_gateway
from market.payments.cards import chargeable
from market.payments.models import Payment, PaymentPurpose, PaymentStatus
from market.payments.queries import OPEN, open_payment_of

#: Whoever opened Stripe's page within so long is believed to be paying.
_SHE_IS_PAYING = timedelta(minutes=30)


class BeingPaid(Exception):
    """Somebody may be paying the bill now, or it cannot be found out: charge later, with the same key."""

    def __init__(self, *, unanswered: bool = False) -> None:
        super().__init__()
        #: Whether it is Stripe that did not answer.
        self.unanswered = unanswered


@stripe_gateway.patiently
def charge_saved(bill: Bill, *, key: str, at: datetime) -> Payment | None:
    """Charge the newest saved card for what is owed on a bill; the payment tells what came of it. None where there is
    no card or nothing is owed.

    The same key is the same payment. A page that was left open is closed at Stripe before. Opens its own transactions:
    call it outside of one. Raises BeingPaid.
    """
    id = _begun(key)
    if id is not None:
        asking.pursue(id, at=at)
    else:
        _clear_the_way(bill.id, at)
        with db.transaction():
            made = unattended(bill.id, key, at)
            id = made.id if made else None
    if id is None:
        return None
    with db.transaction(readonly=True):
        return db.session.get_one(Payment, id)


def unanswered(payment: Payment) -> bool:
    """Whether the gateway has said nothing of it yet: it could not be reached, or not now."""
    return payment.status is PaymentStatus.PENDING and payment.intent_id is None and payment.session_id is None


def _begun(key: str) -> int | None:
    with db.transaction(readonly=True):
        return db.session.scalar(select(Payment.id).where(Payment.request_key == key))


def _clear_the_way(bill_id: int, at: datetime) -> None:
    """Have nobody be able to pay the bill beside the charge. Raises BeingPaid."""
    with db.transaction(readonly=True):
        bill = db.session.get_one(Bill, bill_id)
        organization = db.session.get_one(Organization, bill.organization_id)
        other = open_payment_of(bill, stripe_gateway.NAME)
        if other is None or bill.status not in billing.DUE or not chargeable(organization):
            return
        waits_for_her = not other.unattended and (other.status is PaymentStatus.PENDING or other.page_url != "")
    if waits_for_her and other.created_at > at - _SHE_IS_PAYING:
        raise BeingPaid
    answered = asking.pursue(other.id, at=at, closing=waits_for_her)
    with db.transaction(readonly=True):
        if db.session.get_one(Payment, other.id).status in OPEN:
            raise BeingPaid(unanswered=not answered)


def unattended(bill_id: int, key: str, at: datetime) -> Payment | None:
    """Store the charge; Stripe hears of it after the commit. None as `charge_saved`. Raises BeingPaid."""
    bill = db.session.get_one(Bill, bill_id)
    organization = db.session.get_one(Organization, bill.organization_id)
    accounts.lock(organization.id)
    db.lock(bill)
    cards = [card for card in chargeable(organization) if (card.exp_year, card.exp_month) >= (at.year, at.month)]
    if bill.status not in billing.DUE or "card" not in paying.ways(bill.owed_fen) or not cards:
        return None
    if open_payment_of(bill, stripe_gateway.NAME):
        raise BeingPaid
    payment = Payment(
        bill=bill, organization_id=organization.id, purpose=PaymentPurpose.BILL, amount_fen=bill.owed_fen, way="card",
        card_id=cards[0].id, unattended=True, request_key=key,
    )  # fmt: skip
    made = paying.begin(payment, audit.system("payments", organization_id=organization.id), at)
    db.session.flush()
    return made
