"""Where a balance goes back to: each lot to where its money came from, the rest by bank to the firm's account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from market import db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import credit_notes
from market.billing.credit_notes import OPEN_REFUNDS, BalanceLot, EntryKind, LotKind, RefundRequest, spending
from market.payments.bank_transfer import BankTransfer
from market.payments.models import Payment, PaymentStatus
from market.payments.queries import payment_by_id
from market.payments.refunding import refundable_fen


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
    left: dict[int, int] = {}
    for lot_id, fen in spending.taken(rests, amount_fen).items():
        for payment in _sources(known[lot_id]):
            can = left.setdefault(payment.id, _can_take(payment))
            fen -= _put(ways, payment, lot_id, min(can, fen), left)
        _put(ways, None, lot_id, fen, left)
    return sorted(ways.values(), key=lambda way: way.payment is None)


def ask_back(organization: Organization, amount_fen: int, *, request_key: str, by: Actor, at: datetime) -> Sequence[RefundRequest]:
    """Ask for (part of) the balance back, a request for each way it goes. The same key is the same requests.

    Raises what `credit_notes.ask` refuses.
    """
    db.session.execute(select(Organization.id).where(Organization.id == organization.id).with_for_update(key_share=True))
    mine = or_(RefundRequest.request_key == request_key, RefundRequest.request_key.startswith(f"{request_key}#", autoescape=True))
    query = select(RefundRequest).where(RefundRequest.organization_id == organization.id, mine).order_by(RefundRequest.id)
    if known := db.session.scalars(query).all():
        return known
    if not 0 < amount_fen <= credit_notes.purchased(organization):
        return [credit_notes.ask(organization, amount_fen, request_key=request_key, by=by, at=at)]  # which refuses it
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
    return next((payment for payment in found if _can_take(payment) >= request.amount_fen), None)


def _put(ways: dict[int | None, Way], payment: Payment | None, lot_id: int, fen: int, left: dict[int, int]) -> int:
    if fen <= 0:
        return 0
    way = ways.setdefault(payment.id if payment else None, Way(payment))
    way.fen += fen
    way.parts[lot_id] = way.parts.get(lot_id, 0) + fen
    if payment is not None:
        left[payment.id] -= fen
    return fen


def _sources(lot: BalanceLot) -> Sequence[Payment]:
    """The payments through a gateway that a lot's money may have come by, the newest first."""
    query = _by_gateway()
    if lot.entry.kind is EntryKind.DEPOSIT:
        query = query.where(Payment.balance_entry_id == lot.entry_id)
    elif lot.entry.credit_note is not None:
        query = query.where(Payment.bill_id == lot.entry.credit_note.bill_id)
    else:
        return []
    return db.session.scalars(query.order_by(Payment.id.desc())).all()


def _by_gateway() -> Select[Payment]:
    return select(Payment).where(Payment.status == PaymentStatus.SUCCEEDED, Payment.gateway != BankTransfer.name)


def _can_take(payment: Payment) -> int:
    """What can still go back through it, less what is asked for already."""
    asked = select(func.coalesce(func.sum(RefundRequest.amount_fen), 0))
    asked = asked.where(RefundRequest.payment_id == payment.id, RefundRequest.status.in_(OPEN_REFUNDS))
    return max(0, refundable_fen(payment) - int(db.session.scalar(asked) or 0))
