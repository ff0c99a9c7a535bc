"""Verbs that write bills: draw up the draft, issue it, take in what was paid.

Everything about one organization's bills happens under a lock on its row, so two processes that close the
same month take turns, and the second finds the work done.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, select, update

from market import audit, db, metering, rating
from market.accounts import Organization
from market.audit import Actor
from market.billing import credit_notes, drafts, numbering, parties, periods
from market.billing.drafts import LineDraft
from market.billing.models import DUE, LIFECYCLE, Bill, BillLine, BillStatus, BillTax
from market.billing.queries import bill_for
from market.billing.signals import bill_finalized, bill_overdue, bill_paid
from market.errors import Refused
from market.kit.period import Period
from market.subscriptions import Subscription, live_in


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
        _take(organization, period)
        bill = bill_for(organization, period)
        if bill is not None and bill.status is not BillStatus.DRAFT:
            return bill
        drawn = drafts.drawn_all([organization], period, cutoff=now)[organization.id]
        if not drawn.lines:
            _drop(bill)
            if now >= periods.final_at(period):
                credit_notes.at_issue([], {organization.id: drawn.rests}, at=now)
            return None
        bill = bill or _begun(organization, period, now)
        _write(bill, drawn.lines, now)
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
        organization = db.session.get_one(Organization, bill.organization_id)
        closed = close(organization, bill.period, now=at) or bill
        if closed.status is BillStatus.DRAFT and closed.lines:
            issue(closed, at=at)
        return closed


def issue(bill: Bill, *, at: datetime) -> None:
    """Give a draft that was drawn up in this very transaction its number; from now on it never changes."""
    organization = bill.organization
    rests = drafts.drawn_all([organization], bill.period, cutoff=at)[organization.id].rests
    bill.parties = parties.snapshot(organization, [tax.provider_id for tax in bill.taxes])
    bill.issued_at, bill.due_at = at, periods.due_at(at)
    bill.number = numbering.bill_number(bill)
    LIFECYCLE.move(bill, BillStatus.OPEN if bill.gross_fen else BillStatus.PAID)
    bill.paid_at = None if bill.gross_fen else at
    mine = update(Subscription).where(Subscription.organization_id == organization.id, live_in(bill.period))
    db.session.execute(mine.values(billed_until=bill.period_end).execution_options(synchronize_session="fetch"))
    audit.record(
        "bill.issued", bill, by=audit.system("billing", organization_id=organization.id), at=at,
        after={"number": bill.number, "gross_fen": bill.gross_fen, "status": bill.status.value},
    )  # fmt: skip
    db.session.flush()
    credit_notes.at_issue([bill], {organization.id: rests}, at=at)
    bill_finalized.send(bill, at=at)
    if not bill.gross_fen:
        bill_paid.send(bill, at=at)


def receive(bill: Bill, amount_fen: int, *, by: Actor, at: datetime) -> None:
    """Take in money that has arrived for a bill. Raises NothingDue, TooMuch."""
    columns = ["status", "paid_fen", "credited_fen", "returned_fen", "version"]
    db.session.refresh(bill, attribute_names=columns, with_for_update=True)
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
    db.session.refresh(bill, attribute_names=["status", "due_at", "version"], with_for_update=True)
    if bill.due_at is None or at <= bill.due_at or not LIFECYCLE.allows(bill.status, BillStatus.OVERDUE):
        return False
    before = {"status": bill.status.value}
    LIFECYCLE.move(bill, BillStatus.OVERDUE)
    audit.record(
        "bill.overdue", bill, by=audit.system("billing", organization_id=bill.organization_id), at=at,
        before=before, after={"status": bill.status.value},
    )  # fmt: skip
    bill_overdue.send(bill, at=at)
    return True


def _move(bill: Bill, to: BillStatus) -> None:
    if bill.status is not to:
        LIFECYCLE.move(bill, to)


def _take(organization: Organization, period: Period) -> None:
    """Hold the organization's bills, and the subscriptions whose usage goes into one, until the transaction ends."""
    lock = select(Organization.id).where(Organization.id == organization.id).with_for_update(key_share=True)
    db.session.execute(lock)
    live = select(Subscription.id).where(Subscription.organization_id == organization.id, live_in(period))
    metering.hold_all(db.session.scalars(live).all())


def _begun(organization: Organization, period: Period, now: datetime) -> Bill:
    bill = Bill(
        organization_id=organization.id,
        period_start=period.start,
        period_end=period.end,
        cutoff=now,
        gross_fen=0,
        net_fen=0,
        tax_fen=0,
        paid_fen=0,
    )
    db.session.add(bill)
    audit.record(
        "bill.drafted", bill, by=audit.system("billing", organization_id=organization.id), at=now,
        after={"period": period.label},
    )  # fmt: skip
    return bill


def _drop(bill: Bill | None) -> None:
    """A draft that has lost its last line goes; it never had a number."""
    if bill is not None:
        db.session.delete(bill)
        db.session.flush()


def _write(bill: Bill, lines: list[LineDraft], now: datetime) -> None:
    """Replace the lines and the tax split of a draft."""
    split = rating.split_tax([(line.provider_id, line.gross_fen, Decimal(line.tax_rate)) for line in lines])
    for old in (BillLine, BillTax):
        db.session.execute(delete(old).where(old.bill_id == bill.id))
    db.session.expire(bill, ["lines", "taxes"])
    db.session.add_all(
        BillLine(
            bill_id=bill.id, position=position, net_fen=taxed.net, tax_fen=taxed.tax, **drafts.columns(line)
        )
        for position, (line, taxed) in enumerate(zip(lines, split.lines, strict=True), start=1)
    )  # fmt: skip
    db.session.add_all(
        BillTax(
            bill_id=bill.id, provider_id=group.key, tax_rate=str(group.rate),
            gross_fen=group.gross, net_fen=group.net, tax_fen=group.tax,
        )
        for group in split.groups
    )  # fmt: skip
    bill.gross_fen, bill.net_fen, bill.tax_fen = split.gross, split.net, split.tax
    bill.cutoff = now
    db.session.flush()
