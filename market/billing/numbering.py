"""Numbers without gaps: the next one is taken in the transaction that uses it, and comes back if that fails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite

from market import db
from market.billing.models import NumberSeries
from market.kit.period import Period, local_day


def bill_numbers(period: Period, count: int) -> list[str]:
    """The next numbers of a bill's month, such as `BL-202610-000318`."""
    series = f"BL-{period.first_day:%Y%m}"
    first = take(series, count)
    return [f"{series}-{number:06d}" for number in range(first, first + count)]


def credit_note_number(at: datetime) -> str:
    """The next number of the month in which a credit note is issued, such as `CN-202611-000007`."""
    series = f"CN-{local_day(at):%Y%m}"
    return f"{series}-{_next(series):06d}"


def _next(series: str) -> int:
    return take(series, 1)


def take(series: str, count: int) -> int:
    """So many numbers of a series that follow each other; tells the first.

    One statement makes the row or counts it up, and holds it until the transaction ends.
    """
    upsert = postgresql.insert if db.engine().dialect.name == "postgresql" else sqlite.insert
    counted = upsert(NumberSeries).values(name=series, last=count).on_conflict_do_update(
        index_elements=[NumberSeries.name], set_={"last": NumberSeries.last + count}
    ).returning(NumberSeries.last)
    last: int = db.session.execute(counted).scalar_one()
    return last - count + 1
