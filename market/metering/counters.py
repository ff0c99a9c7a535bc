"""Day counters: what bills and budgets read, moved in the transaction of the events.

Whoever calls `apply` or `rework` holds the subscriptions (`queries.hold`): alone where a meter `reworks`, so that
no two requests work out the same counter at once. Sums, counts and maxima are moved by the database itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from sqlalchemy import delete, select, tuple_

from market import db
from market.catalog.models import Aggregation, Meter
from market.kit import period
from market.metering import archived, counts, moves, values, weighing
from market.metering.counts import Count, Key
from market.metering.models import UsageCounter, UsageValue
from market.metering.moves import CounterRow, ValueRow
from market.metering.weighing import Reading
from market.statements import Statement

#: Different slices of one meter, subscription and day.
MOST_SLICES = 200

#: Subscription, meter, local day.
MeterDay = tuple[int, int, date]

_KEY = (UsageCounter.subscription_id, UsageCounter.meter_id, UsageCounter.day, UsageCounter.slice)
_time = attrgetter("at")
_SUMS = Statement("""
    SELECT c.subscription_id, c.meter_id, c.day, c.slice, c.sum
    FROM {jsonb_array_elements(:keys::jsonb) AS k(value) CROSS JOIN LATERAL (SELECT * FROM|json_each(:keys) AS k JOIN}
    usage_counters AS c {WHERE|ON} c.subscription_id = CAST(k.value->>0 AS bigint) AND c.meter_id = CAST(k.value->>1 AS bigint)
        AND c.day = {CAST(k.value->>2 AS date)|k.value->>2} AND c.slice = k.value->>3 {LIMIT 1) AS c|}
""")


def count(subscription_id: int, meter: Meter, day: date, at: datetime, data: Mapping[str, Any]) -> Count:
    """An event as this meter sees it. Raises EventRefused."""
    return counts.of_event(meter, subscription_id, day, at, data)


def reworks(meter: Meter) -> bool:
    """Whether its counters are worked out from what is stored, so that one request at a time may do so."""
    return not meter.plain


def overfull(found: Iterable[Count]) -> set[Key]:
    """The counters whose sum would pass what one holds, were these counted too."""
    added: dict[Key, Decimal] = defaultdict(Decimal)
    for count in found:
        if count.meter.aggregation is Aggregation.SUM:
            added[count.key] += count.value
    stored = sums(list(added))
    return {key for key, value in added.items() if stored.get(key, 0) + value > values.DAY_LIMIT}


def crowded(found: Iterable[Count]) -> set[Key]:
    """The counters of new slices, in order of arrival, for which their meter's day has no place any more."""
    asked: dict[MeterDay, dict[str, None]] = defaultdict(dict)
    for count in found:
        if count.meter.dimensions:
            asked[count.key[:3]].setdefault(count.key[3])
    if not asked:
        return set()
    known = _slices(list(asked))
    refused: set[Key] = set()
    for day, slices in asked.items():
        new = [slice for slice in slices if slice not in known[day]]
        refused.update((*day, slice) for slice in new[max(MOST_SLICES - len(known[day]), 0) :])
    return refused


def sums(keys: list[Key]) -> dict[Key, Decimal]:
    """What these counters' sums are, of those that there are."""
    named = json.dumps([(subscription_id, meter_id, day.isoformat(), slice) for subscription_id, meter_id, day, slice in keys])
    return {
        (subscription_id, meter_id, date.fromisoformat(str(day)), slice): Decimal(total).scaleb(-6)
        for subscription_id, meter_id, day, slice, total in (_SUMS.run(keys=named) if keys else ())
    }


def apply(found: Sequence[Count]) -> None:
    """Move the counters of events that have just been stored."""
    by_key = counts.by_key(found)
    moved, carried, labelled = [], {}, []
    for key in sorted(by_key):
        group = by_key[key]
        if group[0].meter.aggregation in (Aggregation.TIME_WEIGHTED, Aggregation.LATEST):
            carried[key] = sorted(group, key=_time)
        else:
            moved.append(row(key, group))
            if group[0].member:
                labelled += labels(key, sorted(group, key=_time))
    moves.move(moved)
    if carried:
        moves.put(_carried_on(carried))
    if labelled:
        moves.see(labelled)


def rework(keys: Iterable[tuple[int, int, date] | Key]) -> None:
    """Work whole days of meters out anew from the events that stand: (subscription, meter, local day), slices or not.

    Raises EventsArchived where they are no longer here.
    """
    days: dict[date, set[tuple[int, int]]] = defaultdict(set)
    for subscription_id, meter_id, day, *_ in keys:
        days[day].add((subscription_id, meter_id))
    ids = {meter_id for pairs in days.values() for _, meter_id in pairs}
    meters = {meter.id: meter for meter in db.session.scalars(select(Meter).where(Meter.id.in_(ids)))}
    for day, pairs in sorted(days.items()):
        _rework_day(day, pairs, [meters[id] for id in sorted({meter_id for _, meter_id in pairs})])


def readings(day: date, subscription_ids: Collection[int], meters: Collection[Meter]) -> dict[Key, list[Reading]]:
    """A day's readings of gauges, by counter, in order of time and arrival."""
    found = counts.of_day(period.days(day, day), subscription_ids, meters)
    return {key: [Reading(count.at, count.value) for count in group] for key, group in found.items()}


def row(key: Key, group: Sequence[Count]) -> CounterRow:
    """What a counter says of these events and no others; in order of time and arrival where that matters."""
    aggregation = group[0].meter.aggregation
    if aggregation is Aggregation.SUM:
        return CounterRow(*key, len(group), sum=sum([count.value for count in group], Decimal()))
    if aggregation is Aggregation.MAX:
        return CounterRow(*key, len(group), max=max([count.value for count in group]))
    if aggregation is Aggregation.LATEST:
        return CounterRow(*key, len(group), last_at=group[-1].at, closing=group[-1].value)
    if aggregation is Aggregation.TIME_WEIGHTED:
        return _gauge(key, len(group), weighing.day_of(key[2], [Reading(count.at, count.value) for count in group]))
    return CounterRow(*key, len(group))


def labels(key: Key, group: Sequence[Count]) -> list[ValueRow]:
    """What a counter says of each different value among these events, in order of time and arrival."""
    last = {count.member.value: count for count in group if count.member}
    return [
        ValueRow(*key, value, count.member.present, count.at) for value, count in sorted(last.items()) if count.member
    ]


def figures(counter: UsageCounter | CounterRow | Any) -> weighing.Day | None:
    """A gauge's counter as a day."""
    if counter.first_at is None or counter.last_at is None or counter.closing is None:
        return None
    return weighing.Day(counter.first_at, counter.last_at, counter.area, counter.closing)


def _gauge(key: Key, number: int, day: weighing.Day) -> CounterRow:
    return CounterRow(
        *key, number, first_at=day.first_at, last_at=day.last_at, area=day.area, closing=day.closing
    )  # fmt: skip


def _carried_on(groups: Mapping[Key, Sequence[Count]]) -> list[CounterRow]:
    """Counters of values that hold on; only where an event is earlier than the last one are the day's events read."""
    known = _counters(list(groups))
    late = {key for key, group in groups.items() if key in known and group[0].at < known[key].last_at}
    anew = _anew({key: groups[key][0].meter for key in late})
    return [
        row(key, anew[key]) if key in anew else carried(key, group, known.get(key)) for key, group in groups.items()
    ]


def carried(key: Key, group: Sequence[Count], known: Any) -> CounterRow:
    """What the counter of a value that holds on says after further events, all later than those it knows."""
    if known is None:
        return row(key, group)
    number = known.count + len(group)
    day = figures(known)
    if day is None:
        return CounterRow(*key, number, last_at=group[-1].at, closing=group[-1].value)
    return _gauge(key, number, weighing.continued(key[2], day, [Reading(count.at, count.value) for count in group]))


def _anew(meters: Mapping[Key, Meter]) -> dict[Key, list[Count]]:
    """All events of some counters' days, as they stand."""
    by_day: dict[date, list[Key]] = defaultdict(list)
    for key in meters:
        by_day[key[2]].append(key)
    found: dict[Key, list[Count]] = {}
    for day, keys in by_day.items():
        named = {meters[key].id: meters[key] for key in keys}
        stand = counts.of_day(period.days(day, day), {key[0] for key in keys}, named.values())
        found |= {key: stand[key] for key in keys}
    return found


def _rework_day(day: date, pairs: set[tuple[int, int]], meters: Sequence[Meter]) -> None:
    archived.refuse(period.days(day, day), [subscription_id for subscription_id, _ in pairs])
    stand = counts.of_day(period.days(day, day), {subscription_id for subscription_id, _ in pairs}, meters)
    for model in (UsageCounter, UsageValue):
        for page in counts.pages(sorted(pairs)):
            wanted = tuple_(model.subscription_id, model.meter_id).in_(page)
            db.session.execute(delete(model).where(model.day == day, wanted).execution_options(synchronize_session=False))
    kept = {key: group for key, group in sorted(stand.items()) if key[:2] in pairs}
    moves.put([row(key, group) for key, group in kept.items()])
    moves.see([label for key, group in kept.items() for label in labels(key, group)])


def _counters(keys: list[Key]) -> dict[Key, Any]:
    columns = (UsageCounter.count, UsageCounter.first_at, UsageCounter.last_at, UsageCounter.area, UsageCounter.closing)
    found = {}
    for page in counts.pages(keys):
        for counter in db.session.execute(select(*_KEY, *columns).where(tuple_(*_KEY).in_(page))):
            found[counter.subscription_id, counter.meter_id, counter.day, counter.slice] = counter
    return found


def _slices(days: list[MeterDay]) -> dict[MeterDay, set[str]]:
    found: dict[MeterDay, set[str]] = defaultdict(set)
    for page in counts.pages(days):
        for subscription_id, meter_id, day, slice in db.session.execute(
            select(*_KEY).where(tuple_(*_KEY[:3]).in_(page))
        ):
            found[subscription_id, meter_id, day].add(slice)
    return found
