"""Taking a credit note back: only while nothing of it was used, paid out, invoiced or settled.

What a correction or a termination gave back by itself is not taken back here: the correction is corrected.
"""

from __future__ import annotations

from datetime import datetime

from market import audit, db
from market.audit import Actor
from market.billing import fapiao
from market.billing.credit_notes import balances, issuing, lots, refunds, signals
from market.billing.credit_notes.models import (
    LIFECYCLE,
    CreditNote,
    CreditNoteStatus,
    EntryKind,
    Source,
)
from market.billing.credit_notes.refusals import CannotVoid, CreditInvalid
from market.billing.models import DUE, Bill


def void(note: CreditNote, *, reason: str, by: Actor, at: datetime) -> None:
    """The note was a mistake: the bill asks for its money again. Raises CannotVoid, CreditInvalid without a reason."""
    reason = " ".join(reason.split()).replace("\0", "")[:500]
    if not reason:
        raise CreditInvalid(fields={"reason": "写明为什么作废，客户会看到"})
    bill = db.session.get_one(Bill, note.bill_id)
    issuing.lock(bill)
    db.lock(note)
    if not voidable(note, bill):
        raise CannotVoid
    before = {"credited_fen": bill.credited_fen, "returned_fen": bill.returned_fen}
    bill.credited_fen -= note.offset_fen
    bill.returned_fen -= note.gross_fen - note.offset_fen
    LIFECYCLE.move(note, CreditNoteStatus.VOID)
    note.voided_at, note.void_reason = at, reason
    if note.balance_fen:
        parts = lots.moved_by(EntryKind.CREDIT, credit_note_id=note.id)
        balances.add(note.organization_id, -note.balance_fen, EntryKind.VOID, at=at, parts=parts, credit_note_id=note.id)
    refunds.drop(note, by=by, at=at)
    audit.record(
        "credit_note.voided", note, by=by, at=at, reason=reason, organization_id=note.organization_id,
        before={"status": CreditNoteStatus.ISSUED.value} | before,
        after={"status": note.status.value, "credited_fen": bill.credited_fen, "returned_fen": bill.returned_fen},
    )  # fmt: skip
    fapiao.follow(bill.id, by=by, at=at)
    signals.credit_note_voided.send(note, at=at)


def voidable(note: CreditNote, bill: Bill) -> bool:
    """Whether nothing has come of it yet."""
    if note.source is not Source.ADMINISTRATOR or note.status is not CreditNoteStatus.ISSUED:
        return False
    if note.offset_fen and bill.status not in DUE:
        return False
    if note.balance_fen and lots.unspent(note.organization_id).get(note.id) != note.balance_fen:
        return False
    return not note.refund_fen or refunds.waits(note)
