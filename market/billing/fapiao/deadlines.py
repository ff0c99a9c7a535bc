"""By when a provider is to act."""

from __future__ import annotations

from datetime import date, datetime

from market.kit import working_days
from market.kit.period import local_day

#: Neither the law nor any listing names a number of days; five working days let a small provider write its fapiao
#: once a week.
WORKING_DAYS = 5


def due_on(asked_at: datetime) -> date:
    """The last day on which what was asked then is done in time."""
    return working_days.later(local_day(asked_at), WORKING_DAYS)
