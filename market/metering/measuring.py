"""Usage window by window, for whoever asks: any windows, grouped and filtered by subscription and dimension.

Every window is a period of its own, so a window of a month says what a bill says: gauges carry their value in, all
others begin with nothing. Windows of whole days in Guangdong are read from the day counters, all others from the
events that stand. Subscriptions come together by adding up, those of a `max` meter by the largest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select

from market import db
from market.catalog.models import Aggregation, Filter, Meter
from market.errors import MarketError
from market.kit.period import Period, local_day, local_midnight
from market.metering import archived, counts, distinct, quantities, series, values, weighing
from market.metering.counts import Count
from market.metering.models import UsageCounter
from market.metering.weighing import DAY, ZERO

#: So many events are read for one answer, in about two seconds; the day counters know beforehand how many there are.
MOST_EVENTS = 100_000
MOST_ROWS = 20_000

#: The values of the dimensions asked for, in the order asked.
Labels = tuple[str | None, ...]
#: A subscription, if each is told by itself, and the labels.
Group = tuple[int | None, Labels]


class TooManyEvents(MarketError):
    """More events than are read while somebody waits."""

    status, code = 422, "too_many_events"
    message = "这一段有 %(count)s 条事件，一次最多细算 %(most)s 条。请缩短时间，或按北京时间的天、月查询：那样不限条数。"


class TooManyRows(MarketError):
    """More rows than one answer holds."""

    status, code = 422, "too_many_rows"
    message = "结果有 %(count)s 行，一次最多 %(most)s 行。请缩短时间，换大一些的窗口，或减少分组。"


class Measured(NamedTuple):
    """What a group came to in a window, in priced units, six places."""

    window: Period
    subscription_id: int | None
    labels: Labels
    quantity: Decimal


@dataclass(frozen=True)
class Question:
    """What is asked. `only` leaves the slices whose dimensions have these values, `by` tells slices apart.

    With `each`, every one of the subscriptions is told by itself, also one that used nothing.
    """

    meter: Meter
    subscription_ids: Collection[int]
    windows: Sequence[Period]
    now: datetime
    by: Sequence[str] = ()
    only: Sequence[Filter] = ()
    each: bool = False

    @property
    def span(self) -> Period:
        """From the beginning of the first window to the end of the last."""
        return Period(self.windows[0].start, self.windows[-1].end)

    @property
    def by_days(self) -> bool:
        """Whether the day counters can answer it: every window begins and ends at midnight in Guangdong.

        Filters by several dimensions cannot be put together from the counts of different values.
        """
        edges = [window.start for window in self.windows] + [self.windows[-1].end]
        unique = self.meter.aggregation is Aggregation.UNIQUE_COUNT
        return all(edge == local_midnight(local_day(edge)) for edge in edges) and not (unique and len(self.only) > 1)

    def lets(self, slice: str) -> bool:
        """Whether a slice is asked for."""
        return all(values.matches(self.meter, slice, each) for each in self.only)

    def group(self, subscription_id: int, labels: Labels) -> Group:
        """Where a subscription's figure belongs."""
        return (subscription_id if self.each else None), labels


def measure(question: Question) -> list[Measured]:
    """The answer, window by window; a group has a row in every window. Raises TooManyEvents, TooManyRows, EventsArchived."""
    if not question.subscription_ids:
        return [] if question.each else list(_rows(question, {}))
    if question.by_days:
        found = _from_counters(question)
    else:
        _refuse_what_cannot_be_read(question)
        found = _from_events(question)
    return list(_rows(question, found))


def _rows(question: Question, found: Mapping[Group, Mapping[int, Decimal]]) -> Iterator[Measured]:
    groups = set(found)
    if not question.by:
        groups |= {(id, ()) for id in question.subscription_ids} if question.each else {(None, ())}
    if len(groups) * len(question.windows) > MOST_ROWS:
        raise TooManyRows(count=f"{len(groups) * len(question.windows):,}", most=f"{MOST_ROWS:,}")
    ordered = sorted(groups, key=lambda group: (group[0] or 0, [label or "" for label in group[1]]))
    for number, window in enumerate(question.windows):
        for group in ordered:
            amount = found.get(group, {}).get(number, ZERO)
            yield Measured(window, *group, quantities.priced(question.meter, amount, window))


class _Sums:
    """Exact amounts by group and window."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._largest = question.meter.aggregation is Aggregation.MAX
        self.found: dict[Group, dict[int, Decimal]] = defaultdict(dict)

    def add(self, subscription_id: int, labels: Labels, window: int, amount: Decimal) -> None:
        """Put one more amount where it belongs."""
        there = self.found[self._question.group(subscription_id, labels)]
        before = there.get(window, ZERO)
        there[window] = max(before, amount) if self._largest else before + amount


# --- whole days in Guangdong: from the counters --------------------------------------------


def _from_counters(question: Question) -> Mapping[Group, Mapping[int, Decimal]]:
    sums, meter, by, rest = _Sums(question), question.meter, tuple(question.by), question.only[1:]
    if meter.aggregation is Aggregation.UNIQUE_COUNT:
        _add_unique(question, sums)
        return sums.found
    inner = (*by, *(each.property for each in rest))
    read = series.read(
        question.subscription_ids, question.span, question.now,
        only=question.only[0] if question.only else None, by=inner, meter=meter,
    )  # fmt: skip
    windows = _windows_of_days(question)
    for (subscription_id, _, labels), each in read.items():
        if all(label in one.values for label, one in zip(labels[len(by) :], rest, strict=True)):
            for window, amount in _by_window(question, each, windows):
                sums.add(subscription_id, labels[: len(by)], window, amount)
    return sums.found


def _by_window(question: Question, each: series.Series, windows: Mapping[date, int]) -> Iterator[tuple[int, Decimal]]:
    if question.meter.aggregation is Aggregation.LATEST:
        yield from _latest(each, windows)
        return
    combine = max if question.meter.aggregation is Aggregation.MAX else _plus
    amounts: dict[int, Decimal] = {}
    for point in each.points(question.span):
        window = windows[point.day]
        amounts[window] = combine(amounts.get(window, ZERO), point.amount)
    yield from amounts.items()


def _latest(each: series.Series, windows: Mapping[date, int]) -> Iterator[tuple[int, Decimal]]:
    """The last value of every slice in a window."""
    for part in each.slices.values():
        last = {windows[day]: part.days[day].closing for day in sorted(part.days)}
        yield from last.items()


def _add_unique(question: Question, sums: _Sums) -> None:
    """Different values do not add up over days, so each window is counted by itself."""
    only = question.only[0] if question.only else None
    for number, window in enumerate(question.windows):
        tallies = distinct.tallies(question.meter, question.subscription_ids, window, only=only, by=question.by)
        for (subscription_id, labels), days in tallies.items():
            sums.add(subscription_id, labels, number, Decimal(sum(tally.change for tally in days.values())))


def _windows_of_days(question: Question) -> dict[date, int]:
    """The number of the window that each day lies in."""
    return {
        window.first_day + timedelta(days=n): number
        for number, window in enumerate(question.windows)
        for n in range(window.days)
    }


def _plus(one: Decimal, other: Decimal) -> Decimal:
    return one + other


# --- everything else: from the events ------------------------------------------------------


def _refuse_what_cannot_be_read(question: Question) -> None:
    span = question.span
    archived.refuse(span, list(question.subscription_ids))
    query = select(func.sum(UsageCounter.count)).where(
        UsageCounter.subscription_id.in_(question.subscription_ids),
        UsageCounter.meter_id == question.meter.counter_id,
        UsageCounter.day >= span.first_day,
        UsageCounter.day <= span.last_day,
    )
    count = int(db.session.scalar(query) or 0)
    if count > MOST_EVENTS:
        raise TooManyEvents(count=f"{count:,}", most=f"{MOST_EVENTS:,}")


def _from_events(question: Question) -> Mapping[Group, Mapping[int, Decimal]]:
    sums = _Sums(question)
    match question.meter.aggregation:
        case Aggregation.TIME_WEIGHTED:
            amounts = _weighed(question)
        case Aggregation.UNIQUE_COUNT:
            amounts = _different(question, _inside(question))
        case Aggregation.LATEST:
            amounts = _last(_inside(question))
        case _:
            amounts = _counted(question.meter, _inside(question))
    for subscription_id, slice, window, amount in amounts:
        sums.add(subscription_id, values.group_of(question.meter, slice, question.by), window, amount)
    return sums.found


#: Subscription, slice, window.
_Cell = tuple[int, str, int]
_Amount = tuple[int, str, int, Decimal]


def _events(question: Question, start: datetime) -> Iterator[Count]:
    """What the meter counts of what is asked for, in order of time and arrival within a subscription."""
    counting = db.session.get_one(Meter, question.meter.counter_id)
    for count in counts.of_events(question.subscription_ids, [counting], start, question.span.end):
        if question.lets(count.key[3]):
            yield count


def _inside(question: Question) -> Iterator[tuple[_Cell, Count]]:
    starts = [window.start for window in question.windows]
    for count in _events(question, question.span.start):
        subscription_id, _, _, slice = count.key
        yield (subscription_id, slice, bisect_right(starts, count.at) - 1), count


def _counted(meter: Meter, inside: Iterable[tuple[_Cell, Count]]) -> Iterator[_Amount]:
    combine = max if meter.aggregation is Aggregation.MAX else _plus
    found: dict[_Cell, Decimal] = {}
    for cell, count in inside:
        found[cell] = combine(found[cell], count.value) if cell in found else count.value
    yield from ((*cell, amount) for cell, amount in found.items())


def _last(inside: Iterable[tuple[_Cell, Count]]) -> Iterator[_Amount]:
    found = {cell: count.value for cell, count in inside}
    yield from ((*cell, amount) for cell, amount in found.items())


def _different(question: Question, inside: Iterable[tuple[_Cell, Count]]) -> Iterator[_Amount]:
    """A value that several slices of one group have counts once; it is told with any of them."""
    last = {(cell, count.member.value): count.member.present for cell, count in inside if count.member}
    seen: dict[tuple[int, Labels, int], tuple[str, set[str]]] = {}
    for ((subscription_id, slice, window), value), present in last.items():
        if present:
            labels = values.group_of(question.meter, slice, question.by)
            seen.setdefault((subscription_id, labels, window), (slice, set()))[1].add(value)
    for (subscription_id, _, window), (slice, different) in seen.items():
        yield subscription_id, slice, window, Decimal(len(different))


@dataclass(slots=True)
class _Gauge:
    """One slice of a gauge, walked from reading to reading."""

    windows: Sequence[Period]
    at: datetime
    level: Decimal
    window: int = 0
    areas: dict[int, Decimal] = field(default_factory=dict)

    def until(self, at: datetime) -> None:
        """Hold the level until then."""
        while self.at < at:
            window = self.windows[self.window]
            end = min(at, window.end)
            held = int((end - max(self.at, window.start)).total_seconds())
            if held > 0 and self.level:
                self.areas[self.window] = self.areas.get(self.window, ZERO) + self.level * held
            self.at = end
            if end == window.end:
                if self.window + 1 == len(self.windows):
                    return
                self.window += 1


def _weighed(question: Question) -> Iterator[_Amount]:
    """Value × seconds: every slice is a gauge of its own and holds its value until the next reading."""
    span = question.span
    midnight = local_midnight(span.first_day)
    stops = series.stops(question.subscription_ids, min(span.end, question.now))
    gauges: dict[tuple[int, str], _Gauge] = {}
    first_day = Period(midnight, midnight + DAY)
    for (subscription_id, *_), each in series.read(question.subscription_ids, first_day, None, meter=question.meter).items():
        for slice, part in each.slices.items():
            if question.lets(slice):
                gauges[subscription_id, slice] = _Gauge(question.windows, midnight, part.opening)
    for count in _events(question, midnight):
        subscription_id, _, _, slice = count.key
        gauge = gauges.setdefault((subscription_id, slice), _Gauge(question.windows, midnight, ZERO))
        gauge.until(min(weighing.floor(count.at), stops[subscription_id]))
        gauge.level = count.value
    for (subscription_id, slice), gauge in gauges.items():
        gauge.until(weighing.floor(stops[subscription_id]))
        yield from ((subscription_id, slice, window, area) for window, area in gauge.areas.items())
