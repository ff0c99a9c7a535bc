"""When a month will reach its budget. Pure."""

from __future__ import annotations

from datetime import date

from market.billing import Course


def reached_on(course: Course, amount_fen: int) -> date | None:
    """The first day by whose end the whole month has come, or is expected to come, to the amount; None: not this month."""
    return next((day for day, fen in (*course.days, *course.outlook) if fen >= amount_fen), None)
