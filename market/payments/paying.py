"""Verbs of paying through a gateway: a bill, or the balance. Asked for twice, it is one payment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import accounts, audit, billing, db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import Bill
from market.kit import money
from market.kit.refusal import Refusal
from market.payments import stripe_gateway
from market.payments.following import cancel
from market.payments.models import Payment, PaymentPurpose, PaymentStatus, SavedCard
from market.payments.queries import open_payment_of
from market.payments.refusals import NothingToPay, TopUpInvalid, WayUnknown
from market.payments.stripe_way import StripeWay

#: Stripe takes no more at once.
MOST_FEN = 99_999_999
LEAST_TOP_UP_FEN = 100
_WAY = StripeWay()


def ways(amount_fen: int | None = None) -> tuple[str, ...]:
    """What can be paid with beside a bank transfer; nothing without a key, or for more than is taken at once."""
    too_much = amount_fen is not None and amount_fen > MOST_FEN
    return stripe_gateway.WAYS if stripe_gateway.ready() and not too_much else ()


def pay_with(
    bill: Bill, way: str, *, card: SavedCard | None = None, save_card: bool = False, by: Actor, at: datetime
) -> Payment:
    """Begin to pay what is owed on a bill by card, Alipay or WeChat Pay. One such payment of a bill is open at a time:
    another way closes the one before, unless its money is under way.

    Raises NothingToPay, WayUnknown.
    """
    save_card = save_card and way == "card" and card is None
    accounts.lock(bill.organization_id)
    db.lock(bill)
    if bill.status not in billing.DUE:
        raise NothingToPay
    if way not in ways(bill.owed_fen):
        raise WayUnknown
    known = open_payment_of(bill, _WAY.name)
    if known is not None:
        db.lock(known)
        same = (known.way, known.card_id, known.save_card, known.amount_fen) == (way, card.id if card else None, save_card, bill.owed_fen)
        if same or known.status is PaymentStatus.PROCESSING:
            return known
        cancel(known, by=by, at=at)
        db.session.flush()
    payment = Payment(
        bill=bill, organization_id=bill.organization_id, purpose=PaymentPurpose.BILL, amount_fen=bill.owed_fen, way=way,
        card_id=card.id if card else None, save_card=save_card,
    )  # fmt: skip
    return begin(payment, by, at)


def top_up(
    organization: Organization,
    amount_fen: int,
    *,
    way: str,
    card: SavedCard | None = None,
    save_card: bool = False,
    request_key: str,
    by: Actor,
    at: datetime,
) -> Payment:
    """Begin to put money to the balance. The same key is the same payment. Raises TopUpInvalid, WayUnknown."""
    accounts.lock(organization.id)
    known = db.session.scalar(select(Payment).where(Payment.request_key == request_key, Payment.organization_id == organization.id))
    if known is not None:
        return known
    if not LEAST_TOP_UP_FEN <= amount_fen <= MOST_FEN:
        limits = Refusal("充值金额要在 ¥%(least)s 到 ¥%(most)s 之间", least=money.text(LEAST_TOP_UP_FEN), most=money.text(MOST_FEN))
        raise TopUpInvalid(fields={"amount_fen": limits})
    if way not in ways():
        raise WayUnknown
    payment = Payment(
        bill=None, organization_id=organization.id, purpose=PaymentPurpose.TOP_UP, amount_fen=amount_fen, way=way, request_key=request_key,
        card_id=card.id if card else None, save_card=save_card and way == "card" and card is None,
    )  # fmt: skip
    return begin(payment, by, at)


def begin(payment: Payment, by: Actor, at: datetime) -> Payment:
    """Store a payment whose bill or firm is held; Stripe hears of it after the commit."""
    payment.gateway, payment.created_at, payment.status = _WAY.name, at, PaymentStatus.PENDING
    payment.failure = payment.failure_code = payment.page_url = payment.held = ""
    payment.asked_times = 0
    _WAY.prepare(payment)
    db.session.add(payment)
    db.session.flush()
    audit.record(
        "payment.started", payment, by=by, at=at, organization_id=payment.organization_id,
        after={"bill": str(payment.bill or ""), "gateway": _WAY.name, "way": payment.way, "amount_fen": payment.amount_fen},
    )  # fmt: skip
    db.on_commit(lambda: _WAY.collect(payment, at))
    return payment
