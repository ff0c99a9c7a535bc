"""What a gateway says has become of a payment, taken into the books: once, in whatever order it is heard.

Nothing here believes a page that was returned to or a piece of news: `found` was asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from market import accounts, audit, billing, db
from market.audit import Actor
from market.billing import Bill, credit_notes
from market.payments import cards, failures
from market.payments.following import follow
from market.payments.found import Found, State
from market.payments.models import LIFECYCLE, Payment, PaymentPurpose, PaymentStatus
from market.payments.refusals import NothingHeld, NotYuan
from market.payments.signals import payment_arrived, payment_failed, payment_held
from market.payments.stripe_gateway import CURRENCY

_S = PaymentStatus
#: How long until a payment is asked about again, by how often it was already; the last one stays.
_PAUSES = (10, 20, 40, 60, 120, 300, 600, 1800, 3600)
#: Other money came and went back; the gateway goes on saying that it came.
SENT_BACK = "sent_back"


def locked(id: int) -> Payment:
    """The payment with its bill, held until the transaction ends. In one order, so that nobody waits for each other."""
    payment = db.session.get_one(Payment, id)
    accounts.lock(payment.organization_id)
    if payment.bill_id is not None:
        db.lock(db.session.get_one(Bill, payment.bill_id))
    db.lock(payment)
    db.session.refresh(payment, attribute_names=["bill", "organization"])
    return payment


def take_in(id: int, found: Found, *, at: datetime) -> PaymentStatus:
    """Note what a gateway says of a payment, and book what came. Said twice, it is done once."""
    payment = locked(id)
    by = audit.system("stripe", organization_id=payment.organization_id)
    payment.session_id = found.session_id or payment.session_id
    payment.intent_id = found.intent_id or payment.intent_id
    if payment.status is _S.SUCCEEDED or payment.held or payment.failure_code == SENT_BACK:
        payment.ask_at = None
        return payment.status
    if found.state is State.SUCCEEDED:
        _came(payment, found, by, at)
    elif found.state in (State.FAILED, State.CANCELED):
        _ended(payment, found, by, at)
    elif payment.status in (_S.PENDING, _S.PROCESSING):
        _goes_on(payment, found, by, at)
    else:
        wait(payment, at)
    return payment.status


def wait(payment: Payment, at: datetime) -> None:
    """Ask again, later and later."""
    payment.ask_at = at + timedelta(seconds=_PAUSES[min(payment.asked_times, len(_PAUSES) - 1)])
    payment.asked_times += 1


def _came(payment: Payment, found: Found, by: Actor, at: datetime) -> None:
    if found.amount != payment.amount_fen or found.currency != CURRENCY:
        payment.held, payment.ask_at = f"{found.currency} {found.amount}", None
        if payment.status is _S.PENDING:
            LIFECYCLE.move(payment, _S.PROCESSING)
        audit.record(
            "payment.held", payment, by=by, at=at, organization_id=payment.organization_id,
            after={"asked_fen": payment.amount_fen, "came": payment.held},
        )  # fmt: skip
        payment_held.send(payment, at=at)
        return
    if found.card is not None:
        cards.keep(payment.organization_id, found.card, by=by, at=at)
    book(payment, by=by, at=at)


def book(payment: Payment, *, by: Actor, at: datetime, reason: str = "") -> None:
    """The money is there: what the bill still asks for goes to it, what is over to the balance."""
    before = {"status": payment.status.value}
    LIFECYCLE.move(payment, _S.SUCCEEDED)
    payment.finished_at, payment.ask_at = at, None
    payment.failure = payment.failure_code = payment.page_url = payment.held = ""
    bill = payment.bill
    part = min(payment.amount_fen, bill.owed_fen) if bill is not None and bill.status in billing.DUE else 0
    audit.record(
        "payment.collected", payment, by=by, at=at, reason=reason, before=before, organization_id=payment.organization_id,
        after={"status": payment.status.value, "bill": str(bill or ""), "amount_fen": payment.amount_fen, "bill_fen": part},
    )  # fmt: skip
    if payment.amount_fen > part:
        credit_notes.deposit(
            payment.organization, payment.amount_fen - part, by=by, at=at, noted=lambda entry: _became(payment, entry.id)
        )
    if bill is not None and part:
        billing.receive(bill, part, by=by, at=at)
        follow(bill, at=at)
    payment_arrived.send(payment, at=at)


def _became(payment: Payment, entry_id: int) -> None:
    payment.balance_entry_id = entry_id
    db.session.flush()


def _ended(payment: Payment, found: Found, by: Actor, at: datetime) -> None:
    unseen = payment.unattended or (payment.status is _S.PROCESSING and not payment.page_url)
    payment.ask_at, payment.page_url = None, ""
    to = _S.FAILED if found.state is State.FAILED else _S.CANCELED
    if not LIFECYCLE.allows(payment.status, to):
        return
    before = {"status": payment.status.value}
    LIFECYCLE.move(payment, to)
    payment.finished_at, payment.failure_code = at, found.failure_code
    payment.failure = failures.why_not_paid(found.failure_code, payment.way) if found.failure_code else ""
    audit.record(
        f"payment.{to.value}", payment, by=by, at=at, before=before, organization_id=payment.organization_id,
        after={"status": to.value, "code": found.failure_code},
    )  # fmt: skip
    if to is _S.FAILED:
        payment_failed.send(payment, unseen=unseen, at=at)


def _goes_on(payment: Payment, found: Found, by: Actor, at: datetime) -> None:
    payment.page_url = found.url
    wait(payment, at)
    if found.state is not State.OPEN and payment.status is _S.PENDING:
        LIFECYCLE.move(payment, _S.PROCESSING)
        audit.record(
            "payment.processing", payment, by=by, at=at, organization_id=payment.organization_id,
            after={"status": payment.status.value, "waits_for": "buyer" if found.state is State.ACTION else "gateway"},
        )  # fmt: skip


def accept_held(payment: Payment, *, note: str, by: Actor, at: datetime) -> None:
    """Book what came although it is not what was asked for; in yuan only. Raises NothingHeld, NotYuan."""
    payment = locked(payment.id)
    currency, amount = _held(payment)
    if currency != CURRENCY:
        raise NotYuan
    payment.amount_fen = amount
    book(payment, by=by, at=at, reason=note)


def send_held_back(payment: Payment, *, reference: str, by: Actor, at: datetime) -> None:
    """It was given back in the gateway's own pages; nothing of it was ever booked. Raises NothingHeld."""
    payment = locked(payment.id)
    _held(payment)
    if payment.status not in (_S.CANCELED, _S.FAILED):  # other money may come after its end too
        LIFECYCLE.move(payment, _S.CANCELED)
    came, payment.held, payment.finished_at = payment.held, "", at
    payment.failure_code, payment.failure = SENT_BACK, failures.words_for(SENT_BACK)
    audit.record(
        "payment.sent_back", payment, by=by, at=at, organization_id=payment.organization_id,
        after={"came": came, "reference": reference},
    )  # fmt: skip


def _held(payment: Payment) -> tuple[str, int]:
    if not payment.held:
        raise NothingHeld
    currency, _, amount = payment.held.partition(" ")
    return currency, int(amount)


def is_top_up(payment: Payment) -> bool:
    """Whether it is for the balance and no bill."""
    return payment.purpose is PaymentPurpose.TOP_UP
