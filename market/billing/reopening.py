"""A bill that was paid is owed again: a cardholder's bank has taken back what came."""

from __future__ import annotations

from datetime import datetime

from market import audit, db
from market.audit import Actor
from market.billing.models import DUE, LIFECYCLE, Bill, BillStatus


def reopen(bill: Bill, amount_fen: int, *, by: Actor, at: datetime) -> int:
    """Ask for up to so much of what was paid again; says how much. A bill that was written off stays so.

    How the paid sale was shared stays as it is, and so does the day on which it was paid.
    """
    db.lock(bill)
    fen = min(amount_fen, bill.paid_fen)
    if bill.status not in DUE | {BillStatus.PAID} or not fen:
        return 0
    before = {"status": bill.status.value, "paid_fen": bill.paid_fen}
    bill.paid_fen -= fen
    to = _state(bill, at)
    if bill.status is not to:
        LIFECYCLE.move(bill, to)
    audit.record(
        "bill.reopened", bill, by=by, at=at, before=before, organization_id=bill.organization_id,
        after={"status": bill.status.value, "paid_fen": bill.paid_fen},
    )  # fmt: skip
    return fen


def _state(bill: Bill, at: datetime) -> BillStatus:
    if bill.status is BillStatus.OVERDUE or (bill.due_at is not None and at > bill.due_at):
        return BillStatus.OVERDUE
    return BillStatus.PART_PAID if bill.paid_fen else BillStatus.OPEN
