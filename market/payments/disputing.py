"""Disputes 争议: a cardholder's bank takes a payment back until it is decided whose the money is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from market import audit, billing, db
from market.audit import Actor
from market.billing import credit_notes
from market.payments import taking_back
from market.payments.found import FoundDispute
from market.payments.models import DISPUTE_LIFECYCLE, Dispute, DisputeStatus, Payment
from market.payments.outcomes import locked
from market.payments.signals import dispute_closed, dispute_opened

_S = DisputeStatus
#: How Stripe calls a dispute that takes no money: the bank only asks.
ONLY_ASKED = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")


def take_in(payment_id: int, found: FoundDispute, *, at: datetime) -> Dispute | None:
    """Note what the gateway says of a dispute; said twice, it is done once. None where no money has moved."""
    if found.status in ONLY_ASKED:
        return None
    payment = locked(payment_id)
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
    bill_fen, balance_fen, claim_fen = _owe_again(dispute, payment, by, at) if to is _S.LOST else (0, 0, 0)
    DISPUTE_LIFECYCLE.move(dispute, to)
    dispute.closed_at = at
    dispute.bill_fen, dispute.balance_fen, dispute.claim_fen = bill_fen, balance_fen, claim_fen
    db.session.flush()
    audit.record(
        f"dispute.{to.value}", dispute, by=by, at=at, organization_id=payment.organization_id, before={"status": _S.OPEN.value},
        after={"status": to.value, "bill_fen": dispute.bill_fen, "balance_fen": dispute.balance_fen, "claim_fen": dispute.claim_fen},
    )  # fmt: skip
    dispute_closed.send(dispute, at=at)


def _owe_again(dispute: Dispute, payment: Payment, by: Actor, at: datetime) -> tuple[int, int, int]:
    """First the bill that it paid asks again, then what of it became balance is taken back, or the bills ask again that
    this balance has paid; the rest is a claim."""
    bill_fen, paid_bill = 0, taking_back.paid_to_bill(payment)
    if payment.bill is not None and paid_bill > 0:
        bill_fen = billing.reopen(payment.bill, min(dispute.amount_fen, paid_bill), payment_id=payment.id, by=by, at=at)
    rest = dispute.amount_fen - bill_fen
    if (lacking := rest - credit_notes.purchased(payment.organization)) > 0:
        taking_back.free_spent(payment, lacking, by=by, at=at)
    balance_fen = min(rest, credit_notes.purchased(payment.organization))
    if balance_fen:
        credit_notes.take_back(payment.organization, balance_fen, at=at)
    return bill_fen, balance_fen, rest - balance_fen


def disputes_of(payment: Payment) -> Sequence[Dispute]:
    """A payment's disputes."""
    return db.session.scalars(select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.id)).all()


def disputes() -> Select[Any]:
    """All disputes with their payments, those that wait first."""
    query = select(Dispute).options(
        joinedload(Dispute.payment).joinedload(Payment.organization), joinedload(Dispute.payment).joinedload(Payment.bill)
    )
    return query.order_by(Dispute.status != _S.OPEN, Dispute.id.desc())


def open_disputes() -> int:
    """How many wait for the bank's decision."""
    return db.session.scalar(select(func.count()).select_from(Dispute).where(Dispute.status == _S.OPEN)) or 0


def disputed_among(shown: Sequence[Payment]) -> dict[int, DisputeStatus]:
    """Those of these payments whose money a bank holds or has kept; an open dispute counts before a lost one."""
    query = select(Dispute.payment_id, Dispute.status).where(Dispute.payment_id.in_([each.id for each in shown]))
    query = query.where(Dispute.status != _S.WON).order_by(Dispute.status == _S.OPEN, Dispute.id)
    return {id: status for id, status in db.session.execute(query)}
