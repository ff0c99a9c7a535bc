"""The facts that belong in the books, read from where they are kept, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select

from market import db
from market.billing import Bill, BillStatus, BillTax, Reopening
from market.billing.credit_notes import (
    BalanceEntry,
    BalanceLot,
    CreditNote,
    CreditNoteLine,
    CreditNoteStatus,
    EntryKind,
    LotKind,
    LotMove,
    RefundRequest,
    RefundStatus,
)
from market.ledger import entries, gateway_facts, shares
from market.ledger.entries import Account, Entry, Given, Move
from market.ledger.gateway_facts import BY_HAND
from market.ledger.models import AccountKind, Event
from market.payments import Dispute, DisputeStatus, Payment, PaymentStatus
from market.payments.statements import WAITING, BankLine, BankStatement

_MONEY, _UNMATCHED = Account(AccountKind.CASH, BY_HAND), Account(AccountKind.UNMATCHED, BY_HAND)
#: Movements of a balance that are facts of their own; credit notes tell the others.
MOVEMENTS = {
    Event.DEPOSITED: EntryKind.DEPOSIT,
    Event.GRANTED: EntryKind.GRANTED,
    Event.EXPIRED: EntryKind.EXPIRED,
    Event.BALANCE_USED: EntryKind.APPLIED,
    Event.REFUND_ASKED: EntryKind.REFUND,
    Event.REFUND_RETURNED: EntryKind.RETURNED,
}
#: What the others are moved against, but for what is paid back.
_OTHERS = {
    EntryKind.APPLIED: AccountKind.RECEIVABLE, EntryKind.GRANTED: AccountKind.GRANTS, EntryKind.EXPIRED: AccountKind.GRANTS,
}  # fmt: skip
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
    query = query.where(~CreditNote.id.in_(_after_reopening(ids)))
    for bill_id, provider_id, fen in db.session.execute(query.group_by(CreditNote.bill_id, CreditNoteLine.provider_id)):
        sold[bill_id][provider_id] -= int(fen)
    for id, at in db.session.execute(select(Bill.id, Bill.paid_at).where(Bill.id.in_(ids))):
        rates = {provider_id: shares.rate() for provider_id in sold[id]}
        yield Entry(Event.BILL_PAID, id, _past(at), id, entries.paid(sold[id], rates))


def _after_reopening(bill_ids: Collection[int]) -> set[int]:
    """Notes on these bills that a sale shared before has come down by."""
    notes = db.session.scalars(select(CreditNote).where(CreditNote.bill_id.in_(bill_ids), CreditNote.offset_fen > 0)).all()
    return gateway_facts.reopened_before(notes)


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


def balances_moved(ids: Collection[int]) -> Iterator[Entry]:
    """Money that came for nothing in particular; a balance that pays a bill, is to be paid back, or is balance again."""
    event_of = {kind: event for event, kind in MOVEMENTS.items()}
    given = _granted(BalanceEntry.id.in_(ids))
    gateways = gateway_facts.gateways_of(ids)
    for entry in db.session.scalars(select(BalanceEntry).where(BalanceEntry.id.in_(ids))):
        granted, other = given.get(entry.id, 0), _other_side(entry, gateways)
        parts = (AccountKind.BALANCE, entry.amount_fen - granted), (AccountKind.GRANTED, granted)
        moves = [move for kind, fen in parts for move in entries.moved(Account(kind, entry.organization_id), other, -fen)]
        yield Entry(event_of[entry.kind], entry.id, entry.at, entry.bill_id, moves)


def _granted(which: ColumnElement[bool]) -> dict[int, int]:
    """What of movements went into lots that were given, or came from them; by the movement's number."""
    query = select(LotMove.entry_id, func.sum(LotMove.amount_fen)).join(LotMove.lot).join(LotMove.entry)
    query = query.where(which, BalanceLot.kind == LotKind.GRANTED).group_by(LotMove.entry_id)
    return {id: int(fen) for id, fen in db.session.execute(query)}


def _other_side(entry: BalanceEntry, gateways: Mapping[int, str]) -> Account:
    if entry.kind is EntryKind.DEPOSIT:
        return Account(AccountKind.CASH, gateways.get(entry.id, BY_HAND))
    return Account(_OTHERS.get(entry.kind, AccountKind.REFUNDS), entry.organization_id)


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


def credits_issued(ids: Collection[int]) -> Iterator[Entry]:
    """What credit notes take from providers and marketplace, and where it goes."""
    notes, lines = _notes(ids)
    unpaid = {note.id for note in notes if note.offset_fen} - gateway_facts.reopened_before(notes)
    standing = shares.of_bills({note.bill_id for note in notes if note.id not in unpaid})
    granted = _granted_back(notes)
    for note in notes:
        given = _given(note, granted.get(note.id, 0))
        if note.id in unpaid:
            moves = entries.credited_unpaid(given, lines[note.id])
        else:
            moves = entries.credited_paid(given, lines[note.id], standing[note.bill_id])
        yield Entry(Event.CREDIT_ISSUED, note.id, note.issued_at, note.bill_id, moves)


def credits_voided(ids: Collection[int]) -> Iterator[Entry]:
    """The same taken back: the bill asks for its money again."""
    notes, lines = _notes(ids)
    unpaid = {note.id for note in notes if note.offset_fen} - gateway_facts.reopened_before(notes)
    standing = shares.of_bills({note.bill_id for note in notes if note.id not in unpaid})
    granted = _granted_back(notes)
    for note in notes:
        given = _given(note, granted.get(note.id, 0))
        if note.id in unpaid:
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


def _granted_back(notes: Collection[CreditNote]) -> dict[int, int]:
    """What of notes went back into lots that were given, by the note's number."""
    of_note = BalanceEntry.credit_note_id.in_([note.id for note in notes])
    found = _granted(and_(BalanceEntry.kind == EntryKind.CREDIT, of_note))
    query = select(BalanceEntry.credit_note_id, BalanceEntry.id).where(BalanceEntry.id.in_(found))
    return {note_id or 0: found[id] for note_id, id in db.session.execute(query)} if found else {}


def _given(note: CreditNote, granted_fen: int) -> Given:
    return Given(note.organization_id, note.offset_fen, note.balance_fen - granted_fen, note.refund_fen, granted_fen)


#: How each kind of fact is read.
READERS: Mapping[Event, Reader] = {
    Event.BILL_ISSUED: bills_issued,
    Event.PAYMENT_ARRIVED: gateway_facts.payments_arrived,
    Event.TRANSFER_TAKEN: transfers_taken,
    Event.TRANSFER_SETTLED: transfers_settled,
    Event.DEPOSITED: balances_moved,
    Event.GRANTED: balances_moved,
    Event.EXPIRED: balances_moved,
    Event.BALANCE_USED: balances_moved,
    Event.REFUND_ASKED: balances_moved,
    Event.REFUND_RETURNED: balances_moved,
    Event.BILL_PAID: bills_paid,
    Event.CREDIT_ISSUED: credits_issued,
    Event.CREDIT_VOIDED: credits_voided,
    Event.REFUND_PAID: gateway_facts.refunds_paid,
    Event.DISPUTE_OPENED: gateway_facts.disputes_opened,
    Event.DISPUTE_WON: gateway_facts.disputes_won,
    Event.DISPUTE_LOST: gateway_facts.disputes_lost,
    Event.DISPUTE_SETTLED: gateway_facts.disputes_settled,
}

#: Paid once, shared for good, and reopened since.
_shared_before = Bill.id.in_(select(Reopening.bill_id).where(Reopening.was_paid))
_issued = and_(Bill.status != BillStatus.DRAFT, Bill.gross_fen > 0)
_WHICH: Mapping[Event, tuple[type[Any], ColumnElement[bool]]] = {
    Event.BILL_ISSUED: (Bill, _issued),
    Event.BILL_PAID: (Bill, or_(and_(Bill.status == BillStatus.PAID, Bill.gross_fen > Bill.credited_fen), _shared_before)),
    Event.PAYMENT_ARRIVED: (Payment, and_(Payment.status == PaymentStatus.SUCCEEDED, Payment.bill_id.is_not(None))),
    Event.TRANSFER_TAKEN: (BankLine, BankLine.amount_fen > 0),
    Event.TRANSFER_SETTLED: (BankLine, and_(BankLine.amount_fen > 0, BankLine.status.not_in(WAITING))),
    Event.REFUND_PAID: (RefundRequest, RefundRequest.status == RefundStatus.SUCCEEDED),
    Event.DISPUTE_OPENED: (Dispute, Dispute.id > 0),
    Event.DISPUTE_WON: (Dispute, Dispute.status == DisputeStatus.WON),
    Event.DISPUTE_LOST: (Dispute, Dispute.bill_fen > 0),
    Event.DISPUTE_SETTLED: (Dispute, Dispute.balance_fen + Dispute.claim_fen > 0),
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
    if model is Dispute:
        return query.join(Dispute.payment).where(Payment.bill_id.in_(bill_ids))
    return query.where(model.bill_id.in_(bill_ids))
