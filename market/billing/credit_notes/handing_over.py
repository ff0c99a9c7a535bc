"""Money that goes back through a gateway instead of by hand: while it is at it, nobody pays it by bank."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import audit, db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing.credit_notes import balances, lots, refunds, signals
from market.billing.credit_notes.models import REFUND_LIFECYCLE, EntryKind, RefundRequest, RefundStatus
from market.billing.credit_notes.refusals import RefundClosed, RefundWaits
from market.kit.period import local_day


def hand_over(request: RefundRequest, *, by: Actor, at: datetime, begun: bool = False) -> None:
    """A gateway is to pay it, or has `begun` to without being asked. Raises RefundClosed, RefundWaits."""
    refunds.lock(request)
    if request.status not in refunds.OPEN:
        raise RefundClosed
    if refunds.held_back(request) and not begun:
        raise RefundWaits
    if request.status is RefundStatus.FAILED:
        REFUND_LIFECYCLE.move(request, RefundStatus.PENDING)
    REFUND_LIFECYCLE.move(request, RefundStatus.PROCESSING)
    request.failure = ""
    _tell(request, "refund_request.handed_over", by, at)


def sent_back(request: RefundRequest, *, reference: str, by: Actor, at: datetime) -> None:
    """The gateway has paid it."""
    refunds.lock(request)
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
    refunds.lock(request)
    if request.status is not RefundStatus.PROCESSING:
        return
    REFUND_LIFECYCLE.move(request, RefundStatus.FAILED)
    request.failure, request.settled_at = failure, at
    _tell(request, "refund_request.failed", by, at, reason=failure)
    signals.refund_settled.send(request, at=at)


def came_back(request: RefundRequest, *, failure: str, by: Actor, at: datetime) -> RefundRequest | None:
    """What a gateway had paid did not reach the firm: it is here again and asked for once more, to be paid by hand.

    That it had gone stays in the books. None where the firm owed it beside its bills. The same again changes nothing.
    """
    refunds.lock(request)
    key = f"again-{request.id}"
    known = db.session.scalar(select(RefundRequest).where(RefundRequest.request_key == key))
    if known is not None or request.status is not RefundStatus.SUCCEEDED:
        return known
    entry = balances.add(request.organization_id, request.amount_fen, EntryKind.DEPOSIT, at=at, refund_request_id=request.id)
    lot = lots.lots_of([entry.id])[entry.id]
    if not lot.rest_fen:
        return None
    organization = db.session.get_one(Organization, request.organization_id)
    again = refunds.ask(organization, lot.rest_fen, request_key=key, by=by, at=at, parts={lot.id: lot.rest_fen})
    REFUND_LIFECYCLE.move(again, RefundStatus.FAILED)
    again.failure, again.settled_at = failure, at
    _tell(again, "refund_request.failed", by, at, reason=failure)
    signals.refund_settled.send(again, at=at)
    return again


def _tell(request: RefundRequest, action: str, by: Actor, at: datetime, *, reason: str = "", **more: str) -> None:
    after = {"status": request.status.value, "amount_fen": request.amount_fen} | more
    audit.record(action, request, by=by, at=at, reason=reason, organization_id=request.organization_id, after=after)
