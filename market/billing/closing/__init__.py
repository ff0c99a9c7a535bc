"""Month close: a sweep that finds every organization with a period to bill, and does what is due now.

Nothing remembers how far it came: what is still to be done follows from the rows, so a killed worker loses nothing
and a second one does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from market import db
from market.billing import actions
from market.billing.closing.due import Ahead as Ahead
from market.billing.closing.due import Setback as Setback
from market.billing.closing.due import failures_of as failures_of
from market.billing.closing.due import late as late
from market.billing.closing.due import leavers, owes
from market.billing.closing.due import outstanding as outstanding
from market.billing.closing.month_end import MonthEnd as MonthEnd
from market.billing.closing.month_end import month_end as month_end
from market.billing.closing.patience import Patience as Patience
from market.billing.closing.processes import Begin, work
from market.billing.closing.report import Failure as Failure
from market.billing.closing.report import Report as Report
from market.billing.closing.rounds import Hour, chunks, close_together
from market.billing.cutoffs import Clock
from market.billing.models import Bill, BillStatus

Progress = Callable[[int, int], object]


def close_due(
    now: datetime,
    progress: Progress | None = None,
    *,
    clock: Clock | None = None,
    most: int | None = None,
    processes: int = 1,
    begin: Begin | None = None,
    patience: Patience | None = None,
) -> Report:
    """Draft what is over, issue what is past its grace, mark what is overdue. Twice is harmless.

    What is due follows from `now`. Usage goes on arriving meanwhile, so each bill's cutoff is read from the `clock`.
    `most` organizations at most, the longest waiting first; the next sweep does the rest. More than one of `processes`
    need `begin`, with which each of them sets itself up. With `patience`, what failed lately is left alone for a while.
    """
    with db.transaction(readonly=True):
        known = outstanding(now)
        waiting = list(patience.due(known, now) if patience else known)[:most]
    report, done = Report(), 0
    for number, part in work(list(chunks(waiting)), Hour(now, clock), processes=processes, begin=begin):
        report.add(part)
        for _ in range(number):
            done += 1
            if progress:
                progress(done, len(waiting))
    if patience:
        patience.note(waiting, report.failures, now)
    _mark_overdue(now, report)
    return report


def bill_leavers(now: datetime, *, clock: Clock | None = None) -> Report:
    """Bill what came too late for the last bill of organizations that have no subscription any more.

    Everyone else's next bill takes it up by itself; to be run now and then.
    """
    report = Report()
    with db.transaction(readonly=True):
        waiting = [ahead for ahead in leavers(now) if owes(ahead, now)]
    for ahead in waiting:
        close_together([ahead.organization.id], ahead.period, Hour(now, clock), report)
    return report


def _mark_overdue(now: datetime, report: Report) -> None:
    with db.transaction(readonly=True):
        late = select(Bill.id).where(Bill.status.in_([BillStatus.OPEN, BillStatus.PART_PAID]), Bill.due_at < now)
        ids = db.session.scalars(late.order_by(Bill.id)).all()
    for id in ids:
        with db.transaction():
            report.overdue += actions.mark_overdue(db.session.get_one(Bill, id), at=now)
