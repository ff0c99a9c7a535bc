"""Month close: a sweep that finds every organization with a period to bill, and does what is due now.

Nothing remembers how far it came: what is still to be done follows from the rows, so a killed worker
loses nothing and a second one does no harm. One transaction per organization and period.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Select, case, func, select

from market import audit, db
from market.accounts import Organization
from market.audit import AuditEvent
from market.billing import actions, drafts, periods
from market.billing.models import Bill, BillStatus
from market.billing.periods import LOOK_BACK, final_at, following, period_of
from market.kit.period import Period
from market.subscriptions import Subscription

log = structlog.get_logger(__name__)

#: A draft in its days of grace is drawn up anew when it is older than this.
REFRESH = timedelta(hours=1)
SHORTEST_MONTH = timedelta(days=28)

_FAILED = "bill.close_failed"

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Failure:
    """A period that could not be billed, and why; the next sweep tries again."""

    organization_id: int
    period: Period
    reason: str


@dataclass
class Report:
    """What one sweep did."""

    drafted: int = 0
    issued: int = 0
    overdue: int = 0
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"drafts {self.drafted}, issued {self.issued}, overdue {self.overdue}, failed {len(self.failures)}"
        reasons = [f"  organization {f.organization_id}, {f.period.label}: {f.reason}" for f in self.failures]
        return "\n".join([counts, *reasons])


class Ahead(NamedTuple):
    """An organization and the first period of its own that has no issued bill yet."""

    organization: Organization
    period: Period


def close_due(now: datetime, progress: Progress | None = None, *, most: int | None = None) -> Report:
    """Draft what is over, issue what is past its grace, mark what is overdue. Twice is harmless.

    `most` organizations at most, the longest waiting first; the next sweep does the rest.
    """
    with db.transaction(readonly=True):
        waiting = list(outstanding(now))[:most]
    report = Report()
    for done, ahead in enumerate(waiting, start=1):
        _catch_up(ahead, now, report)
        if progress:
            progress(done, len(waiting))
    _mark_overdue(now, report)
    return report


def outstanding(now: datetime) -> Iterator[Ahead]:
    """Organizations with a period that is over, not issued, and due for a look; the longest waiting first.

    A draft still in its days of grace is due again only when it is older than an hour.
    """
    for organization, since, drafted_at in db.session.execute(_unbilled(now)):
        period = period_of(organization, since)
        if period.end <= now and (final_at(period) <= now or drafted_at is None or drafted_at + REFRESH <= now):
            yield Ahead(organization, period)


def late(now: datetime) -> list[Ahead]:
    """Periods whose days of grace are over and that are not issued: the next sweep's work, or what failed."""
    return [ahead for ahead in outstanding(now) if final_at(ahead.period) <= now]


def failures_of(organizations: Collection[Organization]) -> dict[int, str]:
    """Why an organization's period could not be billed the last time, by organization id."""
    ids = [organization.id for organization in organizations]
    query = audit.events(subject_type=Organization.__name__, action=_FAILED).where(AuditEvent.subject_id.in_(ids))
    return {event.subject_id or 0: event.reason for event in reversed(db.session.scalars(query).all())}


def bill_leavers(now: datetime) -> Report:
    """Bill what came too late for the last bill of organizations that have no subscription any more.

    Everyone else's next bill takes it up by itself; to be run now and then.
    """
    report = Report()
    with db.transaction(readonly=True):
        waiting = [ahead for ahead in _leavers(now) if _owes(ahead, now)]
    for ahead in waiting:
        _guarded(ahead, now, report)
    return report


def _unbilled(now: datetime) -> Select[Organization, datetime, datetime]:
    """(organization, first instant of its life that no issued bill covers, cutoff of its draft).

    Almost every organization has its last month billed and is left out by the database.
    """
    billed = (
        select(
            Bill.organization_id,
            func.max(Bill.period_end).filter(Bill.status != BillStatus.DRAFT).label("until"),
            func.max(Bill.cutoff).filter(Bill.status == BillStatus.DRAFT).label("drafted_at"),
        )
        .group_by(Bill.organization_id)
        .subquery()
    )
    until, started_at, ended_at = billed.c.until, Subscription.started_at, Subscription.ended_at
    since = func.min(case((until.is_(None) | (started_at > until), started_at), else_=until), type_=db.UTCDateTime)
    return (
        select(Organization, since.label("since"), billed.c.drafted_at)
        .join(Subscription, Subscription.organization_id == Organization.id)
        .outerjoin(billed, billed.c.organization_id == Organization.id)
        .where(started_at.is_not(None), until.is_(None) | ended_at.is_(None) | (ended_at > until))
        .where(until.is_(None) | (started_at > until) | (until <= now - SHORTEST_MONTH))
        .group_by(Organization.id, billed.c.drafted_at)
        .order_by("since", Organization.id)
    )


def _catch_up(ahead: Ahead, now: datetime, report: Report) -> None:
    """All periods of one organization that are over, oldest first; the first failure stops it."""
    while ahead.period.end <= now and _guarded(ahead, now, report):
        ahead = Ahead(ahead.organization, following(ahead.organization, ahead.period))


def _guarded(ahead: Ahead, now: datetime, report: Report) -> bool:
    """Do one period; False if it failed or is not final yet, so that later ones have to wait."""
    try:
        with db.transaction():
            return _do(ahead, now, report)
    except Exception as error:
        log.exception("period_not_billed", organization=ahead.organization.id, period=ahead.period.label)
        reason = f"{type(error).__name__}: {error}"[:500]
        report.failures.append(Failure(ahead.organization.id, ahead.period, reason))
        _note(ahead, reason, now)
        return False


def _do(ahead: Ahead, now: datetime, report: Report) -> bool:
    organization = db.session.get_one(Organization, ahead.organization.id)
    bill = actions.close(organization, ahead.period, now=now)
    if final_at(ahead.period) > now:
        report.drafted += bill is not None
        return False
    if bill is not None and bill.status is BillStatus.DRAFT:
        actions.issue(bill, at=now)
        report.issued += 1
    return True


def _note(ahead: Ahead, reason: str, now: datetime) -> None:
    """Keep the reason where administrators see it; the same one only once."""
    with db.transaction():
        organization = db.session.get_one(Organization, ahead.organization.id)
        known = audit.history(organization)
        told = f"{ahead.period.label} · {reason}"
        if not any(event.action == _FAILED and event.reason == told for event in known):
            audit.record(_FAILED, organization, by=audit.system("billing"), at=now, reason=told)


def _mark_overdue(now: datetime, report: Report) -> None:
    with db.transaction(readonly=True):
        late = select(Bill.id).where(Bill.status.in_([BillStatus.OPEN, BillStatus.PART_PAID]), Bill.due_at < now)
        ids = db.session.scalars(late.order_by(Bill.id)).all()
    for id in ids:
        with db.transaction():
            report.overdue += actions.mark_overdue(db.session.get_one(Bill, id), at=now)


def _leavers(now: datetime) -> Iterator[Ahead]:
    """Organizations without a live subscription whose last bill may still change, with the period after it."""
    live = select(Subscription.organization_id).where(
        Subscription.started_at.is_not(None), Subscription.ended_at.is_(None)
    )
    last = select(Bill.organization_id, func.max(Bill.period_end)).where(Bill.status != BillStatus.DRAFT)
    last = last.where(Bill.organization_id.not_in(live)).group_by(Bill.organization_id)
    recent = func.max(Bill.period_end) >= now - LOOK_BACK - timedelta(days=62)
    for organization_id, until in db.session.execute(last.having(recent)):
        organization = db.session.get_one(Organization, organization_id)
        period = period_of(organization, until)
        while periods.final_at(period) <= now:
            yield Ahead(organization, period)
            period = following(organization, period)


def _owes(ahead: Ahead, now: datetime) -> bool:
    return bool(drafts.draw_up(ahead.organization, ahead.period, cutoff=now))
