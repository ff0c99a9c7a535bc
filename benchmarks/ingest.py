"""`ingest`: how many usage events a second become durable, over HTTP, each with its own verdict."""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.client import Client
from benchmarks.figures import Figure, Reference, middle, percentile
from benchmarks.place import bar, place, served
from market import accounts, audit, catalog, db, providers, resources, subscriptions

#: Batch size, requests, Polar's rate with one worker and four connections (events/s; another run, another machine).
BATCHES = ((1, 600, 48), (100, 60, 1_360), (1_000, 12, 1_975))
CONNECTIONS = 4
SOURCE = "/bench"
_PROVIDER = "telecom-guangdong"
_ROUNDS = 3


@dataclass(frozen=True)
class Desk:
    """What a reporting provider holds: its key, and a subscription with the meter it reports for."""

    key: str
    subject: str
    type: str
    property: str

    def event(self, number: str, at: datetime) -> dict[str, Any]:
        """One event of about 200 bytes."""
        return {
            "specversion": "1.0", "id": number, "source": SOURCE, "type": self.type, "subject": self.subject,
            "time": at.isoformat(), "data": {self.property: "3"} if self.property else {},
        }  # fmt: skip


def run(*, quick: bool = False) -> Iterator[Figure]:
    """Report in batches on several connections; the limit is SQLite storing the same rows, nothing else."""
    with place(months=1) as here:
        desk = _desk()
        table = _table(Path(here.settings.data_dir) / "market.db")
        with served("wsgi:app", here.folder, here.environment, ready="/healthz") as address:
            for batch, requests, polar in BATCHES:
                count = max(CONNECTIONS, requests // 10) if quick else requests
                yield from _figures(address, desk, table, here.folder, batch, count, polar)


def _figures(
    address: str, desk: Desk, table: str, folder: Path, batch: int, requests: int, polar: float
) -> Iterator[Figure]:
    rates, waits, limits = [], [], []
    with bar(f"batches of {batch}", requests * _ROUNDS, "request") as shown:
        for turn in range(_ROUNDS):
            rate, times = _report(address, desk, batch, requests, f"{batch}-{turn}")
            rates.append(rate)
            waits.extend(times)
            limits.append(_raw(folder / f"raw-{batch}-{turn}.db", table, batch, requests))
            shown.update(requests)
    name = f"events, batches of {batch:,}"
    yield Figure(
        f"{name}",
        middle(rates),
        "1/s",
        polar,
        at_least=True,
        reference=Reference("SQLite alone", middle(limits)),
    )
    yield Figure(
        f"{name}", middle(rates), "1/s", reference=Reference("Polar, PostgreSQL", polar, elsewhere=True)
    )
    yield Figure(f"{name}: a request, p50", middle(waits), "ms")
    yield Figure(f"{name}: a request, p95", percentile(waits, 95), "ms")


def _desk() -> Desk:
    """A key for the sample operator, and one of its live subscriptions."""
    with db.transaction():
        provider = providers.provider_by_slug(_PROVIDER)
        now, by = resources.clock.now(), audit.system("bench")
        _key, secret = accounts.issue_key(
            provider.organization, name="bench", source=SOURCE, scopes=["events:write"], by=by, at=now
        )
        meter = next(each for each in catalog.meters_of(provider) if each.aggregation != "time_weighted")
        customers = db.session.scalars(subscriptions.customers_of(provider))
        live = next(each for each in customers if each.status in subscriptions.LIVE)
        return Desk(secret, live.public_id, meter.event_type, meter.value_property)


def _report(address: str, desk: Desk, batch: int, requests: int, run_: str) -> tuple[float, list[float]]:
    """Events per second and the time of each request (milliseconds), on all connections together."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    numbers = itertools.count()
    bodies = [
        json.dumps([desk.event(f"{run_}-{next(numbers)}", at) for _ in range(batch)]).encode()
        for _ in range(requests)
    ]
    times: list[float] = []
    headers = {"Authorization": f"Bearer {desk.key}", "Content-Type": "application/cloudevents-batch+json"}

    def work(share: list[bytes]) -> None:
        client = Client(address, headers)
        times.extend([client.post("/api/v1/events", body, expect=204).milliseconds for body in share])
        client.close()

    threads = [
        threading.Thread(target=work, args=(bodies[part::CONNECTIONS],)) for part in range(CONNECTIONS)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(times) != requests:
        raise RuntimeError("a connection broke off: the rate would be wrong")
    return batch * requests / (time.perf_counter() - start), times


def _table(database: Path) -> str:
    """How the table of events and its indexes are made, taken from the real database."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'usage_events' AND sql IS NOT NULL"
        )
        return ";\n".join(sql for (sql,) in rows)


def _raw(path: Path, table: str, batch: int, requests: int) -> float:
    """Rows per second into the same table, one durable commit per batch, by one writer."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.executescript(table)
        numbers = itertools.count()
        rows = [(1, SOURCE, str(next(numbers)), "calls", 1, *_REST) for _ in range(batch * requests)]
        start = time.perf_counter()
        for first in range(0, len(rows), batch):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, rows[first : first + batch])
            connection.execute("COMMIT")
        return len(rows) / (time.perf_counter() - start)


_REST = ("2026-01-01 00:00:00.000000", "2026-01-01 00:00:00.000000", '{"count": "3"}', "0" * 64, "on_time")
_INSERT = (
    "INSERT OR IGNORE INTO usage_events (provider_id, source, event_id, type, subscription_id, at, stored_at, data, "
    "payload_hash, band) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
