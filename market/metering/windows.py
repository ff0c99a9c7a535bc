"""Windows: a span of time cut at the minutes, hours, days or months of any time zone. Pure.

Windows are half-open, follow each other without a gap, and begin where a clock in the zone begins a new minute, hour,
day or month: a day on which the clock is changed has 23 or 25 hours, and one that a zone skipped has no window.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from market.kit.period import Period

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Size(StrEnum):
    """How long a window is."""

    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"
    MONTH = "MONTH"


def zone(name: str) -> ZoneInfo | None:
    """The time zone of this IANA name, spelled as there; None when there is none."""
    return ZoneInfo(name) if name in _names() else None


def cut(start: datetime, end: datetime, size: Size | None, zone: ZoneInfo) -> Iterator[Period]:
    """The whole windows that `[start, end)` touches; without a size the span itself, in whole seconds."""
    if size is None:
        yield Period(start.replace(microsecond=0), _ceiling(end))
        return
    begun = _beginning(start, size, zone)
    while begun < end:
        following = _following(begun, size, zone)
        yield Period(begun, following)
        begun = following


def around(at: datetime, size: Size, zone: ZoneInfo) -> Period:
    """The window that an instant lies in."""
    return next(cut(at, at + timedelta.resolution, size, zone))


def _beginning(at: datetime, size: Size, zone: ZoneInfo) -> datetime:
    """When the window began that an instant lies in."""
    local = at.astimezone(zone)
    if size is Size.DAY:
        return _midnight(local.date(), zone)
    if size is Size.MONTH:
        return _midnight(local.date().replace(day=1), zone)
    begun = at.replace(second=0, microsecond=0).astimezone(UTC)
    # One step is enough but where the clock was changed by less than an hour within this one.
    while size is Size.HOUR and (minutes := begun.astimezone(zone).minute):
        begun -= minutes * MINUTE
    return begun


def _following(begun: datetime, size: Size, zone: ZoneInfo) -> datetime:
    """When the next window begins."""
    if size is Size.MINUTE:
        return begun + MINUTE
    if size is Size.HOUR:
        after = begun + HOUR
        while minutes := after.astimezone(zone).minute:
            after += HOUR - minutes * MINUTE
        return after
    # By noon it is certainly that day: at midnight a clock that is changed may show the one before once more.
    day = (begun + 12 * HOUR).astimezone(zone).date()
    following = day + DAY if size is Size.DAY else (day.replace(day=1) + 32 * DAY).replace(day=1)
    return _midnight(following, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day; where the clock skips midnight, the one at which it does."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _ceiling(at: datetime) -> datetime:
    whole = at.replace(microsecond=0)
    return whole if whole == at else whole + _SECOND


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory"})
