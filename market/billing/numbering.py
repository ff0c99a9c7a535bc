"""Numbers without gaps: the next one is taken in the transaction that uses it, and comes back if that fails."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite

from market import db
from market.billing.models import Bill, NumberSeries


def bill_number(bill: Bill) -> str:
    """The next number of the bill's month, such as `BL-202610-000318`."""
    series = f"BL-{bill.period.first_day:%Y%m}"
    return f"{series}-{_next(series):06d}"


def _next(series: str) -> int:
    """One statement makes the row or counts it up, and holds it until the transaction ends."""
    upsert = postgresql.insert if db.engine().dialect.name == "postgresql" else sqlite.insert
    counted = upsert(NumberSeries).values(name=series, last=1).on_conflict_do_update(
        index_elements=[NumberSeries.name], set_={"last": NumberSeries.last + 1}
    ).returning(NumberSeries.last)
    number: int = db.session.execute(counted).scalar_one()
    return number
