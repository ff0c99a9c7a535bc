"""Months of usage in seconds: events taken in over HTTP, then multiplied inside the database.

Every copy is an event of its own with an id, an identity and a time of its own on the same local day as its original,
so that the counters of that day are simply so many times what they were: `market usage verify` finds no difference.
Copies arrived when they happened, as nearly all usage does; the originals are as late as they came. Columns come from the models, so that a new one is copied like the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from benchmarks.databases import Database
from benchmarks.desk import Desk, Stream
from benchmarks.place import bar
from benchmarks.stand import Stand
from market import resources
from market.kit.period import local_day, local_midnight
from market.metering.models import EventIdentity, UsageEvent

DAYS = 30
_BATCH, _CONNECTIONS = 1_000, 2
_CHUNK = 200_000
#: Of the originals, one in so many belongs to the first subscription, which is not multiplied, and to the second one.
SMALL_SHARE, LARGE_SHARE = 20, 10

#: A time on the day of the original.
_PG_TIME = "(date_trunc('day', at AT TIME ZONE 'Asia/Shanghai') + random() * interval '86399 s') AT TIME ZONE 'Asia/Shanghai'"
_LITE_TIME = "strftime('%Y-%m-%d %H:%M:%S', date(at, '+8 hours'), '-8 hours', '+' || (abs(random()) % 86399) || ' seconds') || '.000000'"
_COPIES = {"at": "happened", "stored_at": "happened", "band": "'on_time'"}
_PG_COPIES = {**_COPIES, "event_id": "gen_random_uuid()::text"}
_LITE_COPIES = {**_COPIES, "event_id": "lower(hex(randomblob(18)))"}
_PG_IDENTITY = {"key": "gen_random_uuid()", "payload": "gen_random_uuid()", "event": "id"}
_LITE_IDENTITY = {"key": "randomblob(16)", "payload": "randomblob(16)", "event": "id"}


_IDENTITIES_KEY = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'event_identities'::regclass AND contype = 'p'"""
_EVENTS_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = 'usage_events'::regclass ORDER BY 1"""


@dataclass(frozen=True)
class History:
    """How many events are stored, and how many of them belong to the first and to the second subscription."""

    events: int
    small: int
    large: int


def live(at: Stand, *, originals: int, events: int) -> History:
    """Take `originals` in, spread over thirty days, and multiply them until there are about `events`."""
    small, large = originals // SMALL_SHARE, originals // LARGE_SHARE
    stream = Stream(9)
    for desk, number in (
        (at.desk.of(0, 1), small), (at.desk.of(1, 2), large), (at.desk.of(2, len(at.desk.subscriptions)), originals - small - large)
    ):  # fmt: skip
        _report(at, desk, stream, number)
    times = max(1, round((events - small) / (originals - small)))
    if times > 1:
        multiply(at.database, at.desk.subscriptions[0][0], times, originals)
    return History(small + (originals - small) * times, small, large * times)


def _report(at: Stand, desk: Desk, stream: Stream, number: int) -> None:
    midnight = local_midnight(local_day(resources.clock.now()))
    within = timedelta(days=DAYS)
    sizes = [min(_BATCH, number - start) for start in range(0, number, _BATCH)]
    bodies = [stream.batch(desk, midnight, size, within=within) for size in sizes]
    at.send(bodies, events=number, connections=_CONNECTIONS)


def multiply(database: Database, apart: int, times: int, originals: int) -> None:
    """Add `times - 1` copies of every event but those of one subscription, and move the counters accordingly."""
    fill = _multiply_postgresql if database.name == "PostgreSQL" else _multiply_sqlite
    with bar(f"{database.name}, {times}×", times - 1, "×") as shown:
        fill(database, apart, times - 1, max(1, _CHUNK // originals), shown.update)


def _columns(copies: dict[str, str]) -> tuple[str, str]:
    names = [column.name for column in UsageEvent.__table__.columns if column.name != "id"]
    return ", ".join(names), ", ".join(copies.get(name, name) for name in names)


def _identities(given: dict[str, str]) -> tuple[str, str]:
    names = [column.name for column in EventIdentity.__table__.columns]
    return ", ".join(names), ", ".join(given.get(name, name) for name in names)


def _multiply_postgresql(database: Database, apart: int, copies: int, step: int, told: Callable[[int], Any]) -> None:
    (names, values), (kept, identity) = _columns(_PG_COPIES), _identities(_PG_IDENTITY)
    statement = (
        f"WITH drawn AS MATERIALIZED (SELECT usage_events.*, {_PG_TIME} AS happened FROM usage_events "
        "CROSS JOIN generate_series(1, %s) WHERE id <= %s AND subscription_id <> %s), "
        f"made AS (INSERT INTO usage_events ({names}) SELECT {values} FROM drawn RETURNING *) "
        f"INSERT INTO event_identities ({kept}) SELECT {identity} FROM made"
    )
    with psycopg.connect(database.plain, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        last = connection.execute("SELECT max(id) FROM usage_events").fetchone()
        assert last
        with _without_indexes(connection):
            for done in range(0, copies, step):
                connection.execute(statement, (min(step, copies - done), last[0], apart))
                told(min(step, copies - done))
        connection.execute(
            "UPDATE usage_counters SET count = count * %s, sum = sum * %s WHERE subscription_id <> %s",
            (copies + 1, copies + 1, apart),
        )
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


@contextmanager
def _without_indexes(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Make the indexes of events and identities anew afterwards: that takes minutes where moving them row by row takes hours.

    The one of identities gets as much room in its pages as an index has that has grown by random keys, so that what is
    reported next meets the same.
    """
    identities = connection.execute(_IDENTITIES_KEY).fetchone()
    events = connection.execute(_EVENTS_INDEXES).fetchall()
    assert identities
    connection.execute(f"ALTER TABLE event_identities DROP CONSTRAINT {identities[0]}".encode())
    for name, _ in events:
        connection.execute(f"DROP INDEX {name}".encode())
    yield
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute(f"ALTER TABLE event_identities ADD CONSTRAINT {identities[0]} {identities[1]} WITH (fillfactor = 70)".encode())
    connection.execute(f"ALTER INDEX {identities[0]} RESET (fillfactor)".encode())
    for _, definition in events:
        connection.execute(definition.replace(" ON ONLY ", " ON ").encode())


def _multiply_sqlite(database: Database, apart: int, copies: int, step: int, told: Callable[[int], Any]) -> None:
    (names, values), (kept, identity) = _columns(_LITE_COPIES), _identities(_LITE_IDENTITY)
    series = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
    with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)) as connection:
        connection.execute("PRAGMA cache_size = -1000000").close()
        connection.execute("PRAGMA synchronous = OFF").close()
        (last,) = connection.execute("SELECT max(id) FROM usage_events").fetchone()
        reached = last
        for done in range(0, copies, step):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                f"WITH drawn AS MATERIALIZED (SELECT usage_events.*, {_LITE_TIME} AS happened FROM usage_events "
                f"CROSS JOIN {series} WHERE id <= ? AND subscription_id <> ?) "
                f"INSERT INTO usage_events ({names}) SELECT {values} FROM drawn",
                (min(step, copies - done), last, apart),
            )
            connection.execute(
                f"INSERT INTO event_identities ({kept}) SELECT {identity} FROM usage_events WHERE id > ? ORDER BY 1", (reached,)
            )
            (reached,) = connection.execute("SELECT max(id) FROM usage_events").fetchone()
            connection.execute("COMMIT")
            told(min(step, copies - done))
        connection.execute(
            "UPDATE usage_counters SET count = count * ?, sum = sum * ? WHERE subscription_id <> ?",
            (copies + 1, copies + 1, apart),
        )
        for pragma in ("synchronous = FULL", "wal_checkpoint(TRUNCATE)", "optimize"):
            connection.execute(f"PRAGMA {pragma}").close()
