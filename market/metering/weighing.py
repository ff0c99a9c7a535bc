"""Time weighting, pure: readings of a gauge become value × seconds.

Instants are floored to whole seconds. A value holds until the next reading, across days; of several
readings within one second the last one holds. Days in Guangdong always have 86,400 seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from market.kit.period import local_midnight

DAY = timedelta(days=1)
DAY_SECONDS = 86_400
ZERO = Decimal(0)


class Reading(NamedTuple):
    """What the gauge showed from an instant on."""

    at: datetime
    value: Decimal


class Day(NamedTuple):
    """A day with readings: from `first_at` to midnight they add up to `area`; the last one, at `last_at`, says `closing`."""

    first_at: datetime
    last_at: datetime
    area: Decimal
    closing: Decimal


def floor(at: datetime) -> datetime:
    """The whole second an instant lies in."""
    return at.replace(microsecond=0)


def day_of(day: date, readings: Iterable[Reading]) -> Day:
    """The figures of one day from all its readings, in order of time and arrival; there is at least one."""
    ordered = list(readings)
    first_at = floor(ordered[0].at)
    area, closing = _run(ZERO, ordered, first_at, local_midnight(day) + DAY)
    return Day(first_at, ordered[-1].at, area, closing)


def continued(day: date, figures: Day, readings: Iterable[Reading]) -> Day:
    """The figures of one day with readings after its last one, in order of time and arrival; there is at least one."""
    end, ordered = local_midnight(day) + DAY, list(readings)
    start = floor(ordered[0].at)
    area, closing = _run(figures.closing, ordered, start, end)
    so_far = figures.area - figures.closing * _seconds(start, end)
    return Day(figures.first_at, ordered[-1].at, so_far + area, closing)


def by_day(
    days: Iterable[date],
    opening: Decimal,
    known: Mapping[date, Day],
    stop: datetime,
    last: Iterable[Reading] = (),
) -> Iterator[tuple[date, Decimal]]:
    """Value × seconds of each day up to `stop`.

    `opening` is the value before the first day. `last` are the readings of the day `stop` lies in; they are only
    needed where that day has readings after `stop`.
    """
    level, stop = opening, floor(stop)
    for day in days:
        start = local_midnight(day)
        if stop <= start:
            yield day, ZERO
        elif day in known and not cuts(stop, day, known[day]):
            figures, end = known[day], min(stop, start + DAY)
            beyond = figures.closing * _seconds(end, start + DAY)
            yield day, level * _seconds(start, figures.first_at) + figures.area - beyond
            level = figures.closing
        elif stop < start + DAY:
            readings = [reading for reading in last if reading.at < stop]
            yield day, _run(level, readings, start, stop)[0]
        else:
            yield day, level * DAY_SECONDS


def cuts(stop: datetime, day: date, figures: Day) -> bool:
    """Whether a day has readings that `stop` leaves out, so that its figures do not say what came before."""
    return floor(stop) < floor(figures.last_at) and stop < local_midnight(day) + DAY


def _run(level: Decimal, readings: Iterable[Reading], start: datetime, stop: datetime) -> tuple[Decimal, Decimal]:
    area = ZERO
    for at, value in readings:
        area += level * _seconds(start, floor(at))
        start, level = floor(at), value
    return area + level * _seconds(start, stop), level


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())
