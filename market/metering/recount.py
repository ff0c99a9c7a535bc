"""A quantity counted once more from the events that prove it, day by day, as they were known at a moment.

What a page shows of a billed line and what checks a bill. Events pass by once, so a million take no more memory than
ten; only of different values, and of transactions by amount, as many are kept as there are. The day counters say from
which day a gauge's value is carried in, nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from market import db
from market.catalog.models import Aggregation
from market.kit.period import Period, local_day, local_midnight
from market.metering import values
from market.metering.evidence import Entry, Proved, entries
from market.metering.quantities import priced
from market.metering.weighing import floor
from market.rating import Transactions

_ZERO = Decimal(0)


class DayCount(NamedTuple):
    """A day in priced units: its own quantity, the period's by its end, how many events it had and how many of them fell away."""

    day: date
    quantity: Decimal
    to_date: Decimal
    events: int
    gone: int


@dataclass(frozen=True, slots=True)
class Recount:
    """The whole, in priced units; `transactions` where they were asked for."""

    quantity: Decimal
    days: tuple[DayCount, ...]
    transactions: Transactions | None = None

    @property
    def events(self) -> int:
        """How many events there were, those among them that were taken back, and what took them back."""
        return sum(each.events for each in self.days)

    @property
    def gone(self) -> int:
        """How many of these count nothing."""
        return sum(each.gone for each in self.days)


def recount(asked: Proved, *, whole: Period, by_transaction: bool = False) -> Recount:
    """Count; a `period` gauge's mean is over `whole`. Reads in the open transaction."""
    tally = _TALLIES[asked.meter.aggregation](asked)
    transactions: Counter[Decimal] = Counter()
    events: Counter[date] = Counter()
    gone: Counter[date] = Counter()
    for entry in entries(asked, db.session.connection()):
        day = local_day(entry.at)
        if asked.period.contains(entry.at):
            events[day] += 1
            gone[day] += not entry.counted
        if entry.counted:
            tally.take(day, entry)
            if by_transaction:
                transactions[priced(asked.meter, Decimal(entry.value), whole)] += 1
    day_long = Period(asked.period.start, asked.period.start + timedelta(days=1))
    days = tuple(
        DayCount(day, priced(asked.meter, own, day_long), priced(asked.meter, to_date, whole), events[day], gone[day])
        for day, own, to_date in tally.days()
    )
    return Recount(days[-1].to_date, days, Transactions.of(transactions) if by_transaction else None)


# --- one way of counting each ------------------------------------------------------------------


@dataclass
class _Tally:
    """Takes events in order of time and arrival; `days` are exact and in reported units."""

    asked: Proved

    @property
    def span(self) -> list[date]:
        """Every day."""
        return [self.asked.period.first_day + timedelta(days=n) for n in range(self.asked.period.days)]

    def take(self, day: date, entry: Entry) -> None:
        """An event that counts."""
        raise NotImplementedError

    def days(self) -> Iterator[tuple[date, Decimal, Decimal]]:
        """(day, its own, so far)."""
        raise NotImplementedError


@dataclass
class _Sum(_Tally):
    by_day: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def take(self, day: date, entry: Entry) -> None:
        self.by_day[day] += 1 if self.asked.meter.aggregation is Aggregation.COUNT else Decimal(entry.value)

    def days(self) -> Iterator[tuple[date, Decimal, Decimal]]:
        so_far = _ZERO
        for day in self.span:
            so_far += self.by_day.get(day, _ZERO)
            yield day, self.by_day.get(day, _ZERO), so_far


@dataclass
class _Max(_Sum):
    def take(self, day: date, entry: Entry) -> None:
        self.by_day[day] = max(self.by_day[day], Decimal(entry.value))

    def days(self) -> Iterator[tuple[date, Decimal, Decimal]]:
        most = _ZERO
        for day in self.span:
            most = max(most, self.by_day.get(day, _ZERO))
            yield day, self.by_day.get(day, _ZERO), most


@dataclass
class _Latest(_Tally):
    by_day: dict[date, dict[str, Decimal]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, day: date, entry: Entry) -> None:
        self.by_day[day][entry.slice] = Decimal(entry.value)

    def days(self) -> Iterator[tuple[date, Decimal, Decimal]]:
        standing: dict[str, Decimal] = {}
        for day in self.span:
            standing |= self.by_day.get(day, {})
            level = sum(standing.values(), _ZERO)
            yield day, level, level


@dataclass
class _Unique(_Tally):
    by_day: dict[date, dict[tuple[str, str], bool]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, day: date, entry: Entry) -> None:
        member = values.member_of(self.asked.meter, entry.data)
        if member is not None:
            self.by_day[day][entry.slice, member.value] = member.present

    def days(self) -> Iterator[tuple[date, Decimal, Decimal]]:
        there: dict[tuple[str, str], bool] = {}
        for day in self.span:
            there |= self.by_day.get(day, {})
            yield day, _different(self.by_day.get(day, {})), _different(there)


def _different(members: Mapping[tuple[str, str], bool]) -> Decimal:
    """Values that are there in one slice or another."""
    return Decimal(len({value for (_, value), present in members.items() if present}))


@dataclass
class _Gauge(_Sum):
    """Value × seconds, on the days over which the value held."""

    def take(self, day: date, entry: Entry) -> None:
        start = max(floor(entry.at), self.asked.period.start)
        for on, seconds in _shared(start, start + timedelta(seconds=entry.seconds or 0)):
            self.by_day[on] += Decimal(entry.value) * seconds


def _shared(start: datetime, end: datetime) -> Iterable[tuple[date, int]]:
    """How many seconds of a stretch of time lie on each local day."""
    while start < end:
        day = local_day(start)
        until = min(end, local_midnight(day + timedelta(days=1)))
        yield day, int((until - start).total_seconds())
        start = until


_TALLIES: Mapping[Aggregation, Callable[[Proved], _Tally]] = {
    Aggregation.SUM: _Sum,
    Aggregation.COUNT: _Sum,
    Aggregation.MAX: _Max,
    Aggregation.LATEST: _Latest,
    Aggregation.UNIQUE_COUNT: _Unique,
    Aggregation.TIME_WEIGHTED: _Gauge,
}
