"""Letters about payments through gateways that somebody has to look at: other money than was asked for, what failed
unseen, disputes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import joinedload

from market import accounts, db, payments
from market.accounts import OrganizationKind, User
from market.kit.period import local_day
from market.notifications import addressees
from market.payments import Dispute, DisputeStatus, Payment, SavedCard


def listen() -> None:
    """From now on people are told."""
    payments.payment_held.connect(_held)
    payments.payment_failed.connect(_failed)
    payments.dispute_opened.connect(_opened)
    payments.dispute_closed.connect(_closed)


def _held(payment: Payment, *, at: datetime, **_: Any) -> None:
    addressees.send(f"payment_held.{payment.id}", "payment_held", _clerks(), at, payment=payment, buyer=payment.organization)


def _failed(payment: Payment, *, unseen: bool, at: datetime, **_: Any) -> None:
    """Nobody was there to see that the saved card was not taken, or that a wallet did not confirm in the end."""
    if not unseen:
        return
    payers = addressees.members(payment.organization_id, OrganizationKind.BUYER, "bills.pay")
    if payment.unattended:
        card = db.session.get_one(SavedCard, payment.card_id)
        addressees.send(f"charge_failed.{payment.id}", "charge_failed", payers, at, payment=payment, bill=payment.of_bill, card=card)
        return
    bill = payment.bill
    page = f"bills/{bill.id}/pay" if bill else f"balance/top-up?fen={payment.amount_fen}&way={payment.way}"
    addressees.send(f"payment_failed.{payment.id}", "payment_failed", payers, at, payment=payment, bill=bill, page=page)


def _opened(dispute: Dispute, *, at: datetime, **_: Any) -> None:
    _tell("dispute_opened", dispute, at)


def _closed(dispute: Dispute, *, at: datetime, **_: Any) -> None:
    _tell("dispute_lost" if dispute.status is DisputeStatus.LOST else "dispute_won", dispute, at)


def _tell(event: str, dispute: Dispute, at: datetime) -> None:
    """The firm reads what became of its payment, the office what it has to do."""
    payment = db.session.get_one(Payment, dispute.payment_id, options=[joinedload(Payment.organization)])
    due = local_day(dispute.due_at) if dispute.due_at else None
    payers = addressees.members(payment.organization_id, OrganizationKind.BUYER, "bills.pay")
    for side, people in (("console/payments", payers), ("admin/payments/gateway", _clerks())):
        addressees.send(
            f"{event}.{dispute.id}", event, people, at, dispute=dispute, payment=payment, buyer=payment.organization, due=due, side=side
        )


def _clerks() -> Sequence[User]:
    offices = db.session.scalars(accounts.organizations(OrganizationKind.PLATFORM)).all()
    return [clerk for office in offices for clerk in addressees.members(office.id, OrganizationKind.PLATFORM, "payments.confirm")]
