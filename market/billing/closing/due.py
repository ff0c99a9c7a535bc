"""What is due: organizations with a period to bill, found in the rows themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, select

from market import audit, db
from market.accounts import Organization
from market.audit import AuditEvent
from market.billing import drafts, periods
from market.billing.models import Bill, BillStatus
from market.billing.periods import LOOK_BACK, final_at, following, period_of
from market.kit.period import Period
from market.subscriptions import Subscription

#: A draft in its days of grace is drawn up anew when it is older than this.
REFRESH = timedelta(hours=1)
SHORTEST_MONTH = timedelta(days=28)
#: The action under which a failure stands in the audit trail.
FAILED = "bill.close_failed"


class Ahead(NamedTuple):
    """An organization and the first period of its own that has no issued bill yet."""

    organization: Organization
    period: Period
    #: How many subscriptions it has or had: a measure of the work.
    size: int = 1


class Setback(NamedTuple):
    """Why a period could not be billed the last time: a refusal with its words for gettext, or what else went wrong."""

    period: str
    kind: str
    #: As it was written down, with the kind.
    told: str
    message: str = ""
    params: Mapping[str, Any] = {}


def outstanding(now: datetime) -> Iterator[Ahead]:
    """Organizations with a period that is over, not issued, and due for a look; the longest waiting first.

    A draft still in its days of grace is due again only when it is older than an hour.
    """
    for organization, since, drafted_at, size in db.session.execute(_unbilled(now)):
        period = period_of(organization, since)
        if period.end <= now and (final_at(period) <= now or drafted_at is None or drafted_at + REFRESH <= now):
            yield Ahead(organization, period, size)


def late(now: datetime) -> list[Ahead]:
    """Periods whose days of grace are over and that are not issued: the next sweep's work, or what failed."""
    return [ahead for ahead in outstanding(now) if final_at(ahead.period) <= now]


def failures_of(organizations: Collection[Organization]) -> dict[int, Setback]:
    """Why an organization's period could not be billed the last time, by organization id."""
    ids = [organization.id for organization in organizations]
    query = audit.events(subject_type=Organization.__name__, action=FAILED).where(AuditEvent.subject_id.in_(ids))
    return {event.subject_id or 0: _setback(event) for event in reversed(db.session.scalars(query).all())}


def _setback(event: AuditEvent) -> Setback:
    period, _, told = event.reason.partition(" · ")
    said = event.after
    return Setback(period, told.partition(":")[0], told, str(said.get("message", "")), said.get("params", {}))


def _unbilled(now: datetime) -> Select[Organization, datetime, datetime, int]:
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
        select(Organization, since.label("since"), billed.c.drafted_at, func.count(Subscription.id))
        .join(Subscription, Subscription.organization_id == Organization.id)
        .outerjoin(billed, billed.c.organization_id == Organization.id)
        .where(started_at.is_not(None), until.is_(None) | ended_at.is_(None) | (ended_at > until))
        .where(until.is_(None) | (started_at > until) | (until <= now - SHORTEST_MONTH))
        .group_by(Organization.id, billed.c.drafted_at)
        .order_by("since", Organization.id)
    )


def leavers(now: datetime) -> Iterator[Ahead]:
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


def owes(ahead: Ahead, now: datetime) -> bool:
    """Whether anything would stand on its bill, or be given back."""
    drawn = drafts.draw_up_all([ahead.organization], ahead.period, cutoff=now)[ahead.organization.id]
    return bool(drawn.lines or drawn.rests)
