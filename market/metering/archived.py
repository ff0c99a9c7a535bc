"""Which months have been archived: their raw events are in a file, and nothing here may take that for "no events"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select

from market import db
from market.errors import Refused
from market.kit.period import Period, local_day
from market.metering import store
from market.metering.identity import Keys
from market.metering.models import ArchivedMonth, UsageCounter


class EventsArchived(Refused):
    """What is asked for needs raw events of a month that was archived."""

    code = "events_archived"
    message = "%(month)s 的原始事件已经归档，不在数据库里。每天的用量和账单不受影响；要看原始事件，请向平台索取归档文件 %(file)s。"

    def __init__(self, month: ArchivedMonth) -> None:
        super().__init__(month=str(month), file=file_of(month))


def file_of(month: ArchivedMonth) -> str:
    """The name of the file, which is all that others need to know of where it lies."""
    return month.path.rpartition("/")[2]


def months() -> Sequence[ArchivedMonth]:
    """Every archived month, oldest first."""
    return db.session.scalars(select(ArchivedMonth).order_by(ArchivedMonth.month)).all()


def month_at(at: datetime) -> ArchivedMonth | None:
    """The archived month that an instant lies in."""
    return db.session.scalar(select(ArchivedMonth).where(ArchivedMonth.month == local_day(at).replace(day=1)))


def of_id(provider_id: int, event_id: str, sources: Collection[str]) -> ArchivedMonth | None:
    """The archived month in which an event with this id lies, under any of the sources."""
    taken = store.identities([Keys(provider_id, source).of(event_id) for source in sources])
    months = [month_at(identity.at) for identity in taken.values()]
    return next((month for month in months if month is not None), None)


def within(span: Period) -> ArchivedMonth | None:
    """The first archived month that a span touches."""
    first, last = span.first_day.replace(day=1), span.last_day
    query = select(ArchivedMonth).where(ArchivedMonth.month >= first, ArchivedMonth.month <= last)
    return db.session.scalar(query.order_by(ArchivedMonth.month).limit(1))


def refuse(span: Period, subscription_ids: Sequence[int] | None = None) -> None:
    """Raises EventsArchived when the span touches an archived month in which anything was counted."""
    month = within(span)
    if month is None:
        return
    if subscription_ids is not None:
        touched = select(func.count()).where(
            UsageCounter.subscription_id.in_(subscription_ids), UsageCounter.day >= month.month, UsageCounter.day <= span.last_day
        )
        if not db.session.scalar(touched):
            return
    raise EventsArchived(month)
