"""When a credit note is settled: when nothing of it can be taken back any more.

Its bill is paid as far as it took something off it, its balance is used up, its refund is paid or called off. One
that waits for a red fapiao is settled by that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, select

from market import audit, db
from market.audit import Actor
from market.billing.credit_notes import lots
from market.billing.credit_notes.models import (
    LIFECYCLE,
    REFUND_LIFECYCLE,
    CreditNote,
    CreditNoteStatus,
    RefundRequest,
)
from market.billing.fapiao.signals import reds_recorded
from market.billing.models import DUE, Bill


def settle_done(bill: Bill, *, at: datetime) -> None:
    """Settle the notes of a bill of which nothing is open any more."""
    _settle(select(CreditNote).where(CreditNote.bill_id == bill.id), at)


def settle_used(organization_id: int, *, at: datetime) -> None:
    """Settle the notes of an organization whose balance was used up."""
    _settle(select(CreditNote).where(CreditNote.organization_id == organization_id), at)


def red_recorded(note_id: int, *, by: Actor, at: datetime) -> None:
    """The last red fapiao that a note waited for is there."""
    note = db.session.get_one(CreditNote, note_id)
    db.lock(note)
    if note.status is CreditNoteStatus.AWAITING_RED_FAPIAO:
        _move(note, by, at)


def _settle(query: Select[CreditNote], at: datetime) -> None:
    open_notes = query.where(CreditNote.status == CreditNoteStatus.ISSUED).order_by(CreditNote.id)
    notes = db.session.scalars(open_notes.with_for_update(key_share=True)).all()
    for note in _done(notes):
        _move(note, audit.system("billing", organization_id=note.organization_id), at)


def _done(notes: Iterable[CreditNote]) -> Iterable[CreditNote]:
    unspent: dict[int, dict[int, int]] = {}
    for note in notes:
        bill = db.session.get_one(Bill, note.bill_id)
        if note.offset_fen and bill.status in DUE:
            continue
        if note.balance_fen:
            left = unspent.setdefault(note.organization_id, lots.unspent(note.organization_id))
            if left.get(note.id):
                continue
        if note.refund_fen and not _refunded(note):
            continue
        yield note


def _refunded(note: CreditNote) -> bool:
    status = db.session.scalar(select(RefundRequest.status).where(RefundRequest.credit_note_id == note.id))
    return status is not None and status in REFUND_LIFECYCLE.final


def _move(note: CreditNote, by: Actor, at: datetime) -> None:
    before = {"status": note.status.value}
    LIFECYCLE.move(note, CreditNoteStatus.SETTLED)
    note.settled_at = at
    audit.record(
        "credit_note.settled", note, by=by, at=at, organization_id=note.organization_id, before=before,
        after={"status": note.status.value},
    )  # fmt: skip


reds_recorded.connect(red_recorded)
