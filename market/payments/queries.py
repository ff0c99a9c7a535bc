"""Questions about payments. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from market import db
from market.accounts import Organization
from market.billing import Bill
from market.billing.credit_notes import BalanceEntry
from market.errors import NotFound
from market.kit.period import local_day
from market.payments.bank_transfer import BankTransfer
from market.payments.models import BankArrival, Payment, PaymentStatus
from market.payments.remittance import tidy

#: Payments that money may still come for.
OPEN = frozenset({PaymentStatus.PENDING, PaymentStatus.PROCESSING})


def payment_of(organization: Organization, id: int) -> Payment:
    """One payment for an organization's bill, with the bill and what arrived. Raises NotFound for a stranger's."""
    return _found(_with_bill().where(Payment.id == id, Payment.organization_id == organization.id))


def transfer_of(organization: Organization, id: int) -> Payment:
    """A bank transfer for a bill of an organization. Raises NotFound for a stranger's, or for another kind of payment."""
    payment = payment_of(organization, id)
    if payment.gateway != BankTransfer.name or payment.bill_id is None:
        raise NotFound
    return payment


def payments_of(organization: Organization) -> Select[Payment]:
    """All payments of an organization, newest first."""
    return _with_bill().where(Payment.organization_id == organization.id).order_by(Payment.id.desc())


def gateway_payments(view: str = "") -> Select[Payment]:
    """Payments through gateways, newest first: all, or those `held`, `open`, `failed` or `done`."""
    query = _with_bill().where(Payment.gateway != BankTransfer.name)
    if view == "held":
        query = query.where(Payment.held != "")
    elif view == "open":
        query = query.where(Payment.status.in_(OPEN), Payment.held == "")
    elif view == "failed":
        query = query.where(Payment.status.in_([PaymentStatus.FAILED, PaymentStatus.CANCELED]))
    elif view == "done":
        query = query.where(Payment.status == PaymentStatus.SUCCEEDED)
    return query.order_by(Payment.id.desc())


def gateway_payment(id: int) -> Payment:
    """One payment through a gateway, for administrators. Raises NotFound."""
    payment = payment_by_id(id)
    if payment.gateway == BankTransfer.name:
        raise NotFound
    return payment


def transfer_by_id(id: int) -> Payment:
    """One bank transfer for a bill, for administrators. Raises NotFound."""
    payment = payment_by_id(id)
    if payment.gateway != BankTransfer.name or payment.bill_id is None:
        raise NotFound
    return payment


def deposited_fen(payment: Payment) -> int:
    """What of a payment became balance."""
    if payment.balance_entry_id is None:
        return 0
    return db.session.get_one(BalanceEntry, payment.balance_entry_id).amount_fen


def payment_by_id(id: int) -> Payment:
    """Any payment, for administrators. Raises NotFound."""
    return _found(_with_bill().where(Payment.id == id))


def open_payment_of(bill: Bill, gateway: str) -> Payment | None:
    """The payment of a bill through one gateway that money may still come for."""
    query = _with_bill().where(Payment.bill_id == bill.id, Payment.gateway == gateway, Payment.status.in_(OPEN))
    return db.session.scalar(query)


def awaiting(code: str = "") -> Select[Payment]:
    """Payments that money may still come for: announced ones first, oldest first.

    `code` narrows to bills that were ever given such a code: a second part may carry the first one's.
    """
    query = _with_bill().where(Payment.status.in_(OPEN), Payment.gateway == BankTransfer.name)
    if code.strip():
        named = aliased(Payment)
        like = named.remittance_code.contains(tidy(code), autoescape=True)
        query = query.where(Payment.bill_id.in_(select(named.bill_id).where(like)))
    return query.order_by(Payment.announced_at.is_(None), Payment.announced_at, Payment.id)


def settled() -> Select[Payment]:
    """Transfers for bills whose money has arrived, newest first."""
    query = _with_bill().where(Payment.status == PaymentStatus.SUCCEEDED, Payment.gateway == BankTransfer.name)
    query = query.where(Payment.bill_id.is_not(None))
    return query.order_by(Payment.finished_at.desc(), Payment.id.desc())


def arrivals_of(bill: Bill) -> Sequence[BankArrival]:
    """What has arrived for a bill, oldest first, with the payment."""
    query = select(BankArrival).join(BankArrival.payment).where(Payment.bill_id == bill.id)
    return db.session.scalars(query.options(contains_eager(BankArrival.payment)).order_by(BankArrival.id)).all()


def last_arrivals(organization: Organization, *, most: int = 3) -> Sequence[BankArrival]:
    """An organization's newest transfers that arrived, with payment and bill: where money is paid back to."""
    query = select(BankArrival).join(BankArrival.payment).where(Payment.organization_id == organization.id)
    query = query.options(contains_eager(BankArrival.payment).joinedload(Payment.bill))
    return db.session.scalars(query.order_by(BankArrival.id.desc()).limit(most)).all()


def arrival_days(payment: Payment, at: datetime) -> tuple[date, date]:
    """First and last local day on which money for a payment may have arrived: from the bill's first payment to today.

    A second part may have come before the first was booked, and so before its own payment was begun.
    """
    query = select(func.min(Payment.created_at)).where(Payment.bill_id == payment.bill_id)
    return local_day(db.session.scalar(query) or payment.created_at), local_day(at)


def _with_bill() -> Select[Payment]:
    query = select(Payment).outerjoin(Payment.bill).options(joinedload(Payment.arrival), joinedload(Payment.organization))
    return query.options(contains_eager(Payment.bill).joinedload(Bill.organization))


def _found(query: Select[Payment]) -> Payment:
    payment = db.session.scalar(query)
    if payment is None:
        raise NotFound
    return payment
