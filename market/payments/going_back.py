"""Where a balance goes back to: each lot to where its money came from, the rest by bank to the firm's account."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from market import accounts, db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import credit_notes
from market.billing.credit_notes import OPEN_REFUNDS, BalanceLot, EntryKind, LotKind, RefundRequest, spending
from market.payments.bank_transfer import BankTransfer
from market.payments.models import Payment, PaymentStatus
from market.payments.queries import payment_by_id
from market.payments.refunding import refundable_of


@dataclass
class Way:
    """So much goes back one way; without a payment by bank."""

    payment: Payment | None
    fen: int = 0
    #: Of which lots.
    parts: dict[int, int] = field(default_factory=dict)


def plan(organization: Organization, amount_fen: int) -> list[Way]:
    """Which ways so much of the balance would go back; no more than is the firm's own money."""
    lots = [lot for lot in credit_notes.left_of(organization) if lot.kind is LotKind.PURCHASED]
    known = {lot.id: lot for lot in lots}
    rests = [spending.Lot(lot.id, False, lot.rest_fen) for lot in lots]
    amount_fen = min(amount_fen, sum(lot.rest_fen for lot in lots))
    ways: dict[int | None, Way] = {}
    wanted = spending.taken(rests, amount_fen)
    sources = _sources([known[lot_id] for lot_id in wanted])
    left = _can_take([payment for some in sources.values() for payment in some])
    for lot_id, fen in wanted.items():
        for payment in sources[lot_id]:
            fen -= _put(ways, payment, lot_id, min(left[payment.id], fen), left)
        _put(ways, None, lot_id, fen, left)
    return sorted(ways.values(), key=lambda way: way.payment is None)


def ask_back(organization: Organization, amount_fen: int, *, request_key: str, by: Actor, at: datetime) -> Sequence[RefundRequest]:
    """Ask for (part of) the balance back, a request for each way it goes. The same key is the same requests.

    Raises what `credit_notes.ask` refuses.
    """
    accounts.lock(organization.id)
    mine = or_(RefundRequest.request_key == request_key, RefundRequest.request_key.startswith(f"{request_key}#", autoescape=True))
    query = select(RefundRequest).where(RefundRequest.organization_id == organization.id, mine).order_by(RefundRequest.id)
    if known := db.session.scalars(query).all():
        return known
    credit_notes.check_amount(organization, amount_fen)
    return [
        credit_notes.ask(
            organization, way.fen, request_key=f"{request_key}#{number}" if number else request_key, by=by, at=at,
            payment_id=way.payment.id if way.payment else None, parts=way.parts,
        )
        for number, way in enumerate(plan(organization, amount_fen))
    ]  # fmt: skip


def source_of(request: RefundRequest) -> Payment | None:
    """The payment that a request can go back through; of a credit note's, one of its bill that can take all of it."""
    if request.payment_id is not None:
        return payment_by_id(request.payment_id)
    if request.credit_note_id is None:
        return None
    note = db.session.get_one(credit_notes.CreditNote, request.credit_note_id)
    found = db.session.scalars(_by_gateway().where(Payment.bill_id == note.bill_id).order_by(Payment.id.desc())).all()
    can = _can_take(found)
    return next((payment for payment in found if can[payment.id] >= request.amount_fen), None)


def _put(ways: dict[int | None, Way], payment: Payment | None, lot_id: int, fen: int, left: dict[int, int]) -> int:
    if fen <= 0:
        return 0
    way = ways.setdefault(payment.id if payment else None, Way(payment))
    way.fen += fen
    way.parts[lot_id] = way.parts.get(lot_id, 0) + fen
    if payment is not None:
        left[payment.id] -= fen
    return fen


def _sources(lots: Collection[BalanceLot]) -> dict[int, list[Payment]]:
    """The payments through a gateway that each lot's money may have come by, the newest first."""
    deposits = {lot.id: lot.entry_id for lot in lots if lot.entry.kind is EntryKind.DEPOSIT}
    bills = {lot.id: lot.entry.credit_note.bill_id for lot in lots if lot.id not in deposits and lot.entry.credit_note is not None}
    came = Payment.balance_entry_id.in_(deposits.values()) | Payment.bill_id.in_(bills.values())
    found = db.session.scalars(_by_gateway().where(came).order_by(Payment.id.desc())).all()
    return {
        lot.id: [
            payment for payment in found
            if (payment.balance_entry_id == deposits[lot.id] if lot.id in deposits else lot.id in bills and payment.bill_id == bills[lot.id])
        ]
        for lot in lots
    }  # fmt: skip


def _by_gateway() -> Select[Payment]:
    return select(Payment).where(Payment.status == PaymentStatus.SUCCEEDED, Payment.gateway != BankTransfer.name)


def _can_take(payments: Collection[Payment]) -> dict[int, int]:
    """What can still go back through each, less what is asked for already."""
    asked = select(RefundRequest.payment_id, func.sum(RefundRequest.amount_fen)).group_by(RefundRequest.payment_id)
    asked = asked.where(RefundRequest.payment_id.in_([payment.id for payment in payments]), RefundRequest.status.in_(OPEN_REFUNDS))
    less = {id: int(fen) for id, fen in db.session.execute(asked)}
    return {id: max(0, fen - less.get(id, 0)) for id, fen in refundable_of(payments).items()}
