"""Posting what the domains announce, in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from market import billing, db, payments
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import BalanceEntry, CreditNote, RefundRequest, RefundStatus
from market.ledger import facts, posting, shares
from market.ledger.models import Event
from market.payments import Dispute, DisputeStatus, Payment
from market.payments.statements import BankLine, BankStatement

_OF_KIND = {kind: event for event, kind in facts.MOVEMENTS.items()}


def listen() -> None:
    """Hear what is announced from now on; asked for twice it is heard once."""
    billing.bills_finalized.connect(_bills_finalized)
    billing.bill_paid.connect(_bill_paid)
    payments.payment_arrived.connect(_payment_arrived)
    payments.transfers_taken.connect(_transfers_taken)
    payments.transfer_settled.connect(_transfer_settled)
    payments.dispute_opened.connect(_dispute_opened)
    payments.dispute_closed.connect(_dispute_closed)
    credit_notes.balance_moved.connect(_balance_moved)
    credit_notes.credit_note_issued.connect(_credit_note_issued)
    credit_notes.credit_note_voided.connect(_credit_note_voided)
    credit_notes.refund_settled.connect(_refund_settled)


def _bills_finalized(bills: Sequence[Bill], *, at: datetime, **_: Any) -> None:
    posting.post(Event.BILL_ISSUED, [bill.id for bill in bills if bill.gross_fen], at=at)


def _bill_paid(bill: Bill, *, at: datetime, **_: Any) -> None:
    if bill.gross_fen:
        posting.post(Event.BILL_PAID, [bill.id], at=at)


def _payment_arrived(payment: Payment, *, at: datetime, **_: Any) -> None:
    if payment.bill_id is None:
        return  # the balance tells it
    posting.post(Event.PAYMENT_ARRIVED, [payment.id], at=at)


def _dispute_opened(dispute: Dispute, *, at: datetime, **_: Any) -> None:
    posting.post(Event.DISPUTE_OPENED, [dispute.id], at=at)


def _dispute_closed(dispute: Dispute, *, at: datetime, **_: Any) -> None:
    if dispute.status is DisputeStatus.WON:
        posting.post(Event.DISPUTE_WON, [dispute.id], at=at)
        return
    if dispute.bill_fen:
        posting.post(Event.DISPUTE_LOST, [dispute.id], at=at)
    if dispute.balance_fen + dispute.claim_fen:
        posting.post(Event.DISPUTE_SETTLED, [dispute.id], at=at)


def _transfers_taken(statement: BankStatement, *, at: datetime, **_: Any) -> None:
    lines = select(BankLine.id).where(BankLine.statement_id == statement.id, BankLine.amount_fen > 0)
    posting.post(Event.TRANSFER_TAKEN, db.session.scalars(lines).all(), at=at)


def _transfer_settled(line: BankLine, *, at: datetime, **_: Any) -> None:
    posting.post(Event.TRANSFER_SETTLED, [line.id], at=at)


def _balance_moved(entry: BalanceEntry, *, at: datetime, **_: Any) -> None:
    if entry.kind in _OF_KIND:
        posting.post(_OF_KIND[entry.kind], [entry.id], at=at)


def _credit_note_issued(note: CreditNote, *, at: datetime, **_: Any) -> None:
    if not note.offset_fen:
        _share_first(note.bill_id, at)
    posting.post(Event.CREDIT_ISSUED, [note.id], at=at)
    if note.offset_fen and note.bill.status is BillStatus.PAID:
        posting.post(Event.BILL_PAID, [note.bill_id], at=at)


def _credit_note_voided(note: CreditNote, *, at: datetime, **_: Any) -> None:
    if not note.offset_fen:
        _share_first(note.bill_id, at)
    posting.post(Event.CREDIT_VOIDED, [note.id], at=at)


def _refund_settled(request: RefundRequest, *, at: datetime, **_: Any) -> None:
    if request.status is RefundStatus.SUCCEEDED:
        posting.post(Event.REFUND_PAID, [request.id], at=at)


def _share_first(bill_id: int, at: datetime) -> None:
    """A bill that was paid before there were books has to stand in them before it is credited."""
    if not shares.of_bills([bill_id]):
        posting.post_bills([bill_id], at=at)
