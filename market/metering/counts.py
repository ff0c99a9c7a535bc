"""The events that stand, as meters see them: what counters, their verification and evidence are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import select

from market import db
from market.catalog.models import Meter
from market.kit.period import Period, local_day
from market.metering import values
from market.metering.models import Kind, UsageEvent
from market.metering.values import Member

#: Subscription, meter, local day, slice.
Key = tuple[int, int, date, str]

#: SQLite takes 32,766 parameters in one statement.
PAGE = 5000


class Count(NamedTuple):
    """One event as one meter sees it."""

    #: The counter it moves.
    key: Key
    meter: Meter
    at: datetime
    value: Decimal
    member: Member | None = None


def of_event(meter: Meter, subscription_id: int, day: date, at: datetime, data: Mapping[str, Any]) -> Count:
    """How a meter counts an event. Raises EventRefused."""
    if meter.plain:
        return Count((subscription_id, meter.counter_id, day, ""), meter, at, values.value_of(meter, data))
    key = subscription_id, meter.counter_id, day, values.slice_of(meter, data)
    return Count(key, meter, at, values.value_of(meter, data), values.member_of(meter, data))


def standing(rows: Iterable[Any]) -> Iterator[Any]:
    """Events without those that were taken back; rows in order of time and arrival, with their corrections.

    A correction has the time of the event that it takes back.
    """
    for _, together in groupby(rows, key=attrgetter("at")):
        same = list(together)
        gone = {row.corrects for row in same} if len(same) > 1 else ()
        yield from (row for row in same if row.kind is not Kind.REVERSAL and row.id not in gone)


def events(
    subscription_ids: Collection[int], types: Collection[str], start: datetime | None, end: datetime | None
) -> Iterator[Any]:
    """The events that stand with times in `[start, end)`, in order of time and arrival within a subscription."""
    query = (
        select(
            UsageEvent.id, UsageEvent.kind, UsageEvent.corrects, UsageEvent.subscription_id, UsageEvent.type,
            UsageEvent.at, UsageEvent.stored_at, UsageEvent.data,
        )
        .where(UsageEvent.type.in_(types))
        .order_by(UsageEvent.at, UsageEvent.id)
        .execution_options(yield_per=PAGE)
    )  # fmt: skip
    if start is not None:
        query = query.where(UsageEvent.at >= start)
    if end is not None:
        query = query.where(UsageEvent.at < end)
    for page in pages(sorted(subscription_ids)):
        yield from standing(db.session.execute(query.where(UsageEvent.subscription_id.in_(page))))


def of_events(
    subscription_ids: Collection[int], meters: Collection[Meter], start: datetime | None = None, end: datetime | None = None
) -> Iterator[Count]:
    """What these meters count in `[start, end)`, in order of time and arrival within a subscription."""
    return seen_by(meters, events(subscription_ids, {meter.event_type for meter in meters}, start, end))


def seen_by(meters: Collection[Meter], standing: Iterable[Any]) -> Iterator[Count]:
    """What these meters count of events that stand."""
    by_type: dict[str, list[Meter]] = defaultdict(list)
    for meter in meters:
        by_type[meter.event_type].append(meter)
    for event in standing:
        day = local_day(event.at)
        for meter in by_type.get(event.type, ()):
            if meter.counts(event.stored_at):
                yield of_event(meter, event.subscription_id, day, event.at, event.data)


def of_day(span: Period, subscription_ids: Collection[int], meters: Collection[Meter]) -> dict[Key, list[Count]]:
    """What these meters count in a span, by counter."""
    return by_key(of_events(subscription_ids, meters, span.start, span.end))


def by_key(counts: Iterable[Count]) -> dict[Key, list[Count]]:
    """Counts by the counter that they move, in the order given."""
    groups: dict[Key, list[Count]] = defaultdict(list)
    for count in counts:
        groups[count.key].append(count)
    return groups


def pages(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """The rows in portions that one statement takes."""
    return (rows[start : start + PAGE] for start in range(0, len(rows), PAGE))
