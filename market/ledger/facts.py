"""The facts that belong in the books, read from where they are kept, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, select

from market import db
from market.billing import Bill, BillStatus, BillTax
from market.billing.credit_notes import (
    BalanceEntry,
    CreditNote,
    CreditNoteLine,
    CreditNoteStatus,
    EntryKind,
    RefundRequest,
    RefundStatus,
)
from market.ledger import entries, shares
from market.ledger.entries import Account, Entry, Given, Move
from market.ledger.models import AccountKind, Event
from market.payments import Payment, PaymentStatus
from market.payments.statements import WAITING, BankLine, BankStatement

#: How money comes and goes that the bank tells of.
BY_HAND = "bank_transfer"
_MONEY, _UNMATCHED = Account(AccountKind.CASH, BY_HAND), Account(AccountKind.UNMATCHED, BY_HAND)
#: Movements of a balance that are facts of their own; credit notes tell the others.
MOVEMENTS = {
    Event.DEPOSITED: EntryKind.DEPOSIT,
    Event.BALANCE_USED: EntryKind.APPLIED,
    Event.REFUND_ASKED: EntryKind.REFUND,
    Event.REFUND_RETURNED: EntryKind.RETURNED,
}
Reader = Callable[[Collection[int]], Iterator[Entry]]


def bills_issued(ids: Collection[int]) -> Iterator[Entry]:
    """What each bill asks for, by provider."""
    query = select(Bill.id, Bill.organization_id, Bill.issued_at).where(Bill.id.in_(ids))
    sold = _sold(ids)
    for id, organization_id, at in db.session.execute(query):
        yield Entry(Event.BILL_ISSUED, id, _past(at), id, entries.issued(organization_id, sold[id]))


def bills_paid(ids: Collection[int]) -> Iterator[Entry]:
    """What stands of each paid bill: what credit notes took off while it was not paid is not shared."""
    sold = _sold(ids)
    query = select(CreditNote.bill_id, CreditNoteLine.provider_id, func.sum(CreditNoteLine.gross_fen)).join(CreditNoteLine.credit_note)
    query = query.where(CreditNote.bill_id.in_(ids), CreditNote.offset_fen > 0, CreditNote.status != CreditNoteStatus.VOID)
    for bill_id, provider_id, fen in db.session.execute(query.group_by(CreditNote.bill_id, CreditNoteLine.provider_id)):
        sold[bill_id][provider_id] -= int(fen)
    for id, at in db.session.execute(select(Bill.id, Bill.paid_at).where(Bill.id.in_(ids))):
        rates = {provider_id: shares.rate() for provider_id in sold[id]}
        yield Entry(Event.BILL_PAID, id, _past(at), id, entries.paid(sold[id], rates))


def _past(at: datetime | None) -> datetime:
    """When it happened, of what has happened."""
    assert at is not None
    return at


def _sold(bill_ids: Collection[int]) -> dict[int, dict[int, int]]:
    query = select(BillTax.bill_id, BillTax.provider_id, func.sum(BillTax.gross_fen)).where(BillTax.bill_id.in_(bill_ids))
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for bill_id, provider_id, fen in db.session.execute(query.group_by(BillTax.bill_id, BillTax.provider_id)):
        found[bill_id][provider_id] = int(fen)
    return found


def payments_arrived(ids: Collection[int]) -> Iterator[Entry]:
    """Money that came for a bill."""
    query = select(Payment.id, Payment.gateway, Payment.amount_fen, Payment.finished_at, Payment.bill_id, Bill.organization_id)
    for id, gateway, fen, at, bill_id, organization_id in db.session.execute(query.join(Payment.bill).where(Payment.id.in_(ids))):
        cash, owed = Account(AccountKind.CASH, gateway), Account(AccountKind.RECEIVABLE, organization_id)
        yield Entry(Event.PAYMENT_ARRIVED, id, _past(at), bill_id, [Move(cash, owed, fen)])


def balances_moved(ids: Collection[int]) -> Iterator[Entry]:
    """Money that came for nothing in particular; a balance that pays a bill, is to be paid back, or is balance again."""
    event_of = {kind: event for event, kind in MOVEMENTS.items()}
    for entry in db.session.scalars(select(BalanceEntry).where(BalanceEntry.id.in_(ids))):
        balance = Account(AccountKind.BALANCE, entry.organization_id)
        moves = list(entries.moved(balance, _other_side(entry), -entry.amount_fen))
        yield Entry(event_of[entry.kind], entry.id, entry.at, entry.bill_id, moves)


def _other_side(entry: BalanceEntry) -> Account:
    if entry.kind is EntryKind.DEPOSIT:
        return _MONEY
    kind = AccountKind.RECEIVABLE if entry.kind is EntryKind.APPLIED else AccountKind.REFUNDS
    return Account(kind, entry.organization_id)


def transfers_taken(ids: Collection[int]) -> Iterator[Entry]:
    """Money on the bank's statement, before anybody says what it is for."""
    query = select(BankLine.id, BankLine.amount_fen, BankStatement.finished_at).join(BankLine.statement).where(BankLine.id.in_(ids))
    for id, fen, at in db.session.execute(query):
        yield Entry(Event.TRANSFER_TAKEN, id, _past(at), None, [Move(_MONEY, _UNMATCHED, fen)])


def transfers_settled(ids: Collection[int]) -> Iterator[Entry]:
    """It is known what it is for: payments and deposits tell that, or it went back."""
    query = select(BankLine.id, BankLine.amount_fen, BankLine.handled_at).where(BankLine.id.in_(ids))
    for id, fen, at in db.session.execute(query):
        yield Entry(Event.TRANSFER_SETTLED, id, _past(at), None, [Move(_UNMATCHED, _MONEY, fen)])


def refunds_paid(ids: Collection[int]) -> Iterator[Entry]:
    """Money that went back."""
    query = select(RefundRequest).where(RefundRequest.id.in_(ids))
    for request in db.session.scalars(query):
        owed = Account(AccountKind.REFUNDS, request.organization_id)
        yield Entry(Event.REFUND_PAID, request.id, _past(request.settled_at), None, [Move(owed, _MONEY, request.amount_fen)])


def credits_issued(ids: Collection[int]) -> Iterator[Entry]:
    """What credit notes take from providers and marketplace, and where it goes."""
    notes, lines = _notes(ids)
    standing = shares.of_bills({note.bill_id for note in notes if not note.offset_fen})
    for note in notes:
        given = _given(note)
        if note.offset_fen:
            moves = entries.credited_unpaid(given, lines[note.id])
        else:
            moves = entries.credited_paid(given, lines[note.id], standing[note.bill_id])
        yield Entry(Event.CREDIT_ISSUED, note.id, note.issued_at, note.bill_id, moves)


def credits_voided(ids: Collection[int]) -> Iterator[Entry]:
    """The same taken back: the bill asks for its money again."""
    notes, lines = _notes(ids)
    standing = shares.of_bills({note.bill_id for note in notes if not note.offset_fen})
    for note in notes:
        given = _given(note)
        if note.offset_fen:
            moves = entries.turned(entries.credited_unpaid(given, lines[note.id]))
        else:
            moves = entries.voided_paid(given, lines[note.id], standing[note.bill_id])
        yield Entry(Event.CREDIT_VOIDED, note.id, _past(note.voided_at), note.bill_id, moves)


def _notes(ids: Collection[int]) -> tuple[list[CreditNote], Mapping[int, Mapping[int, int]]]:
    """The notes in the order they were issued, and what of each is whose."""
    query = select(CreditNoteLine.credit_note_id, CreditNoteLine.provider_id, func.sum(CreditNoteLine.gross_fen))
    query = query.where(CreditNoteLine.credit_note_id.in_(ids)).group_by(CreditNoteLine.credit_note_id, CreditNoteLine.provider_id)
    lines: dict[int, dict[int, int]] = defaultdict(dict)
    for note_id, provider_id, fen in db.session.execute(query):
        lines[note_id][provider_id] = int(fen)
    return list(db.session.scalars(select(CreditNote).where(CreditNote.id.in_(ids)).order_by(CreditNote.id))), lines


def _given(note: CreditNote) -> Given:
    return Given(note.organization_id, note.offset_fen, note.balance_fen, note.refund_fen)


#: How each kind of fact is read.
READERS: Mapping[Event, Reader] = {
    Event.BILL_ISSUED: bills_issued,
    Event.PAYMENT_ARRIVED: payments_arrived,
    Event.TRANSFER_TAKEN: transfers_taken,
    Event.TRANSFER_SETTLED: transfers_settled,
    Event.DEPOSITED: balances_moved,
    Event.BALANCE_USED: balances_moved,
    Event.REFUND_ASKED: balances_moved,
    Event.REFUND_RETURNED: balances_moved,
    Event.BILL_PAID: bills_paid,
    Event.CREDIT_ISSUED: credits_issued,
    Event.CREDIT_VOIDED: credits_voided,
    Event.REFUND_PAID: refunds_paid,
}

_issued = and_(Bill.status != BillStatus.DRAFT, Bill.gross_fen > 0)
_WHICH: Mapping[Event, tuple[type[Any], ColumnElement[bool]]] = {
    Event.BILL_ISSUED: (Bill, _issued),
    Event.BILL_PAID: (Bill, and_(Bill.status == BillStatus.PAID, Bill.gross_fen > Bill.credited_fen)),
    Event.PAYMENT_ARRIVED: (Payment, Payment.status == PaymentStatus.SUCCEEDED),
    Event.TRANSFER_TAKEN: (BankLine, BankLine.amount_fen > 0),
    Event.TRANSFER_SETTLED: (BankLine, and_(BankLine.amount_fen > 0, BankLine.status.not_in(WAITING))),
    Event.REFUND_PAID: (RefundRequest, RefundRequest.status == RefundStatus.SUCCEEDED),
    Event.CREDIT_ISSUED: (CreditNote, CreditNote.id > 0),
    Event.CREDIT_VOIDED: (CreditNote, CreditNote.status == CreditNoteStatus.VOID),
    **{event: (BalanceEntry, BalanceEntry.kind == kind) for event, kind in MOVEMENTS.items()},
}


def ids(event: Event, *, bill_ids: Collection[int] | None = None) -> Select[int]:
    """The numbers of all facts of a kind; `bill_ids` narrows to those that say something of these bills."""
    model, which = _WHICH[event]
    query = select(model.id).where(which)
    if bill_ids is None:
        return query
    if model is Bill:
        return query.where(Bill.id.in_(bill_ids))
    if model in (RefundRequest, BankLine):
        return query.where(false())
    return query.where(model.bill_id.in_(bill_ids))
