"""Money that goes back through a gateway instead of by hand: while it is at it, nobody pays it by bank."""

from __future__ import annotations

from datetime import datetime

from market import audit, db
from market.audit import Actor
from market.billing.credit_notes import refunds, signals
from market.billing.credit_notes.models import REFUND_LIFECYCLE, RefundRequest, RefundStatus
from market.billing.credit_notes.refusals import RefundClosed, RefundWaits
from market.kit.period import local_day


def hand_over(request: RefundRequest, *, by: Actor, at: datetime) -> None:
    """A gateway is to pay it. Raises RefundClosed, RefundWaits."""
    refunds.hold(request)
    if request.status not in refunds.OPEN:
        raise RefundClosed
    if refunds.held_back(request):
        raise RefundWaits
    if request.status is RefundStatus.FAILED:
        REFUND_LIFECYCLE.move(request, RefundStatus.PENDING)
    REFUND_LIFECYCLE.move(request, RefundStatus.PROCESSING)
    request.failure = ""
    _tell(request, "refund_request.handed_over", by, at)


def sent_back(request: RefundRequest, *, reference: str, by: Actor, at: datetime) -> None:
    """The gateway has paid it."""
    refunds.hold(request)
    if request.status is not RefundStatus.PROCESSING:
        return
    REFUND_LIFECYCLE.move(request, RefundStatus.SUCCEEDED)
    request.bank_reference, request.paid_on, request.settled_at = reference, local_day(at), at
    db.session.flush()
    _tell(request, "refund_request.paid", by, at, bank_reference=reference)
    refunds.settle(request, at)
    signals.refund_settled.send(request, at=at)


def not_sent_back(request: RefundRequest, *, failure: str, by: Actor, at: datetime) -> None:
    """The gateway could not: it is paid by hand, or called off."""
    refunds.hold(request)
    if request.status is not RefundStatus.PROCESSING:
        return
    REFUND_LIFECYCLE.move(request, RefundStatus.FAILED)
    request.failure, request.settled_at = failure, at
    _tell(request, "refund_request.failed", by, at, reason=failure)
    signals.refund_settled.send(request, at=at)


def _tell(request: RefundRequest, action: str, by: Actor, at: datetime, *, reason: str = "", **more: str) -> None:
    after = {"status": request.status.value, "amount_fen": request.amount_fen} | more
    audit.record(action, request, by=by, at=at, reason=reason, organization_id=request.organization_id, after=after)
