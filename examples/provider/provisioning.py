"""Setting customers up: the marketplace's signed request is stored first, worked on afterwards."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from examples.provider import objects
from examples.provider.market import Market, NotNow
from examples.provider.outbox import Backoff
from examples.provider.settings import Settings
from examples.provider.store import Store, iso

KINDS = {
    f"subscription.{kind}": kind for kind in ("provision", "update", "pause", "resume", "rotate", "deprovision")
}

#: A webhook that was missed is found by asking; at the start and then this often.
ASK_SECONDS = 30.0


def accept(store: Store, secret: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Take a webhook in; the HTTP status to answer with.

    The signature covers id, time and body, and the time may be five minutes off: a stranger can
    neither make a request up nor send an old one again.
    """
    try:
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
        keep(store, json.loads(body))
    except WebhookVerificationError:
        return 401
    except (ValueError, KeyError, TypeError):
        return 400
    return 202


def keep(store: Store, message: Mapping[str, Any]) -> None:
    """Store a request. The same one again is still open on the other side: it is answered again."""
    data, kind = message["data"], KINDS.get(message["type"])
    if kind:  # other types of message may be added; they are none of our business
        with store.transaction() as db:
            db.execute(
                # The message says what holds when it is sent: the latest one is right.
                "INSERT INTO requests (id, kind, subscription, data) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET state = 'waiting', data = excluded.data",
                (data["request"], kind, data["subscription"], json.dumps(data)),
            )


class Clerk(threading.Thread):
    """Works on stored requests until the marketplace has confirmed each of them."""

    def __init__(self, settings: Settings, store: Store, stopping: threading.Event) -> None:
        super().__init__(name="clerk")
        self.settings, self.store, self.stopping = settings, store, stopping
        self.market, self.backoff, self.wake = Market(settings), Backoff(), threading.Event()
        self.last_error = ""

    def run(self) -> None:
        asked = -ASK_SECONDS
        while not self.stopping.is_set():
            self.wake.clear()
            if time.monotonic() - asked >= ASK_SECONDS:
                asked = time.monotonic()
                self.ask()
            objects.purge(self.store, self.settings.now())
            with self.store.reading() as db:
                waiting = db.execute("SELECT * FROM requests WHERE state = 'waiting' ORDER BY rowid").fetchall()
            failed = [error for request in waiting if (error := self.work_on(request)) is not None]
            if failed:
                self.stopping.wait(self.backoff.failed(max(error.wait for error in failed)))
            else:
                self.backoff.succeeded()
                self.wake.wait(1.0)

    def ask(self) -> None:
        """Look for requests whose webhook did not arrive."""
        try:
            for message in self.market.pending():
                keep(self.store, message)
        except (NotNow, KeyError, TypeError) as error:
            self.last_error = str(error)
        else:
            self.last_error = ""

    def work_on(self, request: sqlite3.Row) -> NotNow | None:
        """Do what is asked and say so. Every step gives the same result when it is done again."""
        do = {
            "provision": self.open, "update": self.change, "pause": self.pause, "resume": self.resume,
            "rotate": self.rotate, "deprovision": self.close,
        }[request["kind"]]  # fmt: skip
        try:
            status = self.market.complete(request["id"], do(request))
        except NotNow as error:
            self.settle(request["id"], "waiting", str(error))
            return error
        if status != 200 and request["kind"] == "provision":
            self.close(request)  # called off while we were at it
        self.settle(request["id"], "done", "" if status == 200 else f"the marketplace answered {status}")
        return None

    def open(self, request: sqlite3.Row) -> dict[str, str]:
        """Make the bucket; the credentials are derived from the request, so a second try hands out the same."""
        subscription = request["subscription"]
        bucket = f"b-{hashlib.sha256(subscription.encode()).hexdigest()[:20]}"
        access_key, secret = self.keys(subscription)
        with self.store.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO buckets (id, subscription, access_key, secret_hash, last_at) VALUES (?, ?, ?, ?, ?)",
                (bucket, subscription, access_key, _hash(secret), iso(self.settings.now())),
            )
            # Asked again after a failure: open it again, unless something else was asked since.
            _note(db, request, "closed_at = NULL, export_until = NULL, delete_by = NULL, paused_at = NULL,"
                  " access_key = ?, secret_hash = ?", access_key, _hash(secret))  # fmt: skip
        return self.handed_out(bucket, access_key, secret)

    def change(self, request: sqlite3.Row) -> dict[str, str]:
        """Another plan or quantity: what it costs is the marketplace's matter; here they are only noted."""
        data = json.loads(request["data"])
        with self.store.transaction() as db:
            _note(db, request, "plan = ?, quantity = ?", data["plan"]["slug"], (data.get("quantity") or {}).get("value"))
        return {}

    def pause(self, request: sqlite3.Row) -> dict[str, str]:
        """Files can be fetched, not changed."""
        with self.store.transaction() as db:
            _note(db, request, "paused_at = coalesce(paused_at, ?)", iso(self.settings.now()))
        return {}

    def resume(self, request: sqlite3.Row) -> dict[str, str]:
        """As before the pause."""
        with self.store.transaction() as db:
            _note(db, request, "paused_at = NULL")
        return {}

    def rotate(self, request: sqlite3.Row) -> dict[str, str]:
        """New credentials, derived from this request: asked again, it hands out the same ones."""
        access_key, secret = self.keys(request["subscription"], request["id"])
        with self.store.transaction() as db:
            _note(db, request, "access_key = ?, secret_hash = ?", access_key, _hash(secret))
            found = db.execute("SELECT id FROM buckets WHERE subscription = ?", (request["subscription"],)).fetchone()
        return self.handed_out(found["id"], access_key, secret) if found else {}

    def keys(self, *about: str) -> tuple[str, str]:
        """An access key and a secret that are the same for the same subscription and request."""
        return f"AK{self.store.secret('access', *about)[:18]}", self.store.secret("secret", *about)

    def handed_out(self, bucket: str, access_key: str, secret: str) -> dict[str, str]:
        """The access details as the customer gets them."""
        return {"endpoint": f"{self.settings.public_url}/buckets/{bucket}", "access_key": access_key, "secret_key": secret}

    def close(self, request: sqlite3.Row) -> dict[str, str]:
        """No more changes; files can be fetched until the day of the contract, then they are deleted."""
        now, data = self.settings.now(), json.loads(request["data"])
        with self.store.transaction() as db:
            if not db.execute(
                "SELECT 1 FROM buckets WHERE subscription = ? AND closed_at IS NOT NULL", (request["subscription"],)
            ).fetchone():
                _note(db, request, "closed_at = ?, export_until = ?, delete_by = ?",
                      iso(now), _day(data, "export_until", now), _day(data, "delete_by", now))  # fmt: skip
        return {}

    def settle(self, id: str, state: str, error: str) -> None:
        """Note how it stands."""
        with self.store.transaction() as db:
            db.execute("UPDATE requests SET state = ?, error = ? WHERE id = ?", (state, error, id))


def status(store: Store) -> dict[str, Any]:
    """How many requests wait, and what is in their way."""
    with store.reading() as db:
        waiting = db.execute("SELECT id, kind, subscription, error FROM requests WHERE state = 'waiting'").fetchall()
        buckets = db.execute("SELECT count(*), coalesce(sum(bytes), 0) FROM buckets WHERE closed_at IS NULL").fetchone()
    return {"requests_waiting": [dict(row) for row in waiting], "open_buckets": buckets[0], "bytes": buckets[1]}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _note(db: sqlite3.Connection, request: sqlite3.Row, changes: str, *values: object) -> None:
    """Change the bucket, unless a later request about it has been heeded: what is late must not undo what is newer."""
    sequence = json.loads(request["data"]).get("sequence", 0)
    db.execute(
        f"UPDATE buckets SET {changes}, sequence = ? WHERE subscription = ? AND sequence <= ?",
        (*values, sequence, request["subscription"], sequence),
    )


def _day(data: Mapping[str, Any], name: str, default: datetime) -> str:
    return iso(datetime.fromisoformat(data[name]) if data.get(name) else default)
