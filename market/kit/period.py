"""Periods: half-open stretches of aware time whose days are days in Guangdong."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from market.kit.refusal import Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")
Interval = Literal["month", "year"]

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_INSTANT = timedelta(microseconds=1)
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)


class InvalidMonth(Refusal):
    """The text names no month."""

    code = "invalid_month"


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)`: the start belongs to it, the end to the next. Both aware; an empty period is allowed."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a period has aware bounds")
        if self.start > self.end:
            raise ValueError(f"a period does not end before it starts: {self.start} > {self.end}")

    @property
    def days(self) -> int:
        """How many local days it touches; for bounds on local midnight, how many it is long."""
        if self.start == self.end:
            return 0
        return (self.last_day - self.first_day).days + 1

    @property
    def first_day(self) -> date:
        """The local day of the start."""
        return local_day(self.start)

    @property
    def last_day(self) -> date:
        """The local day of its last instant: 31 October for a period that ends on 1 November at 00:00."""
        return max(self.first_day, local_day(self.end - _INSTANT))

    @property
    def length(self) -> timedelta:
        """How much time it is."""
        return self.end - self.start

    def contains(self, at: datetime) -> bool:
        """Whether the instant lies inside, start included and end not."""
        return self.start <= at < self.end

    def clip(self, other: Period) -> Period | None:
        """What both have in common; None when that is nothing."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    @property
    def is_month(self) -> bool:
        """Whether it is one whole calendar month."""
        return self == month_of(self.start)

    def next(self) -> Period:
        """The calendar month after this one; ValueError unless this is a calendar month."""
        self._require_month()
        return month_of(self.end)

    def previous(self) -> Period:
        """The calendar month before this one; ValueError unless this is a calendar month."""
        self._require_month()
        return month_of(self.start - _INSTANT)

    @property
    def label(self) -> str:
        """`2026-10` for a calendar month, else first and last day: `2026-10-05/2026-10-20`."""
        if self.is_month:
            return f"{self.first_day:%Y-%m}"
        return f"{self.first_day.isoformat()}/{self.last_day.isoformat()}"

    def _require_month(self) -> None:
        if not self.is_month:
            raise ValueError(f"{self.label} is not a calendar month")


def local_midnight(day: date) -> datetime:
    """The instant a local day begins."""
    return datetime.combine(day, time.min, tzinfo=SHANGHAI)


def local_day(at: datetime) -> date:
    """The local day an instant falls on; ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("an instant is aware")
    return at.date() if at.tzinfo is SHANGHAI else at.astimezone(SHANGHAI).date()


def days(first: date, last: date) -> Period:
    """From the beginning of the first to the end of the last local day."""
    return Period(local_midnight(first), local_midnight(last + timedelta(days=1)))


def since(start: datetime, until: datetime | None = None) -> Period:
    """From `start` until `until`, or without an end in sight."""
    return Period(start, until or _NEVER)


def month(label: str) -> Period:
    """`"2026-10"` → that calendar month; InvalidMonth for anything else."""
    named = _MONTH.fullmatch(label)
    if not named or int(named[1]) < 1900 or int(named[1]) >= _NEVER.year:
        raise InvalidMonth("“%(label)s”不是月份：请写成 2026-10 的样子", label=label[:20])
    return anchored(date(int(named[1]), int(named[2]), 1), 0, "month")


def month_of(at: datetime) -> Period:
    """The calendar month an instant falls in."""
    return anchored(local_day(at).replace(day=1), 0, "month")


def anchored_day(anchor: date, n: int, interval: Interval) -> date:
    """`n` months or years after the anchor, clamped to the month's length: 31 January + 1 month = 28 February.

    Always counted from the anchor, so a short month never shifts the ones after it.
    """
    months = anchor.year * 12 + anchor.month - 1 + (n if interval == "month" else 12 * n)
    year, month_index = divmod(months, 12)
    last = calendar.monthrange(year, month_index + 1)[1]
    return date(year, month_index + 1, min(anchor.day, last))


def anchored(anchor: date, n: int, interval: Interval) -> Period:
    """The `n`-th period of a subscription anchored on a day; 0 is the first, none overlap, none leave a gap."""
    start, end = (anchored_day(anchor, i, interval) for i in (n, n + 1))
    return Period(local_midnight(start), local_midnight(end))


def anchored_at(anchor: date, at: datetime, interval: Interval) -> tuple[int, Period]:
    """Which of the anchored periods an instant falls in, and that period; negative before the anchor."""
    day = local_day(at)
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    n = months if interval == "month" else day.year - anchor.year
    if day < anchored_day(anchor, n, interval):
        n -= 1
    return n, anchored(anchor, n, interval)
