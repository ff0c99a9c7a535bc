"""Engines: how each database is connected to, what this project asks of a connection, and connections that are kept.

SQLite's writers take its one lock when they begin; PostgreSQL's connections are asked whether they still live when they
have rested.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from functools import lru_cache
from typing import Any

import msgspec
import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

from market import roundtrip

#: How long a writer waits for SQLite's one write lock, and how often it looks.
_LOCK_SECONDS, _LOCK_POLL_SECONDS = 30.0, 0.001
#: So many of a process look at a time: enough to find it free at once. More would only keep each other from working.
_LOOKING = 4
_looking = threading.BoundedSemaphore(_LOOKING)
#: After how long without work a connection to PostgreSQL is asked whether it still lives.
_RESTED_SECONDS = 1.0
#: How many KB of SQLite's pages the connection keeps in memory that nearly all reports go by: two thousand events
#: written together change 8 MB. Each thread may have a connection, so all others keep the 2 MB that are usual.
_REPORTS_CACHE = "cache_size=-12000"


@lru_cache(maxsize=8)
def make_engine(url: str) -> Engine:
    """The engine for an address, with this project's rules; does not touch the database yet.

    Made once for an address: the statements it has compiled outlive `disconnect`. Errors tell the statement without
    its values, which may be anybody's name or secret and would stand in the log. The connection that has just worked is
    taken first: it knows the statements, and its cache is warm.
    """
    if url.startswith("sqlite"):
        made = create_engine(url, pool_size=20, max_overflow=20, pool_use_lifo=True, hide_parameters=True, json_deserializer=_read_json)
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        return made
    made = create_engine(url, pool_size=10, max_overflow=20, pool_use_lifo=True, hide_parameters=True, json_deserializer=_read_json)
    event.listen(made, "checkin", _note_rest)
    event.listen(made, "checkout", _wake)
    event.listen(made, "commit", roundtrip.pay)
    for kind in ("rollback", "rollback_savepoint"):
        event.listen(made, kind, lambda connection, *_: roundtrip.forget(connection.info))
    return made


def _read_json(text: str | bytes) -> Any:
    """A JSON column: a page reads a hundred of them, and msgspec takes a fifth of the time of Python's own."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)  # such as half a pair of surrogates, which is stored nowhere but on SQLite


def _note_rest(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _wake(connection: Any, record: Any, _proxy: Any) -> None:
    """A connection that has rested may be dead by now; asking one that has just worked would cost as much as its next work."""
    if time.monotonic() - record.info.get("rests_since", 0.0) < _RESTED_SECONDS:
        return
    try:
        _try(connection, record.info)
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


def _try(connection: Any, info: Any) -> None:
    connection.execute("SELECT 1").close()
    connection.rollback()
    roundtrip.forget(info)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not send its own BEGIN
    # The log is copied into the file every 64 MB instead of 4: a page that many batches change is then copied once.
    for pragma in (
        "busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=16000",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("market_readonly", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if readonly else 'OFF'}")
    if readonly:
        connection.exec_driver_sql("BEGIN")
    else:
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA busy_timeout=0").close()
        try:
            if not _take_lock(connection):
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails in the words of SQLAlchemy
        finally:
            raw.execute(f"PRAGMA busy_timeout={int(_LOCK_SECONDS * 1000)}").close()


def _take_lock(connection: Connection) -> bool:
    """Begin writing as soon as nobody else does, looking every millisecond; whether that came to pass.

    SQLite's own waiting, which is to be switched off, sleeps up to 100 ms between two looks, while the lock changes hands every
    few milliseconds: with four reporting clients that halved the events a second.
    """
    raw: Any = connection.connection.dbapi_connection
    deadline = time.monotonic() + connection.get_execution_options().get("market_patience", _LOCK_SECONDS)
    looking = _looking
    if not _settled(raw) and looking.acquire(timeout=max(0.0, deadline - time.monotonic())):
        try:
            while not _settled(raw) and time.monotonic() < deadline:
                time.sleep(_LOCK_POLL_SECONDS)
        finally:
            looking.release()
    return bool(raw.in_transaction)


def _look_anew() -> None:
    """Nobody looks in a process that has just split off, whoever did so in the one before."""
    global _looking
    _looking = threading.BoundedSemaphore(_LOOKING)


os.register_at_fork(after_in_child=_look_anew)


def _settled(raw: Any) -> bool:
    """Whether there is nothing more to wait for: the lock is ours, or something else is wrong."""
    try:
        raw.execute("BEGIN IMMEDIATE").close()
    except sqlite3.OperationalError as error:
        # The low byte is the kind: a log being recovered after a crash is busy too.
        return error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY
    return True


class Kept:
    """A connection outside the pool, for one writing transaction after the other, of which SQLAlchemy need not know.

    To check one out, to begin, to commit and to give it back costs SQLAlchemy as much as a dozen small statements.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        #: What others remember along with the connection, and with the transaction.
        self.info: dict[str, Any] = {}
        self.passing: dict[str, Any] = {}
        self._used = 0.0

    @property
    def connection(self) -> Connection:
        """The connection, once something has begun."""
        assert self._connection
        return self._connection

    @property
    def raw(self) -> Any:
        """The driver's own."""
        return self.connection.connection.dbapi_connection

    def begin(self, engine: Engine) -> None:
        """Connect, if need be, and take SQLite's lock; on PostgreSQL a transaction begins with its first statement."""
        self.passing.clear()
        if self._connection is None or not self._lives():
            self._connection = engine.connect()
            self._connection.detach()
            if engine.dialect.name == "sqlite":
                for pragma in ("busy_timeout=0", "query_only=OFF", _REPORTS_CACHE):
                    self.raw.execute(f"PRAGMA {pragma}").close()
        if engine.dialect.name == "sqlite" and not _take_lock(self.connection):
            self.raw.execute("BEGIN IMMEDIATE")  # says why not

    def _lives(self) -> bool:
        if self.connection.dialect.name == "postgresql" and time.monotonic() - self._used >= _RESTED_SECONDS:
            try:
                _try(self.raw, self.connection.info)
            except psycopg.OperationalError:
                self.close()
                return False
        return True

    def pay(self) -> bool:
        """Write what is owed; whether that has ended the transaction, too."""
        roundtrip.pay(self.connection)
        self._used = time.monotonic()
        raw = self.raw
        return bool(self.connection.dialect.name == "postgresql" and raw.pgconn.transaction_status == TransactionStatus.IDLE)

    def close(self) -> None:
        """Give up the connection, with what it has begun."""
        if self._connection:
            self._connection.close()
        self._connection = None
        self.info.clear()
