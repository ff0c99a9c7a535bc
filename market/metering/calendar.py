"""Days of Guangdong, as either database counts them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy.orm import InstrumentedAttribute

from market import db


def day_of(instant: ColumnElement[datetime] | InstrumentedAttribute[datetime]) -> ColumnElement[Any]:
    """The local day of an instant, to group by; which one it is tells any of its instants."""
    # Written out: as parameters they would make one expression in SELECT and GROUP BY two for PostgreSQL.
    if db.engine().dialect.name == "postgresql":
        return func.date(func.timezone(literal_column("'Asia/Shanghai'"), instant))
    return func.date(instant, literal_column("'+8 hours'"))
