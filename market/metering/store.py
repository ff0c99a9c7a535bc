"""Writing events, one statement for each request.

What PostgreSQL takes fastest is each column as an array in its binary form: the same rows as JSON take it four times as
long to read, and longer still through the functions for `jsonb`, which build a tree first. The statements are the
drivers' own: building them anew for each request would cost as much as the writing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from market import columns
from market.db import on_postgresql
from market.metering import moves, tallies
from market.metering.arrivals import Arrival, subscription_ids
from market.metering.identity import Identity
from market.metering.models import Band
from market.metering.moves import Move
from market.statements import ask, instant, lite_time, read, write_rows

#: In place of the digest of an event that came in at this very moment: its identity is taken and cannot be seen yet.
_UNSEEN = "decode(repeat('00', 16), 'hex')"
# Not FROM unnest(…), which keeps each column by itself before it puts the rows together.
_TOLD = f"""
    WITH told AS MATERIALIZED (
        SELECT nextval('usage_events_id_seq') AS id, {", ".join(f"unnest(%({name})s) AS {name}" for name in "kpetsadb")}
    )"""
# Identities in the order of their keys: two requests with the same events wait for each other, never in a circle.
_IDENTITIES = """
        INSERT INTO event_identities (key, payload, event, at, stored_at)
        SELECT k, p, id, a, %(stored_at)s FROM told {only} ORDER BY k"""
_EVENTS = """
        INSERT INTO usage_events (id, provider_id, source, event_id, type, subscription_id, at, stored_at, data, band)
        SELECT id, %(provider_id)s, %(source)s, e, t, s, a, %(stored_at)s, d, b FROM told"""
_PG_EVENTS = f"""{_TOLD}, moving AS MATERIALIZED (
        SELECT * FROM {moves.PG_MOVES}
    ), overfull AS MATERIALIZED (
        SELECT FROM moving LEFT JOIN LATERAL (
            SELECT sum FROM usage_counters WHERE subscription_id = s AND meter_id = m AND day = d AND slice = l LIMIT 1
        ) AS stored ON true
        WHERE u > %(most)s - coalesce(stored.sum, 0) LIMIT 1
    ), fresh AS ({_IDENTITIES.format(only="WHERE NOT EXISTS (SELECT FROM overfull)")}
        ON CONFLICT (key) DO NOTHING
        RETURNING event
    ), stored AS ({_EVENTS} JOIN fresh ON fresh.event = told.id
    ), moved AS (
        {moves.PG_MOVE.format(moves="moving", only="%(at_once)s AND (SELECT count(*) FROM fresh) = %(wanted)s")}
    )
    SELECT EXISTS (SELECT FROM overfull), CASE WHEN number < %(wanted)s THEN (
        SELECT string_agg(uuid_send(k) || coalesce((SELECT uuid_send(payload) FROM event_identities WHERE key = k), {_UNSEEN}), '')
        FROM told WHERE id NOT IN (SELECT event FROM fresh)
    ) END
    FROM (SELECT count(*) AS number FROM fresh) AS counted
"""
# All or nothing: a taken identity is an error, and so is the division where a counter has no room. To look beforehand takes
# as long as half of storing them. Counters move last, as they do above: whoever meets at both would else wait in a circle,
# and they are wanted by everybody. Left to itself PostgreSQL begins with what stands last.
_PG_ALL_NEW = f"""{_TOLD}, fresh AS ({_IDENTITIES.format(only="")}
        RETURNING true
    ), stored AS ({_EVENTS}
        RETURNING true
    ), moved AS (
        {moves.PG_MOVE.format(moves=moves.PG_MOVES, only="0 < (SELECT count(*) FROM fresh) AND 0 < (SELECT count(*) FROM stored)")}
        RETURNING sum
    )
    SELECT 1 / min(CASE WHEN sum > %(most)s THEN 0 ELSE 1 END) FROM moved
"""
# Key by key: asked for any of a list, a database that was still empty when it planned reads its whole table ever after.
_PG_KNOWN = """
    SELECT uuid_send(wanted.key), known.*
    FROM unnest(%s) AS wanted(key) CROSS JOIN LATERAL (
        SELECT {} FROM event_identities WHERE event_identities.key = wanted.key LIMIT 1
    ) AS known
"""
_PG_PAYLOADS = _PG_KNOWN.format("uuid_send(payload) AS payload")
_PG_IDENTITIES = _PG_KNOWN.format("uuid_send(payload) AS payload, event, at, stored_at")
_LITE_KNOWN = "SELECT key, payload, event, at, stored_at FROM event_identities WHERE key IN ({})"
_LITE_PAYLOADS = "SELECT key, payload FROM event_identities WHERE key IN ({}) AND event < ?"
_LITE_LAST = "SELECT seq FROM sqlite_sequence WHERE name = 'usage_events'"
_LITE_IDENTITIES = "INSERT OR IGNORE INTO event_identities (key, payload, event, at, stored_at) VALUES (?, ?, ?, ?, ?)"
_LITE_EVENTS = (
    "INSERT OR FAIL INTO usage_events (id, provider_id, source, event_id, type, subscription_id, at, stored_at, data, band) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: SQLite takes 32,766 parameters in one statement.
_PAGE = 5000
#: More than any counter's sum, and as much as PostgreSQL's numbers hold.
_ANY = 2**63 - 1


#: By keys that are taken the digests of the events that have taken them, None of such as are free.
Payloads = Mapping[bytes, bytes | None]


class Overfull(Exception):
    """A counter has no room for what is to be stored; nothing was."""


#: Why PostgreSQL would not store all.
NOT_ALL = (Overfull, IntegrityError, DataError)


def insert(
    provider_id: int, source: str, arrivals: Sequence[Arrival], moving: Sequence[Move], *, at_once: bool, room: bool, stored_at: datetime
) -> dict[bytes, bytes | None]:
    """Store the events whose identities are free; returns the keys that were taken, with the digests of the events
    that have taken them as far as they can be seen. Keys differ from each other.

    `moving` is what all of them move; they do so `at_once` if nothing is taken. Unless there is known to be `room` in the
    counters PostgreSQL looks, and Overfull is raised.
    """
    if on_postgresql():
        most = _ANY if room else tallies.DAY_LIMIT
        return _insert_at_once(provider_id, source, arrivals, moving, at_once=at_once, most=most, stored_at=stored_at)
    taken = _insert_one_by_one(provider_id, source, arrivals, stored_at)
    if at_once and not taken:
        moves.add(moving)
    return taken


def ask_payloads(keys: Sequence[bytes]) -> Callable[[], Payloads]:
    """Ask which of these keys are taken; told when it is wanted."""
    nobody: dict[bytes, bytes | None] = dict.fromkeys(keys)
    if not keys:
        return lambda: nobody
    if on_postgresql():
        answer = ask(_PG_PAYLOADS, (columns.Uuids(keys),))
        return lambda: {**nobody, **dict(answer.rows())}
    taken = _lite_payloads(keys)
    return lambda: {**nobody, **taken}


def identities(keys: Sequence[bytes]) -> dict[bytes, Identity]:
    """Those of the keys that are taken, and by what."""
    if on_postgresql():
        return {key: Identity(*rest) for key, *rest in read(_PG_IDENTITIES, (columns.Uuids(keys),))}
    known: dict[bytes, Identity] = {}
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        marks = ", ".join("?" * len(page))
        for key, payload, event, at, stored_at in read(_LITE_KNOWN.format(marks), tuple(page)):
            known[key] = Identity(payload, event, instant(at), instant(stored_at))
    return known


def ask_to_store_all(provider_id: int, source: str, arrivals: Sequence[Arrival], moving: Sequence[Move], *, stored_at: datetime) -> None:
    """On PostgreSQL, have the events stored and the counters moved in one go with what is asked for next.

    That fails as a whole, in the words of `NOT_ALL`, if an identity is taken or a counter has no room; the latter perhaps at once.
    """
    if any(added > tallies.DAY_LIMIT for *_, added, _ in moving):
        raise Overfull  # perhaps beyond what PostgreSQL can read
    if arrivals:
        ask(_PG_ALL_NEW, _written(provider_id, source, arrivals, moving, stored_at) | {"most": tallies.DAY_LIMIT})


def _insert_at_once(
    provider_id: int, source: str, arrivals: Sequence[Arrival], moving: Sequence[Move], *, at_once: bool, most: int, stored_at: datetime
) -> dict[bytes, bytes | None]:
    if any(added > most for *_, added, _ in moving):
        raise Overfull  # perhaps beyond what PostgreSQL can read
    given = _written(provider_id, source, arrivals, moving, stored_at)
    [(overfull, taken)] = read(_PG_EVENTS, given | {"wanted": len(arrivals), "at_once": at_once, "most": most})
    if overfull:
        raise Overfull
    taken = taken or b""
    pairs = ((taken[at : at + 16], taken[at + 16 : at + 32]) for at in range(0, len(taken), 32))
    return {key: payload if any(payload) else None for key, payload in pairs}


def _written(
    provider_id: int, source: str, arrivals: Sequence[Arrival], moving: Sequence[Move], stored_at: datetime
) -> dict[str, Any]:
    events = [arrival.event for arrival in arrivals]
    return {
        "provider_id": provider_id, "source": source, "stored_at": stored_at, **moves.written(moving),
        "k": columns.Uuids([arrival.key for arrival in arrivals]),
        "p": columns.Uuids([event.digest for event in events]),
        "e": columns.Texts([event.id for event in events]),
        "t": columns.Names([event.type for event in events]),
        "s": columns.Numbers(subscription_ids(arrivals)),
        "a": columns.Instants([event.at for event in events]),
        "d": columns.Jsons([event.written for event in events]),
        "b": columns.Names([str(arrival.band) for arrival in arrivals]),
    }  # fmt: skip


def _insert_one_by_one(provider_id: int, source: str, arrivals: Sequence[Arrival], stored_at: datetime) -> dict[bytes, bytes | None]:
    """For SQLite, many rows by one statement. Most identities are free, so they are tried, not asked."""
    number, when = _next_number(), lite_time(stored_at)
    times = [lite_time(arrival.event.at) for arrival in arrivals]
    tried = [
        (arrival.key, arrival.event.digest, number + n, times[n], when) for n, arrival in enumerate(arrivals)
    ]
    fresh: Sequence[int] = range(len(arrivals))
    taken: dict[bytes, bytes | None] = {}
    if write_rows(_LITE_IDENTITIES, tried) < len(tried):
        taken = _lite_payloads([arrival.key for arrival in arrivals], before=number)
        fresh = [n for n in fresh if arrivals[n].key not in taken]
    ids, bands = subscription_ids(arrivals), {band: band.value for band in Band}
    if fresh:
        write_rows(_LITE_EVENTS, [
            (
                number + n, provider_id, source, arrivals[n].event.id, arrivals[n].event.type, ids[n], times[n], when,
                arrivals[n].event.written.decode(), bands[arrivals[n].band],
            )
            for n in fresh
        ])  # fmt: skip
    return taken


def _lite_payloads(keys: Sequence[bytes], *, before: int = _ANY) -> dict[bytes, bytes | None]:
    """Those of the keys that are taken by events with smaller numbers, with the digests of these."""
    found: dict[bytes, bytes | None] = {}
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        found |= dict(read(_LITE_PAYLOADS.format(", ".join("?" * len(page))), (*page, before)))
    return found


def _next_number() -> int:
    found = read(_LITE_LAST)
    return found[0][0] + 1 if found else 1
