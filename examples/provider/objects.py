"""The service that is sold: files in buckets, metered as they change.

`storage.stored` tells the bucket's whole size after each change, `storage.requests` and `storage.egress`
each use. A request that carries an Idempotency-Key counts once, however often it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from typing import IO, BinaryIO

from examples.provider.store import Store, instant, iso, megabytes, report, sync_folder

CHUNK = 256 * 1024


class Refused(Exception):
    """The customer is told no."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Call:
    """A request of a customer: on which bucket, and the key under which it counts once."""

    bucket: str
    method: str
    name: str
    key: str


def receive(store: Store, body: IO[bytes] | BufferedIOBase, length: int) -> tuple[str, str]:
    """Stream a body to disk; returns the blob's name and its SHA-256. It is on disk, and nobody's yet."""
    blob, digest = uuid.uuid4().hex, hashlib.sha256()
    draft = store.incoming / blob
    try:
        with draft.open("xb") as file:
            while length:
                chunk = body.read(min(CHUNK, length))
                if not chunk:
                    raise Refused(400, "the body ended early")
                file.write(chunk)
                digest.update(chunk)
                length -= len(chunk)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(store.blobs / blob)
        sync_folder(store.blobs)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return blob, digest.hexdigest()


def put(store: Store, call: Call, blob: str, size: int, sha256: str, now: datetime) -> str:
    """The blob becomes the object of this name; returns the instant. The same commit holds the usage."""
    try:
        with store.transaction() as db:
            bucket = _open_bucket(db, call.bucket)
            at, counted = _count(db, bucket, call, now)
            if counted:
                old = _object(db, call)
                db.execute(
                    "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
                    (call.bucket, call.name, size, sha256, blob, at),
                )
                _change_size(db, bucket, size - (old["size"] if old else 0), at)
    except BaseException:
        (store.blobs / blob).unlink(missing_ok=True)
        raise
    unused = (old["blob"] if old else None) if counted else blob
    if unused:
        (store.blobs / unused).unlink(missing_ok=True)
    return at


def delete(store: Store, call: Call, now: datetime) -> str:
    """Remove an object; returns the instant. Raises Refused 404 for one that is not there."""
    with store.transaction() as db:
        bucket = _open_bucket(db, call.bucket)
        old = _object(db, call)
        at, counted = _count(db, bucket, call, now, missing=old is None)
        if counted and old:
            db.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (call.bucket, call.name))
            _change_size(db, bucket, -old["size"], at)
    if counted and old:
        (store.blobs / old["blob"]).unlink(missing_ok=True)
    return at


def get(store: Store, call: Call, now: datetime) -> tuple[sqlite3.Row, BinaryIO, str]:
    """An object, its opened file and the instant. Counted before the first byte leaves; HEAD sends none."""
    with store.transaction() as db:
        bucket = _readable_bucket(db, call.bucket, now)
        found = _object(db, call)
        at, counted = _count(db, bucket, call, now, missing=found is None)
        if found is None:
            raise Refused(404, "no such object")
        if counted and call.method == "GET" and not bucket["closed_at"]:
            report(db, "storage.egress", bucket, at, mb=megabytes(found["size"]))
        # Opened while nobody else can write: once open, it can be read even if it is deleted meanwhile.
        file = (store.blobs / found["blob"]).open("rb")
    return found, file, at


def listing(store: Store, call: Call, prefix: str, after: str, now: datetime) -> tuple[list[dict[str, object]], str]:
    """Up to 1,000 objects in order of their names, and the instant."""
    with store.transaction() as db:
        bucket = _readable_bucket(db, call.bucket, now)
        at, _counted = _count(db, bucket, call, now)
        rows = db.execute(
            "SELECT name, size, sha256, stored_at FROM objects"
            " WHERE bucket = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT 1000",
            (call.bucket, after, len(prefix), prefix),
        ).fetchall()
    return [dict(row) for row in rows], at


def signed_in(store: Store, bucket: str, access_key: str | None, secret: str) -> bool:
    """Whether these are the bucket's credentials; without an access key the secret alone decides."""
    with store.reading() as db:
        row = db.execute("SELECT access_key, secret_hash FROM buckets WHERE id = ?", (bucket,)).fetchone()
    if row is None or (access_key is not None and access_key != row["access_key"]):
        return False
    return hmac.compare_digest(hashlib.sha256(secret.encode()).hexdigest(), row["secret_hash"])


def sweep(store: Store) -> None:
    """At the start: remove what a crash left behind, files that belong to no object."""
    with store.reading() as db:
        known = {row["blob"] for row in db.execute("SELECT blob FROM objects")}
    for path in [*store.incoming.iterdir(), *(path for path in store.blobs.iterdir() if path.name not in known)]:
        path.unlink(missing_ok=True)


def purge(store: Store, now: datetime) -> None:
    """Delete what closed buckets still hold once their last day has passed."""
    with store.transaction() as db:
        due = "SELECT id FROM buckets WHERE delete_by <= ?"
        rows = db.execute(f"SELECT blob FROM objects WHERE bucket IN ({due})", (iso(now),)).fetchall()
        db.execute(f"DELETE FROM objects WHERE bucket IN ({due})", (iso(now),))
    for row in rows:
        (store.blobs / row["blob"]).unlink(missing_ok=True)


def _count(
    db: sqlite3.Connection, bucket: sqlite3.Row, call: Call, now: datetime, missing: bool = False
) -> tuple[str, bool]:
    """The instant of a request, and whether it is counted now; the same key again gives the first instant."""
    told = f"{call.method} {call.name}"
    if call.key:
        first = db.execute("SELECT at, call FROM answers WHERE bucket = ? AND key = ?", (call.bucket, call.key)).fetchone()
        if first and first["call"] != told:
            raise Refused(422, "this Idempotency-Key was used for another request")
        if first:
            return first["at"], False
    if missing:
        raise Refused(404, "no such object")
    at = instant(db, bucket, now)
    if call.key:
        db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (call.bucket, call.key, told, at))
    if not bucket["closed_at"]:
        report(db, "storage.requests", bucket, at, count=1)
    return at, True


def _change_size(db: sqlite3.Connection, bucket: sqlite3.Row, change: int, at: str) -> None:
    if change:
        db.execute("UPDATE buckets SET bytes = bytes + ? WHERE id = ?", (change, bucket["id"]))
        report(db, "storage.stored", bucket, at, mb=megabytes(bucket["bytes"] + change))


def _open_bucket(db: sqlite3.Connection, id: str) -> sqlite3.Row:
    bucket = _bucket(db, id)
    if bucket["closed_at"] or bucket["paused_at"]:
        state = "closed" if bucket["closed_at"] else "paused"
        raise Refused(403, f"this bucket is {state}: its files can still be fetched, not changed")
    return bucket


def _readable_bucket(db: sqlite3.Connection, id: str, now: datetime) -> sqlite3.Row:
    bucket = _bucket(db, id)
    if bucket["export_until"] and bucket["export_until"] <= iso(now):
        raise Refused(410, "the time to fetch files from this bucket is over")
    return bucket


def _bucket(db: sqlite3.Connection, id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute("SELECT * FROM buckets WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise Refused(404, "no such bucket")
    return row


def _object(db: sqlite3.Connection, call: Call) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM objects WHERE bucket = ? AND name = ?", (call.bucket, call.name)
    ).fetchone()
    return row
