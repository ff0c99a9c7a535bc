"""What gateways moved, as facts for the books: payments, refunds, disputes; and which gateway's money it was."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from market import db
from market.billing import reopened_bills
from market.billing.credit_notes import BalanceEntry, CreditNote, EntryKind, RefundRequest, RefundStatus
from market.ledger.entries import Account, Entry, Move, moved
from market.ledger.models import AccountKind, Event
from market.payments import Dispute, DisputeStatus, Payment, Refund

#: How money comes and goes that the bank tells of.
BY_HAND = "bank_transfer"


def payments_arrived(ids: Collection[int]) -> Iterator[Entry]:
    """Money that came for a bill; what of it became balance is told by the balance."""
    query = select(
        Payment.id, Payment.gateway, Payment.amount_fen, func.coalesce(BalanceEntry.amount_fen, 0), Payment.finished_at,
        Payment.bill_id, Payment.organization_id,
    ).outerjoin(BalanceEntry, BalanceEntry.id == Payment.balance_entry_id)  # fmt: skip
    for id, gateway, fen, over, at, bill_id, organization_id in db.session.execute(query.where(Payment.id.in_(ids))):
        cash, owed = Account(AccountKind.CASH, gateway), Account(AccountKind.RECEIVABLE, organization_id)
        yield Entry(Event.PAYMENT_ARRIVED, id, _past(at), bill_id, list(moved(cash, owed, fen - over)))


def gateways_of(entry_ids: Collection[int]) -> Mapping[int, str]:
    """Through which gateway deposits came that no transfer made, by the movement's number."""
    came = select(Payment.balance_entry_id, Payment.gateway).where(Payment.balance_entry_id.in_(entry_ids))
    back = _paid(BalanceEntry.id, Payment.gateway).join(BalanceEntry, BalanceEntry.refund_request_id == RefundRequest.id)
    back = back.where(BalanceEntry.id.in_(entry_ids), BalanceEntry.kind == EntryKind.DEPOSIT)
    return {id: gateway for query in (came, back) for id, gateway in db.session.execute(query) if id is not None}


def refunds_paid(ids: Collection[int]) -> Iterator[Entry]:
    """Money that went back, by bank or the way it came."""
    query = _paid(RefundRequest.id, Payment.gateway).where(RefundRequest.id.in_(ids))
    gateways = {id: gateway for id, gateway in db.session.execute(query)}
    for request in db.session.scalars(select(RefundRequest).where(RefundRequest.id.in_(ids))):
        owed = Account(AccountKind.REFUNDS, request.organization_id)
        cash = Account(AccountKind.CASH, gateways.get(request.id, BY_HAND))
        yield Entry(Event.REFUND_PAID, request.id, _past(request.settled_at), None, [Move(owed, cash, request.amount_fen)])


def disputes_opened(ids: Collection[int]) -> Iterator[Entry]:
    """The cardholder's bank has taken the money."""
    for dispute in _disputes(ids):
        kept, cash = _of(dispute)
        yield Entry(Event.DISPUTE_OPENED, dispute.id, dispute.opened_at, dispute.payment.bill_id, [Move(kept, cash, dispute.amount_fen)])


def disputes_won(ids: Collection[int]) -> Iterator[Entry]:
    """It came back."""
    for dispute in _disputes(ids):
        kept, cash = _of(dispute)
        yield Entry(Event.DISPUTE_WON, dispute.id, _past(dispute.closed_at), dispute.payment.bill_id, [Move(cash, kept, dispute.amount_fen)])


def disputes_lost(ids: Collection[int]) -> Iterator[Entry]:
    """It is gone, and the bill asks for it again."""
    for dispute in _disputes(ids):
        kept, owed = _of(dispute)[0], Account(AccountKind.RECEIVABLE, dispute.payment.organization_id)
        moves = list(moved(owed, kept, dispute.bill_fen))
        yield Entry(Event.DISPUTE_LOST, dispute.id, _past(dispute.closed_at), dispute.payment.bill_id, moves)


def disputes_settled(ids: Collection[int]) -> Iterator[Entry]:
    """What of lost disputes no bill asks for again: the balance is less by it, or it is a claim on the firm."""
    for dispute in _disputes(ids):
        kept, whose = _of(dispute)[0], dispute.payment.organization_id
        owed, balance = Account(AccountKind.RECEIVABLE, whose), Account(AccountKind.BALANCE, whose)
        moves = [*moved(balance, kept, dispute.balance_fen), *moved(owed, kept, dispute.claim_fen)]
        yield Entry(Event.DISPUTE_SETTLED, dispute.id, _past(dispute.closed_at), None, moves)


def reopened_before(notes: Collection[CreditNote]) -> set[int]:
    """Numbers of notes on bills that had been paid, and were reopened before: their sales are shared already."""
    since = reopened_bills([note.bill_id for note in notes])
    return {note.id for note in notes if note.bill_id in since and since[note.bill_id] <= note.issued_at}


def disputed() -> Mapping[str, int]:
    """What cardholders' banks keep until it is decided, by gateway."""
    return _sums(DisputeStatus.OPEN)


def gone() -> Mapping[str, int]:
    """What open and lost disputes have taken, by gateway."""
    return _sums(DisputeStatus.OPEN, DisputeStatus.LOST)


def paid_back() -> Mapping[str, int]:
    """What went back through gateways, be it that a bank sent it on to nobody later."""
    query = _paid(Payment.gateway, func.sum(Refund.amount_fen)).group_by(Payment.gateway)
    return {gateway: int(fen) for gateway, fen in db.session.execute(query)}


def came_back() -> Mapping[str, int]:
    """What of it did not reach its firm and is here again."""
    query = _paid(Payment.gateway, func.sum(BalanceEntry.amount_fen)).join(BalanceEntry, BalanceEntry.refund_request_id == RefundRequest.id)
    query = query.where(BalanceEntry.kind == EntryKind.DEPOSIT).group_by(Payment.gateway)
    return {gateway: int(fen) for gateway, fen in db.session.execute(query)}


def _paid(*columns: Any) -> Select[Any]:
    """Requests that a gateway has paid: they carry its own name of the refund."""
    query = select(*columns).select_from(Refund).join(Refund.payment).join(Refund.request)
    return query.where(RefundRequest.status == RefundStatus.SUCCEEDED, RefundRequest.bank_reference == Refund.gateway_reference)


def _sums(*states: DisputeStatus) -> Mapping[str, int]:
    query = select(Payment.gateway, func.sum(Dispute.amount_fen)).join(Dispute.payment).where(Dispute.status.in_(states))
    return {gateway: int(fen) for gateway, fen in db.session.execute(query.group_by(Payment.gateway))}


def _disputes(ids: Collection[int]) -> Collection[Dispute]:
    return db.session.scalars(select(Dispute).where(Dispute.id.in_(ids)).options(joinedload(Dispute.payment))).all()


def _of(dispute: Dispute) -> tuple[Account, Account]:
    gateway = dispute.payment.gateway
    return Account(AccountKind.DISPUTED, gateway), Account(AccountKind.CASH, gateway)


def _past(at: datetime | None) -> datetime:
    """When it happened, of what has happened."""
    assert at is not None
    return at
