"""Working days in mainland China: weekends, the holidays of each year, and the weekends that are worked in exchange.

The State Council announces a year's days off in the November before. For a year without an announcement what is left
is what the law fixes: weekends, and the statutory days by the calendar, without bridged days and exchanged weekends.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from market.late import Library

if TYPE_CHECKING:
    import holidays
else:
    holidays = Library("holidays")

_DAY = timedelta(days=1)


def is_working_day(day: date) -> bool:
    """Whether offices and banks work on this day, as far as it is known."""
    return _calendar(day.year).is_working_day(day)


def is_announced(year: int) -> bool:
    """Whether the days off of a year are known as announced; else they are worked out from the law."""
    return any(day.year == year for day in _calendar(year).weekend_workdays)


def on_or_after(day: date) -> date:
    """The day itself, or the next one that is worked."""
    while not is_working_day(day):
        day += _DAY
    return day


def later(day: date, count: int) -> date:
    """The `count`-th working day after it."""
    for _ in range(count):
        day = on_or_after(day + _DAY)
    return day


@cache
def _calendar(year: int) -> holidays.HolidayBase:
    # The announcement for a year may move days into the last week of the year before.
    return holidays.country_holidays("CN", years=(year, year + 1), expand=False)
