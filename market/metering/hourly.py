"""The hours of one day, worked out from its events: for looking closely, never for a bill.

Only so many events are read. Beyond, nothing is said, because a page must not become slower with use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import func, select

from market import db
from market.catalog.models import Aggregation, Meter, TimeBase
from market.kit.period import Period, days
from market.kit.quantity import round6
from market.metering import archived, counts, series
from market.metering.counts import Count
from market.metering.models import UsageEvent
from market.metering.series import Series

#: Events of a day that are read at most.
MOST = 10_000
HOUR = timedelta(hours=1)
ZERO = Decimal(0)


def hours(
    asked: Sequence[tuple[int, Meter]], day: date, *, until: datetime, most: int = MOST
) -> dict[tuple[int, int], list[Decimal]] | None:
    """The 24 quantities of each (subscription, meter) on a local day, in priced units; None when it has too many events.

    A gauge of a period gives its mean over the hour, `latest` what stood at its end, `unique_count` how many
    different values the hour saw. Raises EventsArchived where the events of the day are not here any more.
    """
    ids, span = sorted({id for id, _meter in asked}), days(day, day)
    archived.refuse(span, ids)
    meters = {meter.id: meter for _id, meter in asked}
    if _count(ids, {meter.event_type for meter in meters.values()}, span, most + 1) > most:
        return None
    found: dict[tuple[int, int], dict[str, list[Count]]] = defaultdict(lambda: defaultdict(list))
    for count in counts.of_events(ids, list(meters.values()), span.start, span.end):
        found[count.key[0], count.meter.id][count.key[3]].append(count)
    known = series.read(ids, span, until) if any(meter.aggregation is Aggregation.TIME_WEIGHTED for meter in meters.values()) else {}
    return {
        (id, meter.id): [
            _priced(meter, amount)
            for amount in _amounts(meter, found[id, meter.id], known.get((id, meter.id, ())), span)
        ]
        for id, meter in asked
    }


def _count(ids: Sequence[int], types: Iterable[str], span: Period, most: int) -> int:
    """How many events there are; no more than `most` are looked at."""
    query = select(UsageEvent.id).where(
        UsageEvent.subscription_id.in_(ids), UsageEvent.type.in_(types), UsageEvent.at >= span.start, UsageEvent.at < span.end
    )
    return db.session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0


def _amounts(meter: Meter, slices: Mapping[str, Sequence[Count]], gauge: Series | None, span: Period) -> list[Decimal]:
    """What each hour adds, exact and in reported units."""
    if meter.aggregation is Aggregation.TIME_WEIGHTED:
        parts = gauge.slices if gauge else {}
        stop = gauge.stop if gauge else span.start
        return _added([_weighed(part.opening, slices.get(name, ()), span, stop) for name, part in parts.items()])
    if meter.aggregation is Aggregation.LATEST:
        return _added([_standing(group, span) for group in slices.values()])
    by_hour: list[list[Count]] = [[] for _ in range(24)]
    for group in slices.values():
        for count in group:
            by_hour[(count.at - span.start) // HOUR].append(count)
    return [_together(meter, group) for group in by_hour]


def _added(slices: Sequence[Sequence[Decimal]]) -> list[Decimal]:
    return [sum(amounts, ZERO) for amounts in zip(*slices, strict=True)] if slices else [ZERO] * 24


def _together(meter: Meter, group: Sequence[Count]) -> Decimal:
    match meter.aggregation:
        case Aggregation.COUNT:
            return Decimal(len(group))
        case Aggregation.UNIQUE_COUNT:
            return Decimal(len({count.member.value for count in group if count.member and count.member.present}))
        case Aggregation.MAX:
            return max((count.value for count in group), default=ZERO)
        case _:
            return sum((count.value for count in group), ZERO)


def _weighed(level: Decimal, group: Sequence[Count], span: Period, stop: datetime) -> list[Decimal]:
    """Value × seconds of each hour."""
    amounts, at = [ZERO] * 24, span.start
    for until, value in [*((count.at.replace(microsecond=0), count.value) for count in group), (stop, ZERO)]:
        until = min(until, stop)
        while at < until:
            hour = (at - span.start) // HOUR
            end = min(until, span.start + (hour + 1) * HOUR)
            amounts[hour] += level * int((end - at).total_seconds())
            at = end
        level = value
    return amounts


def _standing(group: Sequence[Count], span: Period) -> list[Decimal]:
    """What the last event said by the end of each hour."""
    levels, level = [], ZERO
    waiting = list(group)
    for hour in range(24):
        while waiting and waiting[0].at < span.start + (hour + 1) * HOUR:
            level = waiting.pop(0).value
        levels.append(level)
    return levels


def _priced(meter: Meter, amount: Decimal) -> Decimal:
    exact = Fraction(amount) / meter.unit_size
    return round6(exact / 3600 if meter.time_base in (TimeBase.HOUR, TimeBase.PERIOD) else exact)
