"""Verbs that write bills: draw up the draft, issue it, take in what was paid.

Everything about one organization's bills happens under a lock on its row, so two processes that close the
same month take turns, and the second finds the work done.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from market import audit, db, metering
from market.accounts import Organization
from market.audit import Actor
from market.billing import credit_notes, cutoffs, issuing, periods, writing
from market.billing.models import DUE, LIFECYCLE, Bill, BillStatus
from market.billing.queries import bill_for
from market.billing.signals import bill_paid
from market.errors import Refused
from market.kit.period import Period
from market.subscriptions import Subscription


class PeriodNotOver(Refused):
    """A month is billed when it is over."""

    code = "period_not_over"
    message = "这个账期还没有结束，结束后才能出账单。"


class GraceNotOver(Refused):
    """Late usage is still taken in; the bill cannot be issued yet."""

    code = "grace_not_over"
    message = "宽限期还没有结束：服务商补报的用量还可以计入这张账单。"


class NothingDue(Refused):
    """The bill is a draft, paid, written off or void: no money is expected for it."""

    code = "nothing_due"
    message = "这张账单现在没有要付的款。"


class TooMuch(Refused):
    """More money than the bill still asks for."""

    code = "amount_exceeds_bill"
    message = "金额比还没付的 ¥%(owed)s 多。"


def close(organization: Organization, period: Period, *, now: datetime) -> Bill | None:
    """Write the draft bill of a period that is over, or refresh it with the usage stored by `now`.

    Returns the bill; None if there is nothing to bill. An issued bill is returned as it is. Raises PeriodNotOver.
    """
    if now < period.end:
        raise PeriodNotOver
    with db.transaction():
        lock([organization.id])
        drafted = writing.draft([organization], period, cutoff=cutoffs.cutoff([organization.id], now=now), at=now)
        if not drafted.bills and now >= periods.final_at(period):
            issuing.issue_all(drafted, period, at=now)  # there is no bill to wait for: what is due back is given back
        return bill_for(organization, period)


def finalize(bill: Bill, *, at: datetime) -> Bill:
    """Issue a bill: refresh it a last time, split the tax, copy the parties, give it its number.

    A bill of ¥0.00 is paid at once. An issued bill is returned as it is. Raises GraceNotOver.
    """
    if bill.status is not BillStatus.DRAFT:
        return bill
    if at < periods.final_at(bill.period):
        raise GraceNotOver
    with db.transaction():
        lock([bill.organization_id])
        organization = db.session.get_one(Organization, bill.organization_id)
        drafted = writing.draft([organization], bill.period, cutoff=cutoffs.cutoff([organization.id], now=at), at=at)
        issuing.issue_all(drafted, bill.period, at=at)
        return bill_for(organization, bill.period) or bill


def receive(bill: Bill, amount_fen: int, *, by: Actor, at: datetime) -> None:
    """Take in money that has arrived for a bill. Raises NothingDue, TooMuch."""
    db.lock(bill)
    if bill.status not in DUE:
        raise NothingDue
    if amount_fen > bill.owed_fen:
        raise TooMuch(owed=str(Decimal(bill.owed_fen).scaleb(-2)))
    before = {"status": bill.status.value, "paid_fen": bill.paid_fen}
    bill.paid_fen += amount_fen
    _move(bill, BillStatus.PART_PAID if bill.owed_fen else BillStatus.PAID)
    if not bill.owed_fen:
        bill.paid_at = at
    audit.record(
        "bill.paid" if not bill.owed_fen else "bill.part_paid",
        bill, by=by, at=at, before=before, organization_id=bill.organization_id,
        after={"status": bill.status.value, "paid_fen": bill.paid_fen},
    )  # fmt: skip
    if not bill.owed_fen:
        credit_notes.settle_done(bill, at=at)
        bill_paid.send(bill, at=at)


def mark_overdue(bill: Bill, *, at: datetime) -> bool:
    """Say that the last day for paying has passed; returns whether it was news."""
    db.lock(bill)
    if bill.due_at is None or at <= bill.due_at or not LIFECYCLE.allows(bill.status, BillStatus.OVERDUE):
        return False
    before = {"status": bill.status.value}
    LIFECYCLE.move(bill, BillStatus.OVERDUE)
    audit.record(
        "bill.overdue", bill, by=audit.system("billing", organization_id=bill.organization_id), at=at,
        before=before, after={"status": bill.status.value},
    )  # fmt: skip
    return True


def _move(bill: Bill, to: BillStatus) -> None:
    if bill.status is not to:
        LIFECYCLE.move(bill, to)


def lock(organization_ids: Collection[int], *, waiting: bool = True) -> list[int]:
    """Hold organizations' bills and all their subscriptions until the transaction ends, also those that have ended: what
    came late or was corrected of these stands on the bill as well.

    Tells which ones are held, in the order given: without `waiting` those that somebody else holds are left out.
    """
    query = select(Organization.id).where(Organization.id.in_(organization_ids)).order_by(Organization.id)
    held = set(db.session.scalars(query.with_for_update(key_share=True, skip_locked=not waiting)))
    metering.hold_all(Subscription.organization_id.in_(held))
    return [id for id in organization_ids if id in held]
