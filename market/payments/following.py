"""What a payment asks for follows what its bill still asks for, when a credit note or a balance takes something off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from market import audit, billing, db
from market.audit import Actor
from market.billing import Bill, credit_notes
from market.billing.credit_notes import CreditNote
from market.payments.bank_transfer import BankTransfer
from market.payments.models import LIFECYCLE, Payment, PaymentStatus
from market.payments.queries import OPEN


def follow(bill: Bill, *, at: datetime, **_: Any) -> None:
    """Open payments ask for what is owed now; where nothing is, nobody waits for them any more."""
    query = select(Payment).where(Payment.bill_id == bill.id, Payment.status.in_(OPEN)).with_for_update(key_share=True)
    for payment in db.session.scalars(query).all():
        if bill.owed_fen and bill.status in billing.DUE and _asks_for(payment, bill):
            continue
        if payment.status is PaymentStatus.PROCESSING:
            continue  # the money is under way: what is over when it comes is balance
        cancel(payment, by=audit.system("payments", organization_id=bill.organization_id), at=at)


def _asks_for(payment: Payment, bill: Bill) -> bool:
    """Whether it asks for what is owed now. What a gateway shows its payer cannot be changed, only closed."""
    if payment.gateway == BankTransfer.name:
        payment.amount_fen = bill.owed_fen
    return payment.amount_fen == bill.owed_fen


def cancel(payment: Payment, *, by: Actor, at: datetime) -> None:
    """Nobody waits for it any more; the gateway closes its page with the next sweep."""
    LIFECYCLE.move(payment, PaymentStatus.CANCELED)
    payment.finished_at, payment.page_url = at, ""
    payment.ask_at = at if payment.gateway != BankTransfer.name else None
    audit.record("payment.canceled", payment, by=by, at=at, organization_id=payment.organization_id, after={"bill": str(payment.bill_id)})


def _noted(note: CreditNote, *, at: datetime, **_: Any) -> None:
    follow(db.session.get_one(Bill, note.bill_id), at=at)


# Part of paying itself, not news for somebody else: whoever can pay has this too.
credit_notes.credit_note_issued.connect(_noted)
credit_notes.credit_note_voided.connect(_noted)
credit_notes.balance_used.connect(follow)
