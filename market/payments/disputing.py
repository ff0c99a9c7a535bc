"""Disputes 争议: a cardholder's bank takes a payment back until it is decided whose the money is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from market import audit, billing, db
from market.accounts import Organization
from market.audit import Actor
from market.billing import BillStatus, credit_notes
from market.billing.credit_notes import BalanceEntry
from market.payments.found import FoundDispute
from market.payments.models import DISPUTE_LIFECYCLE, Dispute, DisputeStatus, Payment
from market.payments.outcomes import held_for_change
from market.payments.signals import dispute_closed, dispute_opened

_S = DisputeStatus
#: How Stripe calls a dispute that takes no money: the bank only asks.
ONLY_ASKED = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")


def take_in(payment_id: int, found: FoundDispute, *, at: datetime) -> Dispute | None:
    """Note what the gateway says of a dispute; said twice, it is done once. None where no money has moved."""
    if found.status in ONLY_ASKED:
        return None
    payment = held_for_change(payment_id)
    by = audit.system("stripe", organization_id=payment.organization_id)
    dispute = db.session.scalar(select(Dispute).where(Dispute.gateway_reference == found.reference))
    if dispute is None:
        dispute = _open(payment, found, by, at)
    if dispute.status is _S.OPEN and found.status in ("won", "lost"):
        _close(dispute, payment, _S(found.status), by, at)
    return dispute


def _open(payment: Payment, found: FoundDispute, by: Actor, at: datetime) -> Dispute:
    dispute = Dispute(
        payment_id=payment.id, gateway_reference=found.reference, amount_fen=found.amount, status=_S.OPEN, reason=found.reason,
        opened_at=found.opened_at, due_at=found.due_at, bill_fen=0, balance_fen=0, claim_fen=0,
        bill_was_paid=False,
    )  # fmt: skip
    dispute.payment = payment
    db.session.add(dispute)
    db.session.flush()
    audit.record(
        "dispute.opened", dispute, by=by, at=at, organization_id=payment.organization_id,
        after={"payment": str(payment), "amount_fen": dispute.amount_fen, "why": dispute.reason},
    )  # fmt: skip
    dispute_opened.send(dispute, at=at)
    return dispute


def _close(dispute: Dispute, payment: Payment, to: DisputeStatus, by: Actor, at: datetime) -> None:
    dispute.payment = payment
    was_paid = payment.bill is not None and payment.bill.status is BillStatus.PAID
    bill_fen, balance_fen, claim_fen = _owe_again(dispute, payment, by, at) if to is _S.LOST else (0, 0, 0)
    DISPUTE_LIFECYCLE.move(dispute, to)
    dispute.closed_at, dispute.bill_was_paid = at, was_paid and bill_fen > 0
    dispute.bill_fen, dispute.balance_fen, dispute.claim_fen = bill_fen, balance_fen, claim_fen
    db.session.flush()
    audit.record(
        f"dispute.{to.value}", dispute, by=by, at=at, organization_id=payment.organization_id, before={"status": _S.OPEN.value},
        after={"status": to.value, "bill_fen": dispute.bill_fen, "balance_fen": dispute.balance_fen, "claim_fen": dispute.claim_fen},
    )  # fmt: skip
    dispute_closed.send(dispute, at=at)


def _owe_again(dispute: Dispute, payment: Payment, by: Actor, at: datetime) -> tuple[int, int, int]:
    """First the bill that it paid asks again, then what of it became balance is taken back; the rest is a claim."""
    entry = db.session.get(BalanceEntry, payment.balance_entry_id) if payment.balance_entry_id else None
    paid_bill = payment.amount_fen - (entry.amount_fen if entry else 0) - _reopened(payment)
    bill_fen = 0
    if payment.bill is not None and paid_bill > 0:
        bill_fen = billing.reopen(payment.bill, min(dispute.amount_fen, paid_bill), by=by, at=at)
    rest = dispute.amount_fen - bill_fen
    balance_fen = min(rest, credit_notes.purchased(payment.organization))
    if balance_fen:
        credit_notes.take_back(payment.organization, balance_fen, at=at)
    return bill_fen, balance_fen, rest - balance_fen


def _reopened(payment: Payment) -> int:
    """What earlier disputes of the same payment have reopened."""
    query = select(func.coalesce(func.sum(Dispute.bill_fen), 0)).where(Dispute.payment_id == payment.id)
    return int(db.session.scalar(query) or 0)


def disputes_of(payment: Payment) -> Sequence[Dispute]:
    """A payment's disputes."""
    return db.session.scalars(select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.id)).all()


def disputes() -> Select[Any]:
    """All disputes with their payments, those that wait first."""
    query = select(Dispute).options(
        joinedload(Dispute.payment).joinedload(Payment.organization), joinedload(Dispute.payment).joinedload(Payment.bill)
    )
    return query.order_by(Dispute.status != _S.OPEN, Dispute.id.desc())


def open_disputes(organization: Organization | None = None) -> int:
    """How many wait for the bank's decision."""
    query = select(func.count()).select_from(Dispute).where(Dispute.status == _S.OPEN)
    if organization is not None:
        query = query.join(Dispute.payment).where(Payment.organization_id == organization.id)
    return db.session.scalar(query) or 0


def claims() -> int:
    """Fen of lost disputes that nothing could be taken from."""
    return int(db.session.scalar(select(func.coalesce(func.sum(Dispute.claim_fen), 0))) or 0)


def reopened_bills(bill_ids: Sequence[int]) -> dict[int, datetime]:
    """Bills that were paid to the last fen and a lost dispute has reopened, and when first."""
    query = select(Payment.bill_id, func.min(Dispute.closed_at)).join(Dispute.payment)
    query = query.where(Dispute.bill_fen > 0, Dispute.bill_was_paid, Payment.bill_id.in_(bill_ids)).group_by(Payment.bill_id)
    return {bill_id: at for bill_id, at in db.session.execute(query) if bill_id is not None and at is not None}
