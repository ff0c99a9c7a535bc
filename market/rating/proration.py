"""Proration: days in the segment ÷ days in the full period, as an exact fraction."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from market.kit import money
from market.kit.period import Period


class Share(NamedTuple):
    """How much of a full period counts: `fraction` = `days` ÷ `full_days`, kept unreduced for people."""

    fraction: Fraction
    days: int
    full_days: int


WHOLE = Share(Fraction(1), 1, 1)


def share(period: Period, active: Period) -> Share:
    """The part of `period` in which something was active, in whole local days.

    Starting or ending on a day counts that day, even when both happen at one instant; an end on local
    midnight belongs to the day before. Without a common day the share is 0.
    """
    first = max(period.first_day, active.first_day)
    last = min(period.last_day, active.last_day)
    days = max(0, (last - first).days + 1)
    return Share(Fraction(days, period.days), days, period.days)


def segment_fen(exacts: Iterable[Fraction]) -> list[int]:
    """The fen of consecutive segments of one charge: differences of rounded running totals.

    So however a period is cut, its segments add up to the rounded whole.
    """
    amounts, total, booked = [], Fraction(0), 0
    for exact in exacts:
        total += exact
        amounts.append(money.fen(total) - booked)
        booked += amounts[-1]
    return amounts
