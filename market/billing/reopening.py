"""A bill that was paid is owed again: what came for it has been taken back, or was sent back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select

from market import audit, db
from market.audit import Actor
from market.billing.models import DUE, LIFECYCLE, Bill, BillStatus, Reopening


def reopen(bill: Bill, amount_fen: int, *, payment_id: int, by: Actor, at: datetime) -> int:
    """Ask for up to so much of what a payment's money paid again; says how much. A bill that was written off stays so.

    How the paid sale was shared stays as it is, and so does the day on which it was paid.
    """
    db.lock(bill)
    fen = min(amount_fen, bill.paid_fen)
    if bill.status not in DUE | {BillStatus.PAID} or not fen:
        return 0
    before = {"status": bill.status.value, "paid_fen": bill.paid_fen}
    db.session.add(
        Reopening(bill_id=bill.id, amount_fen=fen, was_paid=bill.status is BillStatus.PAID, payment_id=payment_id, at=at)
    )
    bill.paid_fen -= fen
    to = _state(bill, at)
    if bill.status is not to:
        LIFECYCLE.move(bill, to)
    db.session.flush()
    audit.record(
        "bill.reopened", bill, by=by, at=at, before=before, organization_id=bill.organization_id,
        after={"status": bill.status.value, "paid_fen": bill.paid_fen},
    )  # fmt: skip
    return fen


def _state(bill: Bill, at: datetime) -> BillStatus:
    if bill.status is BillStatus.OVERDUE or (bill.due_at is not None and at > bill.due_at):
        return BillStatus.OVERDUE
    return BillStatus.PART_PAID if bill.paid_fen else BillStatus.OPEN


def reopenings_of(bill: Bill) -> Sequence[Reopening]:
    """Each time that a bill came to be owed again, the first one first."""
    return db.session.scalars(select(Reopening).where(Reopening.bill_id == bill.id).order_by(Reopening.id)).all()


def reopened_of(bill: Bill, payment_id: int) -> int:
    """What of a bill is asked for again because a payment's money went away."""
    query = select(func.coalesce(func.sum(Reopening.amount_fen), 0))
    return int(db.session.scalar(query.where(Reopening.bill_id == bill.id, Reopening.payment_id == payment_id)) or 0)


def reopened_bills(bill_ids: Collection[int]) -> dict[int, datetime]:
    """Bills that were paid to the last fen and reopened since, and when first."""
    query = select(Reopening.bill_id, func.min(Reopening.at)).where(Reopening.was_paid, Reopening.bill_id.in_(bill_ids))
    return {bill_id: at for bill_id, at in db.session.execute(query.group_by(Reopening.bill_id))}
