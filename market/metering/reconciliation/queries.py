"""Which state each day is in. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from market import db, resources
from market.accounts.models import Organization
from market.catalog.models import Meter
from market.errors import NotFound
from market.kit.period import Period, local_day, local_midnight
from market.metering import calendar
from market.metering.models import UNUSUAL, UsageEvent
from market.metering.reconciliation.models import DayStatus, ReconciledDay
from market.providers.models import Provider
from market.subscriptions.models import Subscription


def states(subscription_id: int, meters: Collection[Meter], period: Period, *, now: datetime) -> States:
    """The states of all days of a period, from the few rows that there are."""
    rows = db.session.scalars(
        select(ReconciledDay).where(
            ReconciledDay.subscription_id == subscription_id,
            ReconciledDay.day >= period.first_day,
            ReconciledDay.day <= period.last_day,
        )
    )
    return States({(row.meter_id, row.day): row for row in rows}, _moved(subscription_id, meters, period), now)


class States:
    """What is said about the days of one subscription, and what follows where nobody has said anything."""

    def __init__(
        self, rows: Mapping[tuple[int, date], ReconciledDay], moved: Mapping[tuple[str, date], datetime], now: datetime
    ) -> None:
        self._rows, self._moved, self._now = rows, moved, now

    def row(self, meter: Meter, day: date) -> ReconciledDay | None:
        """What was said, if anything."""
        return self._rows.get((meter.id, day))

    def open_until(self, meter: Meter, day: date) -> datetime:
        """Until when one may object: so long after the day's end, or after it was last changed."""
        over = local_midnight(day + timedelta(days=1))
        return max(over, self._moved.get((meter.event_type, day), over)) + timedelta(days=resources.settings.objection_days)

    def of(self, meter: Meter, day: date) -> DayStatus:
        """The state of a day."""
        row = self.row(meter, day)
        if row is not None and row.status is not DayStatus.REPORTED:
            return row.status
        return DayStatus.REPORTED if self._now < self.open_until(meter, day) else DayStatus.ACCEPTED

    def may_object(self, meter: Meter, day: date) -> bool:
        """Whether the buyer can still object."""
        over = day < local_day(self._now) and self._now < self.open_until(meter, day)
        return over and self.of(meter, day) is not DayStatus.DISPUTED


def open_until(subscription_id: int, meters: Collection[Meter], day: date) -> datetime:
    """Until when a buyer may object to a day of these meters."""
    span = Period(local_midnight(day), local_midnight(day + timedelta(days=1)))
    found = States({}, _moved(subscription_id, meters, span), span.end)
    return max(found.open_until(meter, day) for meter in meters)


def disputed_days(subscription_ids: Collection[int], period: Period) -> Sequence[ReconciledDay]:
    """The days of a period to which the buyer objects, with their meters."""
    query = select(ReconciledDay).where(
        ReconciledDay.subscription_id.in_(subscription_ids),
        ReconciledDay.status == DayStatus.DISPUTED,
        ReconciledDay.day >= period.first_day,
        ReconciledDay.day <= period.last_day,
    )
    return db.session.scalars(query.options(joinedload(ReconciledDay.meter)).order_by(ReconciledDay.day)).all()


def days_of(provider: Provider, *, disputed: bool = False) -> Select[ReconciledDay]:
    """What a provider's customers have said about days, the newest word first; `disputed` leaves the open ones."""
    query = select(ReconciledDay).join(ReconciledDay.subscription).where(Subscription.provider_id == provider.id)
    query = query.options(*whole()).order_by(ReconciledDay.said_at.desc(), ReconciledDay.id.desc())
    if disputed:
        return query.where(ReconciledDay.status == DayStatus.DISPUTED)
    return query.where(ReconciledDay.status != DayStatus.ACCEPTED)


def day_of_provider(provider: Provider, id: int) -> ReconciledDay:
    """One of them. Raises NotFound for a stranger's."""
    return _found(days_of(provider).where(ReconciledDay.id == id))


def day_of(organization: Organization, id: int) -> ReconciledDay:
    """A day about which a buyer has said something. Raises NotFound for a stranger's."""
    query = select(ReconciledDay).join(ReconciledDay.subscription)
    return _found(query.where(Subscription.organization_id == organization.id, ReconciledDay.id == id).options(*whole()))


def unanswered_count(provider: Provider) -> int:
    """How many objections wait for an answer."""
    query = select(func.count(ReconciledDay.id)).join(ReconciledDay.subscription)
    waiting = ReconciledDay.status == DayStatus.DISPUTED, ReconciledDay.answered_at.is_(None)
    return db.session.scalar(query.where(Subscription.provider_id == provider.id, *waiting)) or 0


def whole() -> tuple[Any, ...]:
    """What pages show of a day."""
    subscription = joinedload(ReconciledDay.subscription)
    return (
        joinedload(ReconciledDay.meter), joinedload(ReconciledDay.said_by), subscription.joinedload(Subscription.organization),
        subscription.joinedload(Subscription.revision), subscription.joinedload(Subscription.provider),
    )  # fmt: skip


def _found(query: Select[ReconciledDay]) -> ReconciledDay:
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found


def _moved(subscription_id: int, meters: Collection[Meter], period: Period) -> dict[tuple[str, date], datetime]:
    """When the use of a day was last reported late or corrected, by event type."""
    first, last = func.min(UsageEvent.at), func.max(UsageEvent.stored_at)
    query = select(UsageEvent.type, first, last).where(
        UsageEvent.subscription_id == subscription_id, UNUSUAL, UsageEvent.at >= period.start, UsageEvent.at < period.end,
        UsageEvent.type.in_({meter.event_type for meter in meters}),
    )  # fmt: skip
    by_day = query.group_by(UsageEvent.type, calendar.day_of(UsageEvent.at))
    return {(type, local_day(at)): stored_at for type, at, stored_at in db.session.execute(by_day)}
