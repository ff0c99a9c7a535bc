"""Refunds that somebody made in Stripe's own pages: found there, and settled here as a refund of ours would be.

It settles a request that waits for just so much of this payment; else what the payment has become is gathered and asked
back. So the books show one movement of money, and the buyer what has become of hers.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import audit, db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import credit_notes
from market.billing.credit_notes import OPEN_REFUNDS, CreditNote, RefundRequest
from market.payments import outcomes, refunding, taking_back
from market.payments.found import FoundRefund, State
from market.payments.models import REFUND_LIFECYCLE, Payment, PaymentStatus, Refund
from market.payments.stripe_gateway import CURRENCY

#: Why, on the page of the payment.
BY_STRIPE = "Stripe Dashboard"


def take_in(payment_id: int, found: FoundRefund, *, at: datetime) -> bool:
    """Note what the gateway says of any refund of a payment; said twice, it is done once.

    False where a person has to look: the payment is not booked, or it is another currency.
    """
    payment = outcomes.locked(payment_id)
    made = _known(payment, found)
    if made is None:
        if found.state in (State.FAILED, State.CANCELED) or payment.failure_code == outcomes.SENT_BACK:
            return True  # nothing has moved, or what never was in the books
        if payment.status is not PaymentStatus.SUCCEEDED or found.currency != CURRENCY:
            return False
        made = _adopt(payment, found, at)
    refunding.take_in(made.id, found, at=at)
    return True


def _known(payment: Payment, found: FoundRefund) -> Refund | None:
    made = db.session.scalar(select(Refund).where(Refund.gateway_reference == found.reference))
    if made is None and found.ours is not None:
        waits = select(Refund).where(Refund.id == found.ours, Refund.payment_id == payment.id, Refund.gateway_reference.is_(None))
        made = db.session.scalar(waits.where(Refund.status.in_(refunding.UNDER_WAY)))
    return made


def _adopt(payment: Payment, found: FoundRefund, at: datetime) -> Refund:
    by = audit.system("stripe", organization_id=payment.organization_id)
    request = _awaited(payment, found) or _asked(payment, found, by, at)
    credit_notes.hand_over(request, by=by, at=at, begun=True)
    made = Refund(
        payment_id=payment.id, refund_request_id=request.id, amount_fen=found.amount, status=REFUND_LIFECYCLE.initial,
        key=f"stripe-{found.reference}", reason=BY_STRIPE, gateway_reference=found.reference, created_at=at, failure="",
        failure_code="", ask_at=at, asked_times=0,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record(
        "refund.found", made, by=by, at=at, organization_id=payment.organization_id,
        after={"payment": str(payment), "amount_fen": made.amount_fen},
    )  # fmt: skip
    return made


def _awaited(payment: Payment, found: FoundRefund) -> RefundRequest | None:
    """A request that waits for just so much: of this payment, of a note on its bill, or one that we gave up."""
    query = select(RefundRequest).where(RefundRequest.organization_id == payment.organization_id, RefundRequest.status.in_(OPEN_REFUNDS))
    query = query.where(RefundRequest.amount_fen == found.amount).order_by(RefundRequest.id)
    ours = db.session.scalar(select(Refund.refund_request_id).where(Refund.id == found.ours, Refund.payment_id == payment.id))
    return next((each for each in db.session.scalars(query).all() if each.id == ours or _could_go_through(each, payment)), None)


def _could_go_through(request: RefundRequest, payment: Payment) -> bool:
    if request.payment_id is not None or request.credit_note_id is None:
        return request.payment_id == payment.id
    note = db.session.get_one(CreditNote, request.credit_note_id)
    return note.bill_id == payment.bill_id


def _asked(payment: Payment, found: FoundRefund, by: Actor, at: datetime) -> RefundRequest:
    parts = taking_back.gather(payment, found.amount, by=by, at=at)
    organization = db.session.get_one(Organization, payment.organization_id)
    return credit_notes.ask(
        organization, found.amount, request_key=f"stripe-{found.reference}", by=by, at=at, payment_id=payment.id, parts=parts, begun=True,
    )  # fmt: skip
