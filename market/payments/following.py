"""What a payment asks for follows what its bill still asks for, when a credit note or a balance takes something off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from market import audit, billing, db
from market.billing import Bill, credit_notes
from market.billing.credit_notes import CreditNote
from market.payments.models import LIFECYCLE, Payment, PaymentStatus
from market.payments.queries import OPEN


def follow(bill: Bill, *, at: datetime, **_: Any) -> None:
    """Open payments ask for what is owed now; where nothing is, nobody waits for them any more."""
    query = select(Payment).where(Payment.bill_id == bill.id, Payment.status.in_(OPEN)).with_for_update(key_share=True)
    for payment in db.session.scalars(query).all():
        if bill.owed_fen and bill.status in billing.DUE:
            payment.amount_fen = bill.owed_fen
            continue
        LIFECYCLE.move(payment, PaymentStatus.CANCELED)
        payment.finished_at = at
        audit.record(
            "payment.canceled", payment, by=audit.system("payments", organization_id=bill.organization_id), at=at,
            after={"bill": str(bill)},
        )  # fmt: skip


def _noted(note: CreditNote, *, at: datetime, **_: Any) -> None:
    follow(db.session.get_one(Bill, note.bill_id), at=at)


# Part of paying itself, not news for somebody else: whoever can pay has this too.
credit_notes.credit_note_issued.connect(_noted)
credit_notes.credit_note_voided.connect(_noted)
credit_notes.balance_used.connect(follow)
