"""Verbs of paying: begin, announce, confirm what arrived. Doing any of them twice is harmless."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from market import accounts, audit, billing, db
from market.accounts import Organization, User
from market.audit import Actor
from market.billing import Bill, credit_notes
from market.billing.credit_notes import BalanceEntry
from market.errors import NotFound
from market.kit import money
from market.kit.refusal import Refusal
from market.payments.bank_transfer import BankTransfer
from market.payments.following import follow
from market.payments.gateway import Gateways
from market.payments.models import LIFECYCLE, BankArrival, Payment, PaymentPurpose, PaymentStatus
from market.payments.queries import OPEN, arrival_days, open_payment_of
from market.payments.refusals import (
    AmountDiffers,
    AmountTooLarge,
    ArrivalInvalid,
    NotAwaited,
    NothingToPay,
    ReferenceTaken,
)
from market.payments.signals import payment_announced, payment_arrived
from market.payments.stripe_way import StripeWay

GATEWAYS = Gateways(BankTransfer(), StripeWay())

_LONGEST_REFERENCE = 64
_LONGEST_NAME = 100


class Slip(NamedTuple):
    """What the bank says of money that came."""

    amount_fen: int
    payer_name: str
    bank_reference: str
    arrived_on: date
    note: str = ""


def start(bill: Bill, gateway: str = BankTransfer.name, *, by: Actor, at: datetime) -> Payment:
    """Begin to pay what is still owed on a bill; a payment that is open already is returned as it is.

    Raises NothingToPay, NotFound for a gateway that is not set up.
    """
    way = GATEWAYS.named(gateway)
    if way.name != BankTransfer.name:
        raise NotFound  # begun with `pay_with`
    _lock(bill)
    if bill.status not in billing.DUE:
        raise NothingToPay
    known = open_payment_of(bill, gateway)
    if known is not None:
        return known
    payment = Payment(bill=bill, organization_id=bill.organization_id, gateway=gateway, amount_fen=bill.owed_fen, created_at=at)
    way.prepare(payment)
    db.session.add(payment)
    audit.record(
        "payment.started", payment, by=by, at=at, organization_id=bill.organization_id,
        after={"bill": str(bill), "gateway": gateway, "amount_fen": payment.amount_fen},
    )  # fmt: skip
    db.on_commit(lambda: way.collect(payment, at))
    return payment


def instructions(payment: Payment) -> Mapping[str, str]:
    """What the buyer types into her bank's form."""
    return GATEWAYS.named(payment.gateway).instructions(payment)


def announce(payment: Payment, *, by: Actor, at: datetime) -> None:
    """Note that the buyer says she has transferred the money. Raises NotAwaited when it is settled."""
    accounts.lock(payment.organization_id)
    _take(payment)
    if payment.announced_at is not None:
        return
    payment.announced_at = at
    audit.record(
        "payment.announced", payment, by=by, at=at, organization_id=payment.organization_id,
        after={"bill": str(payment.bill)},
    )  # fmt: skip
    payment_announced.send(payment, at=at)


def confirm_arrival(
    payment: Payment,
    *,
    amount_fen: int,
    payer_name: str,
    bank_reference: str,
    arrived_on: date,
    user: User,
    by: Actor,
    at: datetime,
    partial: bool = False,
    surplus: bool = False,
    note: str = "",
) -> BankArrival:
    """Book money that an administrator has seen on the account.

    Less than is owed is booked only with `partial`; what is left gets a payment with a code of its own. More is booked
    only with `surplus`; what is over becomes balance. The same bank reference for the same payment and amount returns
    the arrival that is there. The day has to be one of `arrival_days`.
    Raises NotAwaited, ReferenceTaken, AmountDiffers, AmountTooLarge, ArrivalInvalid.
    """
    payer_name, bank_reference, note = payer_name.strip(), bank_reference.strip(), note.strip()
    _check(payer_name, bank_reference, amount_fen, arrived_on, arrival_days(payment, at))
    _lock(payment.of_bill)
    booked = _booked(bank_reference)
    if booked is not None:
        if booked.payment_id == payment.id and booked.amount_fen == amount_fen:
            return booked
        raise ReferenceTaken(field="bank_reference", reference=bank_reference, code=str(booked.payment))
    _take(payment)
    _compare(amount_fen, payment.of_bill.owed_fen, partial=partial, surplus=surplus)
    slip = Slip(amount_fen, payer_name, bank_reference, arrived_on, note)
    return _book(payment, slip, user=user, by=by, at=at)


def book(bill: Bill, slip: Slip, *, user: User, by: Actor, at: datetime) -> BankArrival:
    """Book (part of) a line of the bank's statement on a bill that asks for at least so much.

    The bank says when the money came, be it before the buyer chose to pay this way.
    Raises NothingToPay, AmountTooLarge, ReferenceTaken.
    """
    payment = start(bill, by=by, at=at)
    db.session.flush()
    _compare(slip.amount_fen, bill.owed_fen, partial=True)
    return _book(payment, slip, user=user, by=by, at=at)


def book_surplus(organization: Organization, slip: Slip, *, user: User, by: Actor, at: datetime) -> Payment:
    """Book (part of) a line of the bank's statement that no bill asks for: it is balance, and has its receipt."""
    payment = Payment(
        bill=None, organization_id=organization.id, purpose=PaymentPurpose.TOP_UP, gateway=BankTransfer.name, amount_fen=slip.amount_fen,
        status=LIFECYCLE.initial, created_at=at,
    )  # fmt: skip
    db.session.add(payment)
    db.session.flush()
    _arrived(payment, slip, user, at)
    _succeed(payment, slip.amount_fen, at)
    _deposit(payment, slip.amount_fen, by, at, reason=slip.note)
    return payment


def _arrived(payment: Payment, slip: Slip, user: User, at: datetime) -> BankArrival:
    arrival = BankArrival(
        payment_id=payment.id, bank_reference=slip.bank_reference, amount_fen=slip.amount_fen, payer_name=slip.payer_name,
        arrived_on=slip.arrived_on, confirmed_by_id=user.id, confirmed_at=at, note=slip.note,
    )  # fmt: skip
    _store(arrival, payment)
    return arrival


def _book(payment: Payment, slip: Slip, *, user: User, by: Actor, at: datetime) -> BankArrival:
    bill = payment.of_bill
    arrival = _arrived(payment, slip, user, at)
    _succeed(payment, slip.amount_fen, at)
    audit.record(
        "payment.confirmed", payment, by=by, at=at, reason=slip.note, organization_id=bill.organization_id,
        after={"bill": str(bill), "amount_fen": slip.amount_fen, "payer": slip.payer_name, "bank_reference": slip.bank_reference},
    )  # fmt: skip
    part = min(slip.amount_fen, bill.owed_fen)
    billing.receive(bill, part, by=by, at=at)
    if slip.amount_fen > part:
        _deposit(payment, slip.amount_fen - part, by, at)
    payment_arrived.send(payment, at=at)
    follow(bill, at=at)
    if bill.owed_fen:
        start(bill, payment.gateway, by=by, at=at)
    return arrival


def _deposit(payment: Payment, fen: int, by: Actor, at: datetime, *, reason: str = "") -> None:
    """What came beyond the bill is the firm's, and noted at its payment."""

    def noted(entry: BalanceEntry) -> None:
        payment.balance_entry_id = entry.id
        db.session.flush()

    organization = db.session.get_one(Organization, payment.organization_id)
    credit_notes.deposit(organization, fen, by=by, at=at, reason=reason, noted=noted)


def _lock(bill: Bill) -> None:
    """Two people who act on one bill take turns; the second sees what the first did."""
    accounts.lock(bill.organization_id)
    db.lock(bill)


def _take(payment: Payment) -> None:
    db.session.refresh(payment, attribute_names=["status", "announced_at", "version"], with_for_update=True)
    if payment.status not in OPEN:
        raise NotAwaited


def _check(
    payer_name: str, bank_reference: str, amount_fen: int, arrived_on: date, days: tuple[date, date]
) -> None:
    wrong: dict[str, str | Refusal] = {}
    if amount_fen <= 0:
        wrong["amount_fen"] = "到账金额须大于 0"
    if not payer_name:
        wrong["payer_name"] = "填写付款户名，和银行回单上一致"
    if len(payer_name) > _LONGEST_NAME:
        wrong["payer_name"] = "付款户名太长，最多 100 个字"
    if not bank_reference:
        wrong["bank_reference"] = "填写银行流水号，和银行回单上一致"
    if len(bank_reference) > _LONGEST_REFERENCE:
        wrong["bank_reference"] = "银行流水号太长，最多 64 个字"
    first, last = days
    if not first <= arrived_on <= last:
        wrong["arrived_on"] = Refusal("到账日期要在 %(first)s 到 %(last)s 之间", first=first, last=last)
    if wrong:
        raise ArrivalInvalid(fields=wrong)


def _compare(arrived_fen: int, owed_fen: int, *, partial: bool, surplus: bool = False) -> None:
    arrived, owed, difference = map(money.text, (arrived_fen, owed_fen, abs(arrived_fen - owed_fen)))
    if arrived_fen > owed_fen and not surplus:
        raise AmountTooLarge(field="amount_fen", arrived=arrived, owed=owed, difference=difference)
    if arrived_fen < owed_fen and not partial:
        raise AmountDiffers(field="amount_fen", arrived=arrived, owed=owed, difference=difference)


def _booked(bank_reference: str) -> BankArrival | None:
    query = select(BankArrival).where(BankArrival.bank_reference == bank_reference)
    found = db.session.scalar(query)
    if found is not None:
        db.session.refresh(found, attribute_names=["payment"])
    return found


def _store(arrival: BankArrival, payment: Payment) -> None:
    """The unique key decides when two administrators enter the same slip at one moment."""
    try:
        with db.session.begin_nested():
            db.session.add(arrival)
        db.session.refresh(payment, attribute_names=["arrival"])
    except IntegrityError as error:
        raise ReferenceTaken(
            field="bank_reference", reference=arrival.bank_reference, code=str(payment)
        ) from error


def _succeed(payment: Payment, amount_fen: int, at: datetime) -> None:
    LIFECYCLE.move(payment, PaymentStatus.SUCCEEDED)
    payment.amount_fen = amount_fen
    payment.finished_at = at
