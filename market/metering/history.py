"""The counted events a party may see, newest first, a page at a time; read from an index whoever asks.

A provider's whole log is in the order of arrival. Of chosen subscriptions, and so always of a buyer's, it is in the
order in which the use happened: each type of each subscription has its own stretch of the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sqlalchemy import and_, or_, select, union_all
from sqlalchemy.orm import aliased

from market import db
from market.catalog.models import Meter
from market.errors import Invalid
from market.kit.period import Period
from market.metering import archived, log, readers
from market.metering.models import UsageEvent
from market.metering.readers import Party
from market.providers.models import Provider
from market.subscriptions.models import Subscription

#: How many stretches of the index one statement looks at; SQLite takes 500.
_AT_ONCE = 100


class Stretch(NamedTuple):
    """Some events, and the number of the one after which the log goes on, if it does."""

    events: Sequence[UsageEvent]
    more: int | None


def history(
    party: Party,
    *,
    subscription_ids: Collection[int] | None = None,
    type: str = "",
    event_id: str = "",
    source: str = "",
    period: Period | None = None,
    after: int | None = None,
    size: int,
) -> Stretch:
    """Up to `size` events; `subscription_ids` are the party's own, `period` says when the use happened.

    Raises Invalid for an `after` that the party cannot have been told, EventsArchived where events of the period are
    not here any more.
    """
    if subscription_ids is None and not isinstance(party, Provider):
        subscription_ids = list(readers.subjects_for(party))
    if period is not None:
        archived.refuse(period, None if subscription_ids is None else list(subscription_ids))
    last = _told(party, after) if after else None
    if event_id:
        return Stretch(_by_id(party, subscription_ids, type, event_id, source, period), None)
    if isinstance(party, Provider) and subscription_ids is None:
        found = log.stretch(party, log.Wanted(type=type, period=period), after=last, size=size)
        return Stretch(found.events, found.more)
    events = _by_time(_stretches(subscription_ids or (), type), period, last, size + 1)
    return Stretch(events[:size], events[size - 1].id if len(events) > size else None)


def corrected(events: Collection[UsageEvent]) -> dict[int, str]:
    """The ids of the events that these take back, by number."""
    taken = [event for event in events if event.corrects is not None]
    query = select(UsageEvent.id, UsageEvent.event_id).where(
        UsageEvent.id.in_({event.corrects for event in taken}),
        UsageEvent.subscription_id.in_({event.subscription_id for event in taken}),
        UsageEvent.type.in_({event.type for event in taken}),
        UsageEvent.at.in_({event.at for event in taken}),
    )
    return {number: id for number, id in db.session.execute(query)} if taken else {}


def _told(party: Party, after: int) -> UsageEvent:
    event = db.session.scalar(select(UsageEvent).where(UsageEvent.id == after, readers.events_visible(party)))
    if event is None:
        raise Invalid(fields={"cursor": "请照抄 Link 头里的地址，不要自己填 cursor。"})
    return event


def _by_id(
    party: Party, subscription_ids: Collection[int] | None, type: str, event_id: str, source: str, period: Period | None
) -> Sequence[UsageEvent]:
    numbers = readers.numbers_of(party, event_id, source)
    query = select(UsageEvent).where(UsageEvent.id.in_(numbers), readers.events_visible(party))
    return [
        event
        for event in (db.session.scalars(query.order_by(UsageEvent.id.desc())) if numbers else ())
        if (subscription_ids is None or event.subscription_id in subscription_ids)
        and type in ("", event.type)
        and (period is None or period.contains(event.at))
    ]


def _stretches(subscription_ids: Collection[int], type: str) -> Iterator[tuple[int, str]]:
    """Subscription and event type, for every type that its provider measures."""
    pairs = (
        select(Subscription.id, Meter.event_type)
        .join(Meter, Meter.provider_id == Subscription.provider_id)
        .where(Subscription.id.in_(subscription_ids))
        .distinct()
    )
    for subscription_id, measured in db.session.execute(pairs):
        if type in ("", measured):
            yield subscription_id, measured


def _by_time(
    stretches: Iterator[tuple[int, str]], period: Period | None, last: UsageEvent | None, size: int
) -> Sequence[UsageEvent]:
    """The newest of all these stretches; each gives no more than could be among them."""
    conditions = [UsageEvent.at >= period.start, UsageEvent.at < period.end] if period else []
    if last is not None:
        same = and_(UsageEvent.at == last.at, UsageEvent.id < last.id)
        conditions += [UsageEvent.at <= last.at, or_(UsageEvent.at < last.at, same)]
    newest: list[UsageEvent] = []
    while some := list(islice(stretches, _AT_ONCE)):
        parts = []
        for subscription_id, type in some:
            here = (UsageEvent.subscription_id == subscription_id, UsageEvent.type == type, *conditions)
            part = select(UsageEvent).where(*here).order_by(UsageEvent.at.desc(), UsageEvent.id.desc()).limit(size)
            parts.append(select(part.subquery()))
        event = aliased(UsageEvent, union_all(*parts).subquery())
        newest += db.session.scalars(select(event).order_by(event.at.desc(), event.id.desc()).limit(size))
    return sorted(newest, key=lambda event: (event.at, event.id), reverse=True)[:size]
