"""Day counters read for a period: what each meter of each subscription adds day by day, slice by slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Date, bindparam, func, select

from market import db
from market.catalog.models import Aggregation, Filter, Meter
from market.kit.period import Period, local_day, local_midnight
from market.metering import counters, distinct, values, weighing
from market.metering.distinct import Tally
from market.metering.models import UsageCounter
from market.metering.weighing import Day, Reading
from market.subscriptions.models import Subscription

#: Subscription, meter and the values of the dimensions by which slices are put together.
Key = tuple[int, int, tuple[str | None, ...]]
ZERO = Decimal(0)


# The statements are put together once: one page may ask for twenty stretches of days.
_IDS: BindParameter[Sequence[int]] = bindparam("ids", expanding=True)
_FIRST, _LAST = bindparam("first", type_=Date()), bindparam("last", type_=Date())
_READS = func.coalesce(Meter.reads_id, Meter.id) == UsageCounter.meter_id
_ROWS = (
    select(
        Meter, UsageCounter.subscription_id, UsageCounter.day, UsageCounter.slice, UsageCounter.count, UsageCounter.sum,
        UsageCounter.max, UsageCounter.first_at, UsageCounter.last_at, UsageCounter.area, UsageCounter.closing,
    )
    .join(Meter, _READS)
    .where(UsageCounter.subscription_id.in_(_IDS), UsageCounter.day >= _FIRST, UsageCounter.day <= _LAST)
    .order_by(UsageCounter.day)
)  # fmt: skip
_SLICE = UsageCounter.subscription_id, UsageCounter.meter_id, UsageCounter.slice
_LATEST = (
    select(*_SLICE, func.max(UsageCounter.day).label("day"))
    .where(UsageCounter.subscription_id.in_(_IDS), UsageCounter.day < _FIRST, UsageCounter.closing.is_not(None))
    .group_by(*_SLICE)
    .subquery()
)
_OPENINGS = (
    select(Meter, UsageCounter.subscription_id, UsageCounter.slice, UsageCounter.closing)
    .join(
        _LATEST,
        (UsageCounter.subscription_id == _LATEST.c.subscription_id)
        & (UsageCounter.meter_id == _LATEST.c.meter_id)
        & (UsageCounter.slice == _LATEST.c.slice)
        & (UsageCounter.day == _LATEST.c.day),
    )
    .join(Meter, _READS)
    .where(Meter.aggregation == Aggregation.TIME_WEIGHTED, UsageCounter.closing != ZERO)
)
_ENDS = select(Subscription.id, Subscription.ended_at, Subscription.cancel_at).where(Subscription.id.in_(_IDS))


class Point(NamedTuple):
    """A day: what it adds by itself, and what the period comes to by its end; exact, not priced yet."""

    day: date
    amount: Decimal
    to_date: Decimal


@dataclass(slots=True)
class _Slice:
    """One slice through the period."""

    opening: Decimal = ZERO
    days: dict[date, Any] = field(default_factory=dict)
    last: list[Reading] = field(default_factory=list)


@dataclass(slots=True)
class Series:
    """One meter of one subscription, or one group of its slices, over a period."""

    meter: Meter
    stop: datetime
    slices: dict[str, _Slice] = field(default_factory=lambda: defaultdict(_Slice))
    tallies: Mapping[date, Tally] = field(default_factory=dict)

    def points(self, period: Period) -> list[Point]:
        """Every day of the period, also those without events."""
        span = [period.first_day + timedelta(days=n) for n in range(period.days)]
        match self.meter.aggregation:
            case Aggregation.TIME_WEIGHTED:
                amounts = self._weighed(span)
            case Aggregation.LATEST:
                standing = self._latest(span)
                return [Point(day, level, level) for day, level in zip(span, standing, strict=True)]
            case Aggregation.UNIQUE_COUNT:
                there = accumulate(Decimal(self._tally(day).change) for day in span)
                return [Point(day, Decimal(self._tally(day).on_day), level) for day, level in zip(span, there, strict=True)]
            case Aggregation.MAX:
                amounts = [max((row.max or ZERO for row in self._rows(day)), default=ZERO) for day in span]
                return [Point(*each) for each in zip(span, amounts, accumulate(amounts, max), strict=True)]
            case Aggregation.COUNT:
                amounts = [Decimal(self.count(day)) for day in span]
            case Aggregation.SUM:
                amounts = [sum((row.sum for row in self._rows(day)), ZERO) for day in span]
        return [Point(*each) for each in zip(span, amounts, accumulate(amounts), strict=True)]

    def count(self, day: date) -> int:
        """How many events of a day were counted."""
        return sum(row.count for row in self._rows(day))

    def _rows(self, day: date) -> Iterator[Any]:
        return (each.days[day] for each in self.slices.values() if day in each.days)

    def _tally(self, day: date) -> Tally:
        return self.tallies.get(day, Tally(0, 0))

    def _weighed(self, span: Sequence[date]) -> list[Decimal]:
        """Value × seconds of each day: every slice is a gauge of its own."""
        totals = [ZERO] * len(span)
        for each in self.slices.values():
            known = {day: figures for day, row in each.days.items() if (figures := counters.figures(row))}
            for place, (_, area) in enumerate(weighing.by_day(span, each.opening, known, self.stop, each.last)):
                totals[place] += area
        return totals

    def _latest(self, span: Sequence[date]) -> list[Decimal]:
        """What stands at the end of each day: the last value of every slice so far."""
        standing: dict[str, Decimal] = {}
        levels = []
        for day in span:
            for name, each in self.slices.items():
                if day in each.days and each.days[day].closing is not None:
                    standing[name] = each.days[day].closing
            levels.append(sum(standing.values(), ZERO))
        return levels


def read(
    subscription_ids: Collection[int],
    period: Period,
    until: datetime | None,
    *,
    only: Filter | None = None,
    by: Sequence[str] = (),
    meter: Meter | None = None,
) -> dict[Key, Series]:
    """What the counters say of a period, of every meter that counted anything or of one; gauges up to `until`."""
    if local_midnight(period.first_day) != period.start:
        raise ValueError(f"a period of usage starts at a local midnight, not at {period.start}")
    reader = _Reader(stops(subscription_ids, min(period.end, until or period.end)), only, by)
    for row, each in _rows(subscription_ids, period, meter):
        if found := reader.slice_of(each, row):
            found.days[row.day] = row
    for row, each in _openings(subscription_ids, period, meter):
        if found := reader.slice_of(each, row):
            found.opening = row.closing
    _add_tallies(reader, subscription_ids, period)
    _add_last_readings(reader.series)
    return reader.series


@dataclass(slots=True)
class _Reader:
    """Puts counters where they belong."""

    stops: Mapping[int, datetime]
    only: Filter | None
    by: Sequence[str]
    series: dict[Key, Series] = field(default_factory=dict)

    def slice_of(self, meter: Meter, row: Any) -> _Slice | None:
        """The slice a counter belongs to; None for one that is not asked for."""
        if not values.matches(meter, row.slice, self.only):
            return None
        key = row.subscription_id, meter.id, values.group_of(meter, row.slice, self.by)
        if key not in self.series:
            self.series[key] = Series(meter, self.stops[row.subscription_id])
        return self.series[key].slices[row.slice]


def _rows(subscription_ids: Collection[int], period: Period, meter: Meter | None) -> Iterator[tuple[Any, Meter]]:
    asked = {"ids": list(subscription_ids), "first": period.first_day, "last": period.last_day}
    for row in db.session.execute(_ROWS if meter is None else _ROWS.where(Meter.id == meter.id), asked):
        yield row, row.Meter


def _openings(subscription_ids: Collection[int], period: Period, meter: Meter | None) -> Iterator[tuple[Any, Meter]]:
    """The values with which gauges enter the period: the closing of each slice's last earlier day that has one."""
    asked = {"ids": list(subscription_ids), "first": period.first_day}
    for row in db.session.execute(_OPENINGS if meter is None else _OPENINGS.where(Meter.id == meter.id), asked):
        yield row, row.Meter


def stops(subscription_ids: Collection[int], end: datetime) -> dict[int, datetime]:
    """Where each subscription's gauges stop."""
    rows = db.session.execute(_ENDS, {"ids": list(subscription_ids)})
    return {id: min(end, ended_at or cancel_at or end) for id, ended_at, cancel_at in rows}


def _add_tallies(reader: _Reader, subscription_ids: Collection[int], period: Period) -> None:
    unique = {key[1]: each.meter for key, each in reader.series.items() if each.meter.aggregation is Aggregation.UNIQUE_COUNT}
    for meter in unique.values():
        found = distinct.tallies(meter, subscription_ids, period, only=reader.only, by=reader.by)
        for (subscription_id, group), days in found.items():
            if (subscription_id, meter.id, group) in reader.series:
                reader.series[subscription_id, meter.id, group].tallies = days


def _add_last_readings(series: Mapping[Key, Series]) -> None:
    """A day that is cut before its last reading is weighed from the readings themselves."""
    cut: dict[date, list[tuple[int, Meter, str, _Slice]]] = defaultdict(list)
    for (subscription_id, _, _), each in series.items():
        if each.meter.aggregation is Aggregation.TIME_WEIGHTED:
            day = local_day(each.stop)
            for name, part in each.slices.items():
                figures: Day | None = counters.figures(part.days[day]) if day in part.days else None
                if figures and weighing.cuts(each.stop, day, figures):
                    cut[day].append((subscription_id, each.meter, name, part))
    for day, parts in cut.items():
        meters = {meter.id: meter for _, meter, _, _ in parts}
        found = counters.readings(day, {subscription_id for subscription_id, *_ in parts}, list(meters.values()))
        for subscription_id, meter, name, part in parts:
            part.last = found[subscription_id, meter.counter_id, day, name]
