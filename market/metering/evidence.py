"""The evidence for a quantity: every raw event that makes it, with what it weighs, so that anybody can add it up again.

Read row by row from a connection of its own, so that a million events take no more memory than ten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, func, select

from market import db
from market.catalog.models import Aggregation, Filter, Meter
from market.kit.period import Period, days, local_day, local_midnight
from market.metering import archived, values
from market.metering.models import UNUSUAL, ArchivedMonth, Kind, UsageCounter, UsageEvent
from market.metering.weighing import floor
from market.subscriptions.models import Subscription

_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it was stored, and what it is to the quantity.

    `counted` is false of what was taken back and of what takes back. A gauge's event weighs its value × `seconds`, in
    which it held within the period; one from before the period is there because its value was carried in.
    """

    number: int
    event_id: str
    source: str
    type: str
    at: datetime
    stored_at: datetime
    kind: Kind
    #: The id of the event that it takes back; that one is in the file as well.
    corrects: str | None
    slice: str
    counted: bool
    value: str
    seconds: int | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Proved:
    """A quantity to be proved: which events it is made of, as they were known at `stored_by`.

    `stop` is where a gauge's last value stops to count. The meter is no longer of a session: the events are read
    when the transaction in which it was found is over.
    """

    subscription_id: int
    meter: Meter
    period: Period
    stored_by: datetime
    stop: datetime
    only: Filter | None = None


def proved(
    subscription: Subscription, meter: Meter, period: Period, *, stored_by: datetime, only: Filter | None = None
) -> Proved:
    """What is to be proved, without anything that has to be loaded any more.

    Raises EventsArchived where some of the events are not here any more.
    """
    archived.refuse(Period(_first_needed(subscription, meter, period), period.end), [subscription.id])
    asked = asking(subscription, meter, period, stored_by=stored_by, only=only)
    db.session.expunge(meter)
    return asked


def asking(
    subscription: Subscription, meter: Meter, period: Period, *, stored_by: datetime, only: Filter | None = None
) -> Proved:
    """The same, to be read in this transaction.

    What a gauge carries in from an archived month is told by that month's counters, without an event. Raises
    EventsArchived where events of the period itself are not here.
    """
    archived.refuse(period, [subscription.id])
    stop = min(period.end, subscription.ended_at or period.end, stored_by)
    return Proved(subscription.id, meter, period, stored_by, stop, only)


def _first_needed(subscription: Subscription, meter: Meter, period: Period) -> datetime:
    """From when on events matter: of a gauge from the day whose value is carried in."""
    if meter.aggregation is not Aggregation.TIME_WEIGHTED:
        return period.start
    earlier = (
        UsageCounter.subscription_id == subscription.id,
        UsageCounter.meter_id == meter.counter_id,
        UsageCounter.day < period.first_day,
    )
    last = db.session.scalars(select(func.max(UsageCounter.day)).where(*earlier).group_by(UsageCounter.slice)).all()
    return min([local_midnight(day) for day in last], default=period.start)


def evidence(asked: Proved) -> Iterator[Entry]:
    """The events that make a quantity, in order of time and arrival; a gauge's once their value has stopped to hold."""
    with db.reading() as connection:
        yield from entries(asked, connection)


def entries(asked: Proved, connection: Connection) -> Iterator[Entry]:
    """The same on a connection that is open already."""
    counting = _counting(connection, asked.meter)
    inside = _entries(connection, asked, counting, asked.period)
    if asked.meter.aggregation is not Aggregation.TIME_WEIGHTED:
        yield from inside
    else:
        yield from _weighed(asked, _openings(connection, asked, counting), inside)


@dataclass(frozen=True)
class _Counting:
    """From when to when events were counted for a meter: the times of the version that has its counters."""

    since: datetime
    until: datetime | None

    def counts(self, stored_at: datetime) -> bool:
        return self.since <= stored_at and (self.until is None or stored_at < self.until)


def _counting(connection: Connection, meter: Meter) -> _Counting:
    query = select(Meter.created_at, Meter.retired_at).where(Meter.id == meter.counter_id)
    return _Counting(*connection.execute(query).one())


def _entries(connection: Connection, asked: Proved, counting: _Counting, span: Period) -> Iterator[Entry]:
    # Of the statement, not of the connection: that would stay with it, and it may be the one that writes.
    with connection.execute(_rows(asked, span).execution_options(yield_per=_AT_ONCE)) as rows:
        for _, together in groupby(rows, key=attrgetter("at")):
            same = list(together)
            gone, ids = {row.corrects for row in same}, {row.id: row.event_id for row in same}
            for row in same:
                slice = values.slice_of(asked.meter, row.data)
                if counting.counts(row.stored_at) and values.matches(asked.meter, slice, asked.only):
                    counted = row.kind is not Kind.REVERSAL and row.id not in gone
                    yield _entry(asked.meter, row, slice, counted, ids.get(row.corrects))


def _rows(asked: Proved, span: Period) -> Select[Any]:
    columns = (
        UsageEvent.id, UsageEvent.event_id, UsageEvent.source, UsageEvent.type, UsageEvent.at, UsageEvent.stored_at,
        UsageEvent.kind, UsageEvent.corrects, UsageEvent.data,
    )  # fmt: skip
    return (
        select(*columns)
        .where(
            UsageEvent.subscription_id == asked.subscription_id,
            UsageEvent.type == asked.meter.event_type,
            UsageEvent.at >= span.start,
            UsageEvent.at < span.end,
            UsageEvent.stored_at <= asked.stored_by,
        )
        .order_by(UsageEvent.at, UsageEvent.id)
    )


def _entry(meter: Meter, row: Any, slice: str, counted: bool, corrects: str | None) -> Entry:
    """Of a reversal nothing counts; it may come without the value it takes back."""
    if row.kind is Kind.REVERSAL and row.data.get(meter.value_property) is None:
        value = ""
    else:
        member = values.member_of(meter, row.data)
        value = member.value if member else f"{values.value_of(meter, row.data):f}"
    return Entry(
        row.id, row.event_id, row.source, row.type, row.at, row.stored_at, row.kind, corrects, slice, counted,
        value, None, row.data,
    )  # fmt: skip


# --- gauges --------------------------------------------------------------------------------


def _openings(connection: Connection, asked: Proved, counting: _Counting) -> Sequence[Entry]:
    """The event of each slice whose value is carried into the period, looked for day by day backwards."""
    found: dict[str, Entry] = {}
    cleared = set(connection.scalars(select(ArchivedMonth.month).where(ArchivedMonth.month < asked.period.first_day)))
    counted, rewritten = _earlier_days(connection, asked), _rewritten_days(connection, asked)
    for day in sorted(counted.keys() | rewritten, reverse=True):
        slices = counted.get(day, {})
        if day in rewritten or slices.keys() - found.keys():
            if day.replace(day=1) in cleared:
                on_day = {slice: _carried(asked.meter, slice, *at) for slice, at in slices.items()}
            else:
                on_day = {entry.slice: entry for entry in _entries(connection, asked, counting, days(day, day)) if entry.counted}
            found = {**on_day, **found}
    return sorted(found.values(), key=lambda entry: (entry.at, entry.number))


def _rewritten_days(connection: Connection, asked: Proved) -> set[date]:
    """The days before the period whose counters no longer tell what stood then: events were taken back since."""
    query = select(UsageEvent.at).where(
        UsageEvent.subscription_id == asked.subscription_id, UsageEvent.type == asked.meter.event_type,
        UsageEvent.at < asked.period.start, UsageEvent.stored_at > asked.stored_by,
        UsageEvent.kind != Kind.USAGE, UNUSUAL,
    )  # fmt: skip
    return {local_day(at) for at in connection.scalars(query)}


def _carried(meter: Meter, slice: str, at: datetime, closing: Decimal) -> Entry:
    """What an archived event said, as the counter of its day keeps it."""
    return Entry(0, "", "", meter.event_type, at, at, Kind.USAGE, None, slice, True, f"{closing:f}", None, {})


def _earlier_days(connection: Connection, asked: Proved) -> Mapping[date, dict[str, tuple[datetime, Decimal]]]:
    """The days before the period that have counters: by slice the last value and its time."""
    query = select(UsageCounter.day, UsageCounter.slice, UsageCounter.last_at, UsageCounter.closing).where(
        UsageCounter.subscription_id == asked.subscription_id,
        UsageCounter.meter_id == asked.meter.counter_id,
        UsageCounter.day < asked.period.first_day,
    )
    by_day: dict[date, dict[str, tuple[datetime, Decimal]]] = defaultdict(dict)
    for day, slice, at, closing in connection.execute(query):
        if at is not None and closing is not None and values.matches(asked.meter, slice, asked.only):
            by_day[day][slice] = at, closing
    return by_day


def _weighed(asked: Proved, openings: Sequence[Entry], inside: Iterable[Entry]) -> Iterator[Entry]:
    """Each value holds until the next one of its slice, the last one until the end."""
    holding = {entry.slice: entry for entry in openings}
    for entry in inside:
        if not entry.counted:
            yield entry
            continue
        before = holding.get(entry.slice)
        if before is not None:
            yield _held(asked, before, entry.at)
        holding[entry.slice] = entry
    for entry in holding.values():
        yield _held(asked, entry, asked.stop)


def _held(asked: Proved, entry: Entry, until: datetime) -> Entry:
    start = max(floor(entry.at), asked.period.start)
    held = floor(min(until, asked.stop)) - start
    return replace(entry, seconds=max(int(held.total_seconds()), 0))


