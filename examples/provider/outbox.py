"""Reporting usage: from the outbox to the marketplace, again and again until each event has a verdict."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from typing import Any

from examples.provider.market import Market, NotNow
from examples.provider.settings import Settings
from examples.provider.store import Store

BATCH = 500
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 60.0


class Backoff:
    """Waits that double, with jitter, until something succeeds."""

    def __init__(self) -> None:
        self.wait = 0.0

    def failed(self, at_least: float = 0.0) -> float:
        """How long to wait now."""
        self.wait = min(max(self.wait * 2, SHORTEST_WAIT), LONGEST_WAIT)
        return max(self.wait * random.uniform(0.7, 1.0), at_least)  # noqa: S311  # jitter, not a secret

    def succeeded(self) -> None:
        """Start again with short waits."""
        self.wait = 0.0


class Sender(threading.Thread):
    """Sends events in the order they happened, one batch at a time.

    One sender and one order: of two readings with the same instant the marketplace lets the one that
    arrives later hold, and that is the one with the higher `seq`.
    """

    def __init__(self, settings: Settings, store: Store, stopping: threading.Event) -> None:
        super().__init__(name="sender")
        self.source, self.store, self.stopping = settings.source, store, stopping
        self.market, self.backoff, self.last_error = Market(settings), Backoff(), ""

    def run(self) -> None:
        self.retry_refused()
        while not self.stopping.is_set():
            self.store.news.clear()
            try:
                more = self.send_batch()
            except NotNow as error:
                self.last_error = str(error)
                self.stopping.wait(self.backoff.failed(error.wait))
                continue
            self.backoff.succeeded()
            self.last_error = ""
            if not more:
                self.store.news.wait(1.0)

    def send_batch(self) -> bool:
        """Send the oldest events that wait; whether there were any. Killed anywhere in here, it sends them again."""
        with self.store.reading() as db:
            rows = db.execute("SELECT * FROM outbox WHERE state = 'waiting' ORDER BY seq LIMIT ?", (BATCH,)).fetchall()
        if not rows:
            return False
        verdicts = self.market.send([self.event(row) for row in rows])
        with self.store.transaction() as db:
            db.executemany(
                "UPDATE outbox SET state = ?, error = ? WHERE seq = ?",
                [(*_state(verdict), row["seq"]) for row, verdict in zip(rows, verdicts, strict=True)],
            )
        return True

    def event(self, row: sqlite3.Row) -> dict[str, Any]:
        """The CloudEvent of a row: the same each time it is sent."""
        return {
            "specversion": "1.0", "id": row["id"], "source": self.source, "type": row["type"],
            "subject": row["subject"], "time": row["at"], "data": json.loads(row["data"]),
        }  # fmt: skip

    def retry_refused(self) -> None:
        """At the start: perhaps somebody has mended what was wrong."""
        with self.store.transaction() as db:
            db.execute("UPDATE outbox SET state = 'waiting' WHERE state = 'refused'")


def status(store: Store) -> dict[str, Any]:
    """How many events wait, were sent, were refused, and why."""
    with store.reading() as db:
        counts = dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
        refused = db.execute(
            "SELECT id, type, subject, at, error FROM outbox WHERE state = 'refused' ORDER BY seq DESC LIMIT 100"
        ).fetchall()
    return {"waiting": counts.get("waiting", 0), "sent": counts.get("sent", 0),
            "refused": counts.get("refused", 0), "latest_refused": [dict(row) for row in refused]}  # fmt: skip


def _state(verdict: dict[str, Any]) -> tuple[str, str]:
    if verdict["status"] in ("accepted", "duplicate"):
        return "sent", ""
    return "refused", f"{verdict.get('code')}: {verdict.get('message')}"
