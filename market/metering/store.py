"""Writing many events and counters in one statement: the hot end of metering.

PostgreSQL takes the rows as one JSON parameter (`jsonb_to_recordset`), which costs it a third of what a thousand
parameters would. SQLite has one writer, so what is taken is asked first and the rest is inserted row by row by the
driver. Both were measured against the alternatives (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import text

from market import db
from market.metering.models import Band


class EventRow(NamedTuple):
    """An event as stored; `data` is JSON text."""

    event_id: str
    type: str
    subscription_id: int
    at: datetime
    data: str
    payload_hash: str
    band: Band


@dataclass(frozen=True, slots=True)
class CounterRow:
    """What one counter moves by; a gauge's day is given whole."""

    subscription_id: int
    meter_id: int
    day: date
    count: int
    sum: Decimal
    max: Decimal | None
    first_at: datetime | None
    area: Decimal
    closing: Decimal | None


_encode = msgspec.json.Encoder().encode

_PG_EVENTS = text("""
    WITH stored AS (
        INSERT INTO usage_events (provider_id, source, event_id, type, subscription_id, at, stored_at, data, payload_hash, band)
        SELECT :provider_id, :source, e, t, s, a, :stored_at, d, h, b
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS r(e text, t text, s bigint, a timestamptz, d jsonb, h text, b text)
        ON CONFLICT (provider_id, source, event_id) DO NOTHING
        RETURNING event_id
    )
    SELECT count(*), CASE WHEN count(*) < :wanted THEN array_agg(event_id) END FROM stored
""")
_LITE_EVENTS = (
    "INSERT INTO usage_events (provider_id, source, event_id, type, subscription_id, at, stored_at, data, payload_hash, band) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_LITE_TAKEN = (
    "SELECT event_id FROM usage_events WHERE provider_id = ? AND source = ? AND event_id IN (SELECT value FROM json_each(?))"
)
_MOVE = """
    ON CONFLICT (subscription_id, meter_id, day) DO UPDATE SET
        count = usage_counters.count + excluded.count,
        sum = usage_counters.sum + excluded.sum,
        max = CASE WHEN usage_counters.max IS NULL OR excluded.max > usage_counters.max
                   THEN excluded.max ELSE usage_counters.max END,
        first_at = excluded.first_at, area = excluded.area, closing = excluded.closing
"""
_PG_COUNTERS = text(f"""
    INSERT INTO usage_counters (subscription_id, meter_id, day, count, sum, max, first_at, area, closing)
    SELECT s, m, d, n, u, x, f, a, c
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r(s bigint, m bigint, d date, n bigint, u bigint, x bigint, f timestamptz, a bigint, c bigint)
    {_MOVE}
""")
_LITE_COUNTERS = (
    "INSERT INTO usage_counters (subscription_id, meter_id, day, count, sum, max, first_at, area, closing) "
    f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) {_MOVE}"
)


def insert(provider_id: int, source: str, rows: Sequence[EventRow], *, stored_at: datetime) -> set[str]:
    """Store the events whose ids are free; returns the ids that were taken. Ids differ from each other."""
    if _on_postgresql():
        return _insert_at_once(provider_id, source, rows, stored_at)
    connection = db.session.connection()
    ids = _encode([row.event_id for row in rows]).decode()
    taken = {id for (id,) in connection.exec_driver_sql(_LITE_TAKEN, (provider_id, source, ids))}
    when = _lite_time(stored_at)
    fresh = [
        (provider_id, source, row.event_id, row.type, row.subscription_id, _lite_time(row.at), when, row.data,
         row.payload_hash, row.band.value)
        for row in rows if row.event_id not in taken
    ]  # fmt: skip
    if fresh:
        connection.exec_driver_sql(_LITE_EVENTS, fresh)
    return taken


def move(rows: Sequence[CounterRow]) -> None:
    """Add to the counters, or begin them."""
    if _on_postgresql():
        names = ("s", "m", "d", "n", "u", "x", "f", "a", "c")
        told = [dict(zip(names, _scaled(row, datetime.isoformat), strict=True)) for row in rows]
        db.session.execute(_PG_COUNTERS, {"rows": _encode(told).decode()})
    elif rows:
        connection = db.session.connection()
        connection.exec_driver_sql(_LITE_COUNTERS, [_scaled(row, _lite_time) for row in rows])


def _insert_at_once(provider_id: int, source: str, rows: Sequence[EventRow], stored_at: datetime) -> set[str]:
    told = [
        {"e": row.event_id, "t": row.type, "s": row.subscription_id, "a": row.at, "d": msgspec.Raw(row.data.encode()),
         "h": row.payload_hash, "b": row.band}
        for row in rows
    ]  # fmt: skip
    given = {"provider_id": provider_id, "source": source, "stored_at": stored_at, "wanted": len(rows)}
    number, stored = db.session.execute(_PG_EVENTS, given | {"rows": _encode(told).decode()}).one()
    return set() if number == len(rows) else {row.event_id for row in rows} - set(stored or ())


def _scaled(row: CounterRow, time: Any) -> tuple[Any, ...]:
    return (
        row.subscription_id, row.meter_id, row.day.isoformat(), row.count, _millionths(row.sum), _millionths(row.max),
        row.first_at and time(row.first_at), _millionths(row.area), _millionths(row.closing),
    )  # fmt: skip


def _millionths(value: Decimal | None) -> int | None:
    return None if value is None else int(value.scaleb(6))


def _lite_time(at: datetime) -> str:
    """As SQLAlchemy writes a `DateTime` into SQLite."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _on_postgresql() -> bool:
    return db.engine().dialect.name == "postgresql"
