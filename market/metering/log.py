"""The log of a provider's events, newest first: read from an index, never by looking through everybody's.

    by number        the provider's own events in the order of arrival; filters look at `MOST_READ` rows at a time
    by time          one subscription's, in the order in which they happened
    by id            straight from the identities
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import aliased

from market import db
from market.catalog.models import Meter
from market.errors import NotFound
from market.kit.period import Period
from market.metering import queries, store, values
from market.metering.identity import Keys
from market.metering.models import UsageEvent
from market.metering.verdicts import EventRefused
from market.providers.models import Provider

#: How many rows one page looks through for those that fit.
MOST_READ = 20_000


@dataclass(frozen=True)
class Wanted:
    """Which events; what is empty narrows nothing."""

    type: str = ""
    subscription_id: int | None = None
    event_id: str = ""
    #: When they happened.
    period: Period | None = None

    @property
    def anything(self) -> bool:
        """Whether the log is narrowed at all."""
        return bool(self.type or self.subscription_id or self.event_id or self.period)


@dataclass(frozen=True)
class Stretch:
    """Some events of the log, and the number of the event after which it goes on, if it does."""

    events: Sequence[UsageEvent]
    more: int | None
    #: Nothing more was found, but not everything has been looked through yet.
    unfinished: bool = False


def event_of(provider: Provider, id: int) -> UsageEvent:
    """One of a provider's events. Raises NotFound for a stranger's."""
    found = db.session.scalar(_of(provider).where(UsageEvent.id == id))
    if found is None:
        raise NotFound
    return found


def stretch(
    provider: Provider,
    wanted: Wanted,
    *,
    sources: Collection[str] = (),
    after: UsageEvent | None = None,
    types: Collection[str] = (),
    size: int = 30,
) -> Stretch:
    """The newest events that fit, or those that follow `after`.

    An id is looked up within `sources`; `types` are all that the provider's meters count.
    """
    if wanted.event_id:
        return Stretch([each for each in _by_id(provider, wanted.event_id, sources) if _fits(each, wanted)], None)
    if wanted.subscription_id is not None:
        return _by_time(provider, wanted, types, after, size)
    return _by_number(provider, wanted, after, size)


def types_of(provider: Provider) -> list[str]:
    """All types of events that any of the provider's meters counts."""
    query = select(Meter.event_type).where(Meter.provider_id == provider.id).distinct()
    return sorted(db.session.scalars(query))


def worth(event: UsageEvent, provider: Provider) -> list[tuple[Meter, Decimal | None]]:
    """The meters that an event counted for, and what it was worth to each, in the units it reports."""
    meters = queries.meters_by_type(provider, [event.type], at=event.stored_at).get(event.type, [])
    return [(meter, _value(meter, event)) for meter in meters]


def _value(meter: Meter, event: UsageEvent) -> Decimal | None:
    try:
        return values.value_of(meter, event.data)
    except EventRefused:
        return None


def first_event_at(provider: Provider) -> datetime | None:
    """When the first event that is still here was stored."""
    query = select(UsageEvent.stored_at).where(UsageEvent.provider_id == provider.id)
    return db.session.scalar(query.order_by(UsageEvent.id).limit(1))


def _by_number(provider: Provider, wanted: Wanted, after: UsageEvent | None, size: int) -> Stretch:
    read = _of(provider).order_by(UsageEvent.id.desc()).limit(MOST_READ if wanted.anything else size + 1)
    if after is not None:
        read = read.where(UsageEvent.id < after.id)
    some = read.subquery()
    row = aliased(UsageEvent, some)
    fitting = select(row).order_by(row.id.desc()).limit(size + 1)
    if wanted.type:
        fitting = fitting.where(row.type == wanted.type)
    if wanted.period:
        fitting = fitting.where(row.at >= wanted.period.start, row.at < wanted.period.end)
    found = db.session.scalars(fitting).all()
    if len(found) > size:
        return Stretch(found[:size], found[size - 1].id)
    last = db.session.scalar(read.with_only_columns(UsageEvent.id).offset(MOST_READ - 1)) if wanted.anything else None
    return Stretch(found, last, unfinished=last is not None)


def _by_time(provider: Provider, wanted: Wanted, types: Collection[str], after: UsageEvent | None, size: int) -> Stretch:
    """Each type has its own stretch of the index; the newest of all are what is asked for."""
    found: list[UsageEvent] = []
    for type in [wanted.type] if wanted.type else sorted(types):
        query = _of(provider).where(UsageEvent.subscription_id == wanted.subscription_id, UsageEvent.type == type)
        if wanted.period:
            query = query.where(UsageEvent.at >= wanted.period.start, UsageEvent.at < wanted.period.end)
        if after is not None:
            same = and_(UsageEvent.at == after.at, UsageEvent.id < after.id)
            query = query.where(or_(UsageEvent.at < after.at, same), UsageEvent.at <= after.at)
        found += db.session.scalars(query.order_by(UsageEvent.at.desc(), UsageEvent.id.desc()).limit(size + 1))
    found.sort(key=lambda event: (event.at, event.id), reverse=True)
    return Stretch(found[:size], found[size - 1].id if len(found) > size else None)


def _by_id(provider: Provider, event_id: str, sources: Collection[str]) -> Sequence[UsageEvent]:
    taken = store.identities([Keys(provider.id, source).of(event_id) for source in sources])
    query = _of(provider).where(UsageEvent.id.in_([identity.event for identity in taken.values()]))
    return db.session.scalars(query.order_by(UsageEvent.id.desc())).all() if taken else []


def _fits(event: UsageEvent, wanted: Wanted) -> bool:
    return (
        (not wanted.type or event.type == wanted.type)
        and wanted.subscription_id in (None, event.subscription_id)
        and (wanted.period is None or wanted.period.contains(event.at))
    )


def _of(provider: Provider) -> Select[UsageEvent]:
    return select(UsageEvent).where(UsageEvent.provider_id == provider.id)
