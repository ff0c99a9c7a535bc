"""Writing events, one statement for each request.

What PostgreSQL takes fastest is JSON as text: the functions for `jsonb` build a tree first and take twice as long. The
statements are the drivers' own: building them anew for each request would cost as much as the writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from market.db import on_postgresql
from market.metering import moves
from market.metering.models import Band
from market.metering.moves import Move
from market.statements import instant, lite_time, read, write

#: Their names are written with every event, so they are short on the way.
_COLUMNS = ("key", "payload", "event_id", "type", "subscription_id", "at", "data", "band")


class EventRow(msgspec.Struct, gc=False, rename=dict(zip(_COLUMNS, "kpetsadb", strict=True))):
    """An event as stored, and on its way to PostgreSQL; `key` and `payload` in hexadecimal digits."""

    key: str
    payload: str
    event_id: str
    type: str
    subscription_id: int
    at: datetime
    data: msgspec.Raw
    band: Band


class Identity(NamedTuple):
    """What is remembered of an event for ever."""

    payload: bytes
    #: The number of the event.
    event: int
    at: datetime
    stored_at: datetime


_encode = msgspec.json.Encoder().encode

# Identities in the order of their keys: two requests with the same events wait for each other, never in a circle.
_PG_EVENTS = f"""
    WITH told AS MATERIALIZED (
        SELECT nextval('usage_events_id_seq') AS id, r.*
        FROM json_to_recordset(%(rows)s::json) AS r(k uuid, p uuid, e text, t text, s bigint, a timestamptz, d jsonb, b text)
    ), fresh AS (
        INSERT INTO event_identities (key, payload, event, at, stored_at)
        SELECT k, p, id, a, %(stored_at)s FROM told ORDER BY k
        ON CONFLICT (key) DO NOTHING
        RETURNING event
    ), stored AS (
        INSERT INTO usage_events (id, provider_id, source, event_id, type, subscription_id, at, stored_at, data, band)
        SELECT id, %(provider_id)s, %(source)s, e, t, s, a, %(stored_at)s, d, b
        FROM told JOIN fresh ON fresh.event = told.id
    ), moved AS (
        {moves.PG_MOVE.format(only="(SELECT count(*) FROM fresh) = %(wanted)s")}
    )
    SELECT number, CASE WHEN number < %(wanted)s THEN
        (SELECT array_agg(e) FROM told WHERE id NOT IN (SELECT event FROM fresh)) END
    FROM (SELECT count(*) AS number FROM fresh) AS counted
"""
_LITE_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'usage_events'"
_LITE_IDENTITIES = "INSERT INTO event_identities (key, payload, event, at, stored_at) VALUES (?, ?, ?, ?, ?)"
_LITE_EVENTS = (
    "INSERT INTO usage_events (id, provider_id, source, event_id, type, subscription_id, at, stored_at, data, band) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: SQLite takes 32,766 parameters in one statement.
_PAGE = 5000


def insert(
    provider_id: int, source: str, rows: Sequence[EventRow], moving: Sequence[Move], *, stored_at: datetime
) -> set[str]:
    """Store the events whose identities are free, and move these counters if all are; returns the ids that were taken.

    Ids differ from each other.
    """
    if on_postgresql():
        return _insert_at_once(provider_id, source, rows, moving, stored_at)
    keys = [bytes.fromhex(row.key) for row in rows]
    taken = identities(keys)
    fresh = [(row, key) for row, key in zip(rows, keys, strict=True) if key not in taken]
    if fresh:
        number, when = _next_number(), lite_time(stored_at)
        times = [lite_time(row.at) for row, _ in fresh]
        write(_LITE_IDENTITIES, [
            (key, bytes.fromhex(row.payload), number + n, times[n], when) for n, (row, key) in enumerate(fresh)
        ])  # fmt: skip
        write(_LITE_EVENTS, [
            (number + n, provider_id, source, row.event_id, row.type, row.subscription_id, times[n], when,
             bytes(row.data).decode(), row.band.value)
            for n, (row, _) in enumerate(fresh)
        ])  # fmt: skip
    if not taken:
        moves.add(moving)
    return {row.event_id for row, key in zip(rows, keys, strict=True) if key in taken} if taken else set()


def payloads(keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """Those of the keys that are taken, with the digests of the events that took them."""
    if on_postgresql():
        found = read("SELECT uuid_send(key), uuid_send(payload) FROM event_identities WHERE key = ANY(%s::uuid[])", ([key.hex() for key in keys],))
        return dict(found)
    return {key: identity.payload for key, identity in identities(keys).items()}


def identities(keys: Sequence[bytes]) -> dict[bytes, Identity]:
    """Those of the keys that are taken, and by what."""
    if on_postgresql():
        names = [key.hex() for key in keys]
        found = read("SELECT key, payload, event, at, stored_at FROM event_identities WHERE key = ANY(%s::uuid[])", (names,))
        return {key.bytes: Identity(payload.bytes, *rest) for key, payload, *rest in found}
    known: dict[bytes, Identity] = {}
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        marks = ", ".join("?" * len(page))
        query = f"SELECT key, payload, event, at, stored_at FROM event_identities WHERE key IN ({marks})"
        for key, payload, event, at, stored_at in read(query, tuple(page)):
            known[key] = Identity(payload, event, instant(at), instant(stored_at))
    return known


def _insert_at_once(
    provider_id: int, source: str, rows: Sequence[EventRow], moving: Sequence[Move], stored_at: datetime
) -> set[str]:
    [(_number, taken)] = read(_PG_EVENTS, {
        "provider_id": provider_id, "source": source, "stored_at": stored_at, "wanted": len(rows),
        "rows": _encode(rows).decode(), "moves": moves.written(moving),
    })  # fmt: skip
    return set(taken or ())


def _next_number() -> int:
    found = read(_LITE_LAST)
    return found[0][0] + 1 if found else 1
