"""Numbers without gaps: the next one is taken in the transaction that uses it, and comes back if that fails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite

from market import db
from market.billing.models import Bill, NumberSeries
from market.kit.period import local_day


def bill_number(bill: Bill) -> str:
    """The next number of the bill's month, such as `BL-202610-000318`."""
    series = f"BL-{bill.period.first_day:%Y%m}"
    return f"{series}-{_next(series):06d}"


def credit_note_number(at: datetime) -> str:
    """The next number of the month in which a credit note is issued, such as `CN-202611-000007`."""
    series = f"CN-{local_day(at):%Y%m}"
    return f"{series}-{_next(series):06d}"


def _next(series: str) -> int:
    """One statement makes the row or counts it up, and holds it until the transaction ends."""
    upsert = postgresql.insert if db.engine().dialect.name == "postgresql" else sqlite.insert
    counted = upsert(NumberSeries).values(name=series, last=1).on_conflict_do_update(
        index_elements=[NumberSeries.name], set_={"last": NumberSeries.last + 1}
    ).returning(NumberSeries.last)
    number: int = db.session.execute(counted).scalar_one()
    return number
