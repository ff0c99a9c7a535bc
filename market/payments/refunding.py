"""Money going back through the gateway that it came by. What it settles stands in the books as a request to pay back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import accounts, audit, db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import credit_notes
from market.billing.credit_notes import RefundRequest
from market.kit import money
from market.payments import failures, stripe_gateway
from market.payments.found import FoundRefund, State, Unknown, Unreachable
from market.payments.models import (
    REFUND_LIFECYCLE,
    Dispute,
    DisputeStatus,
    GatewayRefundStatus,
    Payment,
    PaymentStatus,
    Refund,
)
from market.payments.refusals import NotRefundable, RefundTooLarge

log = structlog.get_logger(__name__)
_S = GatewayRefundStatus
#: Refunds that money may still go out for.
UNDER_WAY = frozenset({_S.PENDING, _S.PROCESSING})
_PAUSES = (10, 30, 60, 300, 1800, 3600)
_AT_ONCE = 50
#: Days after which a refund that has gone out is looked at once more: a bank may send it back.
_LATER = (1, 7, 30)


def refundable_fen(payment: Payment) -> int:
    """What of a payment can still go back the way it came; nothing of a bank transfer, which is paid back by hand."""
    return refundable_of([payment])[payment.id]


def refundable_of(payments: Collection[Payment]) -> dict[int, int]:
    """The same of several payments, by their numbers."""
    ids = [payment.id for payment in payments]
    gone = select(Refund.payment_id, func.sum(Refund.amount_fen)).group_by(Refund.payment_id)
    gone = gone.where(Refund.payment_id.in_(ids), Refund.status.not_in([_S.FAILED, _S.CANCELED]))
    taken = select(Dispute.payment_id, func.sum(Dispute.amount_fen)).group_by(Dispute.payment_id)
    taken = taken.where(Dispute.payment_id.in_(ids), Dispute.status != DisputeStatus.WON)
    less = Counter({id: int(fen) for id, fen in db.session.execute(gone)}) + Counter({id: int(fen) for id, fen in db.session.execute(taken)})
    can = {payment.id for payment in payments if payment.gateway == stripe_gateway.NAME and payment.status is PaymentStatus.SUCCEEDED}
    return {payment.id: max(0, payment.amount_fen - less[payment.id]) if payment.id in can else 0 for payment in payments}


def refund(
    payment: Payment,
    *,
    amount_fen: int,
    reason: str,
    request_key: str,
    by: Actor,
    at: datetime,
    request: RefundRequest | None = None,
) -> Refund:
    """Pay (part of) a payment back through Stripe. The same key is the same refund.

    It settles `request`; without one the money comes out of the firm's balance. Raises NotRefundable, RefundTooLarge,
    and what `credit_notes.ask` and `credit_notes.hand_over` refuse.
    """
    accounts.lock(payment.organization_id)
    known = db.session.scalar(select(Refund).where(Refund.key == request_key))
    if known is not None:
        return known
    db.lock(payment)
    left = refundable_fen(payment)
    if not left:
        raise NotRefundable
    if amount_fen > left:
        raise RefundTooLarge(field="amount_fen", left=money.text(left))
    if request is None:
        organization = db.session.get_one(Organization, payment.organization_id)
        request = credit_notes.ask(organization, amount_fen, request_key=request_key, by=by, at=at)
    credit_notes.hand_over(request, by=by, at=at)
    made = Refund(
        payment_id=payment.id, refund_request_id=request.id, amount_fen=amount_fen, status=REFUND_LIFECYCLE.initial,
        key=request_key, reason=reason, created_at=at, failure="", failure_code="", ask_at=at + timedelta(seconds=_PAUSES[0]),
        asked_times=0,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record(
        "refund.started", made, by=by, at=at, reason=reason, organization_id=payment.organization_id,
        after={"payment": str(payment), "amount_fen": amount_fen},
    )  # fmt: skip
    db.on_commit(lambda: pursue(made.id, at=at))
    return made


def due(at: datetime) -> Sequence[int]:
    """Refunds that the gateway is to be asked about."""
    return db.session.scalars(select(Refund.id).where(Refund.ask_at <= at).order_by(Refund.ask_at).limit(_AT_ONCE)).all()


def pursue(id: int, *, at: datetime) -> bool:
    """Take one refund a step on; False when Stripe could not be reached."""
    with db.transaction(readonly=True):
        made = db.session.scalars(select(Refund).where(Refund.id == id).options(joinedload(Refund.payment))).one()
        intent_id, reference, again = made.payment.intent_id or "", made.gateway_reference, made.asked_times
        amount_fen, old = made.amount_fen, at >= made.created_at + timedelta(hours=stripe_gateway.KEY_HOURS)
    try:
        found = _ask(id, intent_id, reference, amount_fen, again=bool(again), old=old)
    except Unreachable as error:
        log.warning("gateway_unreachable", refund=id, why=str(error))
        with db.transaction():
            _wait(_locked(id), at)
        return False
    except Unknown as error:
        found = FoundRefund(State.FAILED, failure_code=error.code)
    with db.transaction():
        take_in(id, found, at=at)
    return True


def _ask(id: int, intent_id: str, reference: str | None, amount_fen: int, *, again: bool, old: bool) -> FoundRefund:
    if reference:
        return stripe_gateway.look_up_refund(reference)
    if (again or old) and (found := stripe_gateway.search_refund(intent_id, id)) is not None:
        return found
    if old:
        return FoundRefund(State.FAILED, failure_code="not_made")
    return stripe_gateway.refund(id, intent_id, amount_fen)


def take_in(id: int, found: FoundRefund, *, at: datetime) -> None:
    """Note what the gateway says; said twice, it is done once."""
    made = _locked(id)
    made.gateway_reference = found.reference or made.gateway_reference
    if made.status is _S.SUCCEEDED and found.state in (State.FAILED, State.CANCELED):
        _fell_through(made, found, at)
        return
    if made.status not in UNDER_WAY:
        made.ask_at = _later(made, at)
        return
    before = made.status
    to = status_of(found)
    if to is not before:
        REFUND_LIFECYCLE.move(made, to)
        audit.record(
            f"refund.{to.value}", made, by=_stripe(made), at=at, before={"status": before.value},
            after={"status": to.value, "amount_fen": made.amount_fen, "code": found.failure_code}, organization_id=made.payment.organization_id,
        )  # fmt: skip
    if to in UNDER_WAY:
        _wait(made, at)
        return
    made.finished_at = at
    made.ask_at = _later(made, at)
    request = db.session.get_one(RefundRequest, made.refund_request_id)
    if to is _S.SUCCEEDED:
        credit_notes.sent_back(request, reference=made.gateway_reference or str(made.id), by=_stripe(made), at=at)
    else:
        made.failure_code, made.failure = found.failure_code, failures.words_for(found.failure_code, failures.NOT_REFUNDED)
        credit_notes.not_sent_back(request, failure=made.failure, by=_stripe(made), at=at)


def status_of(found: FoundRefund) -> GatewayRefundStatus:
    """What the gateway says, in our words."""
    return {State.SUCCEEDED: _S.SUCCEEDED, State.FAILED: _S.FAILED, State.CANCELED: _S.CANCELED}.get(found.state, _S.PROCESSING)


def _fell_through(made: Refund, found: FoundRefund, at: datetime) -> None:
    """It had gone out, and the bank sent it back: the money is here, and still to be paid back."""
    REFUND_LIFECYCLE.move(made, _S.FAILED)
    made.ask_at, made.failure_code = None, found.failure_code
    made.failure = failures.words_for(found.failure_code, failures.NOT_REFUNDED)
    audit.record(
        "refund.failed", made, by=_stripe(made), at=at, before={"status": _S.SUCCEEDED.value}, organization_id=made.payment.organization_id,
        after={"status": made.status.value, "amount_fen": made.amount_fen, "code": found.failure_code},
    )  # fmt: skip
    request = db.session.get_one(RefundRequest, made.refund_request_id)
    credit_notes.came_back(request, failure=made.failure, by=_stripe(made), at=at)


def _later(made: Refund, at: datetime) -> datetime | None:
    """When to look again at one that has gone out."""
    if made.status is not _S.SUCCEEDED or made.finished_at is None:
        return None
    return next((then for days in _LATER if (then := made.finished_at + timedelta(days=days)) > at), None)


def _stripe(made: Refund) -> Actor:
    return audit.system("stripe", organization_id=made.payment.organization_id)


def _locked(id: int) -> Refund:
    made = db.session.scalars(select(Refund).where(Refund.id == id).options(joinedload(Refund.payment))).one()
    accounts.lock(made.payment.organization_id)
    db.lock(made)
    return made


def wait(id: int, *, at: datetime) -> None:
    """Ask again, later and later."""
    _wait(_locked(id), at)


def _wait(made: Refund, at: datetime) -> None:
    made.ask_at = at + timedelta(seconds=_PAUSES[min(made.asked_times, len(_PAUSES) - 1)])
    made.asked_times += 1


def refunds_of(payment: Payment) -> Sequence[Refund]:
    """What of a payment went back, or was to."""
    return db.session.scalars(select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id)).all()
