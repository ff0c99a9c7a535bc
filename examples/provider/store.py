"""The provider's own SQLite file: what it was asked to do, what it stores, and what it has yet to report."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (      -- what the marketplace asked for; its id is the marketplace's
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, subscription TEXT NOT NULL, data TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', error TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS buckets (
    id TEXT PRIMARY KEY, subscription TEXT NOT NULL UNIQUE, access_key TEXT NOT NULL UNIQUE, secret_hash TEXT NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    last_at TEXT NOT NULL,                 -- instant of the latest change: time never runs backwards in a bucket
    closed_at TEXT, export_until TEXT, delete_by TEXT,
    plan TEXT, quantity INTEGER, paused_at TEXT,
    sequence INTEGER NOT NULL DEFAULT 0);  -- of the latest request that was heeded
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL REFERENCES buckets, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
    blob TEXT NOT NULL UNIQUE, stored_at TEXT NOT NULL, PRIMARY KEY (bucket, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (       -- requests with an Idempotency-Key that were counted already
    bucket TEXT NOT NULL, key TEXT NOT NULL, call TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (        -- usage events; `seq` is the order in which things happened
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, subject TEXT NOT NULL,
    at TEXT NOT NULL, data TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', error TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox (state, seq) WHERE state <> 'sent';
"""


class Store:
    """One folder: `provider.db`, `blobs/` with the objects' bytes, `incoming/` with what is still arriving."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.blobs, self.incoming = folder, folder / "blobs", folder / "incoming"
        for each in (folder, self.blobs, self.incoming):
            each.mkdir(parents=True, exist_ok=True)
        self.news = threading.Event()
        self._master = _written_once(folder / "master.key")
        self._keeper = self._connect()  # keeps the write-ahead log open between transactions
        self._keeper.executescript(SCHEMA)
        _grow(self._keeper)
        self._keeper.commit()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when it ends; one writer at a time."""
        db = self._connect()
        try:
            db.execute("BEGIN IMMEDIATE")
            with db:
                yield db
        finally:
            db.close()
        self.news.set()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For questions only."""
        db = self._connect()
        try:
            yield db
        finally:
            db.close()

    def secret(self, *about: str) -> str:
        """A secret that is the same each time it is asked for and known to nobody without `master.key`."""
        digest = hmac.digest(self._master, "\n".join(about).encode(), hashlib.sha256)
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.folder / "provider.db", timeout=30, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            db.execute(f"PRAGMA {pragma}")
        return db


def _grow(db: sqlite3.Connection) -> None:
    """Columns that files made by an earlier version of this program lack."""
    known = {row["name"] for row in db.execute("PRAGMA table_info(buckets)")}
    for column, kind in (("plan", "TEXT"), ("quantity", "INTEGER"), ("paused_at", "TEXT"), ("sequence", "INTEGER NOT NULL DEFAULT 0")):
        if column not in known:
            db.execute(f"ALTER TABLE buckets ADD COLUMN {column} {kind}")


def report(db: sqlite3.Connection, type: str, bucket: sqlite3.Row, at: str, **data: object) -> None:
    """Add a usage event to the outbox, in the transaction of the fact it reports."""
    db.execute(
        "INSERT INTO outbox (id, type, subject, at, data) VALUES (?, ?, ?, ?, ?)",
        (str(uuid.uuid4()), type, bucket["subscription"], at, json.dumps(data)),
    )


def instant(db: sqlite3.Connection, bucket: sqlite3.Row, now: datetime) -> str:
    """When something happens to a bucket: now, but never before what happened to it last."""
    at = max(iso(now), str(bucket["last_at"]))
    db.execute("UPDATE buckets SET last_at = ? WHERE id = ?", (at, bucket["id"]))
    return at


def iso(at: datetime) -> str:
    """An instant as text; all have one form, so they compare as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def megabytes(size: int) -> str:
    """Bytes as megabytes, exact: six decimals are bytes."""
    return f"{size // 1_000_000}.{size % 1_000_000:06d}"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _written_once(path: Path) -> bytes:
    """The key in the file; made on the first start. It appears whole or not at all."""
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        sync_folder(path.parent)
    return path.read_bytes()
