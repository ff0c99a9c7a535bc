"""Writing events, one statement for each request: what PostgreSQL takes fastest is JSON.

The statements are the driver's own: building them anew for each request would cost as much as the writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import CursorResult

from market import db
from market.metering.models import Band


class EventRow(NamedTuple):
    """An event as stored; `data` is JSON."""

    key: bytes
    payload: bytes
    event_id: str
    type: str
    subscription_id: int
    at: datetime
    data: bytes
    band: Band


class Identity(NamedTuple):
    """What is remembered of an event for ever."""

    payload: bytes
    #: The number of the event.
    event: int
    at: datetime
    stored_at: datetime


class _Told(msgspec.Struct, gc=False):
    """A row on its way to PostgreSQL."""

    k: str
    p: str
    e: str
    t: str
    s: int
    a: datetime
    d: msgspec.Raw
    b: Band


_encode = msgspec.json.Encoder().encode

# Identities in the order of their keys: two requests with the same events wait for each other, never in a circle.
_PG_EVENTS = """
    WITH told AS MATERIALIZED (
        SELECT nextval('usage_events_id_seq') AS id, r.*
        FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(k uuid, p uuid, e text, t text, s bigint, a timestamptz, d jsonb, b text)
    ), fresh AS (
        INSERT INTO event_identities (key, payload, event, at, stored_at)
        SELECT k, p, id, a, %(stored_at)s FROM told ORDER BY k
        ON CONFLICT (key) DO NOTHING
        RETURNING event
    ), stored AS (
        INSERT INTO usage_events (id, provider_id, source, event_id, type, subscription_id, at, stored_at, data, band)
        SELECT id, %(provider_id)s, %(source)s, e, t, s, a, %(stored_at)s, d, b
        FROM told JOIN fresh ON fresh.event = told.id
        RETURNING event_id
    )
    SELECT count(*), CASE WHEN count(*) < %(wanted)s THEN array_agg(event_id) END FROM stored
"""
_LITE_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'usage_events'"
_LITE_IDENTITIES = "INSERT INTO event_identities (key, payload, event, at, stored_at) VALUES (?, ?, ?, ?, ?)"
_LITE_EVENTS = (
    "INSERT INTO usage_events (id, provider_id, source, event_id, type, subscription_id, at, stored_at, data, band) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: SQLite takes 32,766 parameters in one statement.
_PAGE = 5000


def insert(provider_id: int, source: str, rows: Sequence[EventRow], *, stored_at: datetime) -> set[str]:
    """Store the events whose identities are free; returns the ids that were taken. Ids differ from each other."""
    if on_postgresql():
        return _insert_at_once(provider_id, source, rows, stored_at)
    taken = identities([row.key for row in rows])
    fresh = [row for row in rows if row.key not in taken] if taken else rows
    if fresh:
        number, when = _next_number(), lite_time(stored_at)
        times = [lite_time(row.at) for row in fresh]
        driver(_LITE_IDENTITIES, [
            (row.key, row.payload, number + n, times[n], when) for n, row in enumerate(fresh)
        ])  # fmt: skip
        driver(_LITE_EVENTS, [
            (number + n, provider_id, source, row.event_id, row.type, row.subscription_id, times[n], when,
             row.data.decode(), row.band.value)
            for n, row in enumerate(fresh)
        ])  # fmt: skip
    return {row.event_id for row in rows if row.key in taken}


def identities(keys: Sequence[bytes]) -> dict[bytes, Identity]:
    """Those of the keys that are taken, and by what."""
    if on_postgresql():
        names = [key.hex() for key in keys]
        found = driver("SELECT key, payload, event, at, stored_at FROM event_identities WHERE key = ANY(%s::uuid[])", (names,))
        return {key.bytes: Identity(payload.bytes, *rest) for key, payload, *rest in found}
    known: dict[bytes, Identity] = {}
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        marks = ", ".join("?" * len(page))
        query = f"SELECT key, payload, event, at, stored_at FROM event_identities WHERE key IN ({marks})"
        for key, payload, event, at, stored_at in driver(query, tuple(page)):
            known[key] = Identity(payload, event, _instant(at), _instant(stored_at))
    return known


def driver(statement: str, given: Any) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement as the driver takes it."""
    return db.session.connection().exec_driver_sql(statement, given)


def on_postgresql() -> bool:
    """Which of the two dialects to speak."""
    return db.engine().dialect.name == "postgresql"


def lite_time(at: datetime) -> str:
    """As SQLAlchemy writes a `DateTime` into SQLite."""
    return f"{at.astimezone(UTC).replace(tzinfo=None):%Y-%m-%d %H:%M:%S.%f}"


def _insert_at_once(provider_id: int, source: str, rows: Sequence[EventRow], stored_at: datetime) -> set[str]:
    told = [
        _Told(row.key.hex(), row.payload.hex(), row.event_id, row.type, row.subscription_id, row.at, msgspec.Raw(row.data), row.band)
        for row in rows
    ]
    given = {"provider_id": provider_id, "source": source, "stored_at": stored_at, "wanted": len(rows)}
    number, stored = driver(_PG_EVENTS, given | {"rows": _encode(told).decode()}).one()
    return set() if number == len(rows) else {row.event_id for row in rows} - set(stored or ())


def _next_number() -> int:
    last = driver(_LITE_LAST, ()).scalar()
    return (last or 0) + 1


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)
