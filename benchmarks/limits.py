"""The least a database can do for an event: store it under its unique key, durably. Nothing else is done here.

The table is not the marketplace's: it is the narrowest that can hold the same events and refuse a second one, so that
the limit stays what it is when our tables change. Bodies are made before the clock starts.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import processes
from benchmarks.databases import Database

_COLUMNS = "event_id, type, subscription_id, at, data"
_MAKE = (
    "CREATE TABLE IF NOT EXISTS bench_limit (tenant bigint NOT NULL, event_id text NOT NULL, type text NOT NULL, "
    "subscription_id bigint NOT NULL, at timestamptz NOT NULL, data jsonb NOT NULL, UNIQUE (tenant, event_id))"
)
_PG_INSERT = (
    f"INSERT INTO bench_limit (tenant, {_COLUMNS}) SELECT 1, {_COLUMNS} FROM jsonb_to_recordset(%s::jsonb) "
    "AS r(event_id text, type text, subscription_id bigint, at timestamptz, data jsonb) ON CONFLICT DO NOTHING"
)
_LITE_MAKE = _MAKE.replace("timestamptz", "text").replace("jsonb", "text")
_LITE_INSERT = f"INSERT OR IGNORE INTO bench_limit (tenant, {_COLUMNS}) VALUES (1, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Limit:
    """Rows stored a second, the time of each commit (milliseconds), the database's processor time a row (microseconds)."""

    rate: float
    times: Sequence[float]
    database: float


def measure(database: Database, scratch: Path, bodies: Sequence[bytes], connections: int) -> Limit:
    """Store the events of these bodies, a commit for each body."""
    batches = [_rows(body) for body in bodies]
    base = database.process
    before = processes.cpu_seconds(base) if base else 0.0
    if database.name == "SQLite":
        rate, times = _sqlite(scratch / "limit.db", batches)
    else:
        rate, times = _postgresql(database.plain, batches, connections)
    spent = processes.cpu_seconds(base) - before if base else 0.0
    return Limit(rate, times, spent / sum(map(len, batches)) * 1e6)


def _rows(body: bytes) -> list[dict[str, Any]]:
    loaded = json.loads(body)
    events = loaded if isinstance(loaded, list) else [loaded]
    return [
        {"event_id": event["id"], "type": event["type"], "subscription_id": number, "at": event["time"], "data": event["data"]}
        for number, event in enumerate(events)
    ]  # fmt: skip


def _postgresql(url: str, batches: list[list[dict[str, Any]]], number: int) -> tuple[float, list[float]]:
    sent = [json.dumps(batch, separators=(",", ":")) for batch in batches]
    connections = [psycopg.connect(url, autocommit=True, prepare_threshold=0) for _ in range(number)]
    connections[0].execute(_MAKE)
    connections[0].execute("TRUNCATE bench_limit")
    times: list[float] = []

    def work(connection: psycopg.Connection[Any], share: list[str]) -> None:
        for rows in share:
            start = time.perf_counter()
            connection.execute(_PG_INSERT, (rows,))
            times.append((time.perf_counter() - start) * 1000)

    threads = [
        threading.Thread(target=work, args=(connection, sent[part::number]))
        for part, connection in enumerate(connections)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    connections[0].execute("DROP TABLE bench_limit")
    for connection in connections:
        connection.close()
    if len(times) != len(sent):
        raise RuntimeError("a connection broke off: the limit would be wrong")
    return sum(map(len, batches)) / seconds, times


def _sqlite(path: Path, batches: list[list[dict[str, Any]]]) -> tuple[float, list[float]]:
    rows = [
        [(row["event_id"], row["type"], row["subscription_id"], row["at"], json.dumps(row["data"])) for row in batch]
        for batch in batches
    ]
    times = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute(_LITE_MAKE)
        connection.execute("DELETE FROM bench_limit")
        start = time.perf_counter()
        for batch in rows:
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_LITE_INSERT, batch)
            connection.execute("COMMIT")
            times.append((time.perf_counter() - began) * 1000)
        return sum(map(len, rows)) / (time.perf_counter() - start), times
