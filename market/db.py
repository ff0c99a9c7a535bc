"""The database: engine, session, transaction, after-commit effects, column types.

`commit()` is called in this module only; COMMIT may go out with a transaction's last statement
(`statements.read_and_commit`). One request or command is one transaction; on SQLite
a writing transaction starts with BEGIN IMMEDIATE, so read-modify-write is never lost, and a
reading one cannot write. What must be the last thing inside it, such as sealing the audit trail, is asked for
with `before_commit`. Effects on the outside world run after the commit: one that fails is
logged and left to a sweep, because the committed rows say what is still to be done.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
import psycopg
import structlog
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, func, inspect, select
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker

from market import roundtrip
from market.column_types import BigInt as BigInt
from market.column_types import Digest as Digest
from market.column_types import JSONType as JSONType
from market.column_types import Quantity as Quantity
from market.column_types import UTCDateTime as UTCDateTime
from market.column_types import pk as pk
from market.column_types import sealed as sealed
from market.column_types import status_type as status_type

log = structlog.get_logger(__name__)

Effect = Callable[[], object]
T = TypeVar("T")


class Base(DeclarativeBase):
    """The root of every table; names of keys and checks are the same on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# --- engine and session ------------------------------------------------------------------

_factory = sessionmaker(expire_on_commit=False)
session: scoped_session[Session] = scoped_session(_factory)
_engines: dict[bool, Engine] = {}
#: How long a writer waits for SQLite's one write lock, and how often it looks.
_LOCK_SECONDS, _LOCK_POLL_SECONDS = 30.0, 0.001
#: After how long without work a connection to PostgreSQL is asked whether it still lives.
_RESTED_SECONDS = 1.0
#: How many statements are kept compiled: pages, actions and sweeps have about this many between them. With fewer, which is
#: what SQLAlchemy and the driver do by themselves, those that are asked seldom are compiled anew each time.
_STATEMENTS = 2000


def connect(url: str, *, patience: float | None = None) -> Engine:
    """Bind the session to the database at `url`, replacing an earlier binding; `patience` is for SQLite's write lock."""
    disconnect()
    engine = make_engine(url) if patience is None else make_engine(url).execution_options(market_patience=patience)
    readonly = engine.execution_options(market_readonly=True)
    if engine.dialect.name == "postgresql":
        readonly = readonly.execution_options(postgresql_readonly=True)
    _engines.update({False: engine, True: readonly})
    _factory.configure(bind=engine)
    return engine


def disconnect() -> None:
    """Close every connection; the session is unbound afterwards."""
    session.remove()
    if _engines:
        _engines.pop(False).dispose()
        _engines.clear()


def part() -> None:
    """Close the connections that nobody uses just now; each process that splits off afterwards makes its own."""
    session.remove()
    if _engines:
        _engines[False].dispose()


def engine() -> Engine:
    """The engine in use."""
    return _engines[False]


@lru_cache(maxsize=8)
def make_engine(url: str) -> Engine:
    """The engine for an address, with this project's rules; does not touch the database yet.

    Made once for an address: the statements it has compiled outlive `disconnect`. Errors tell the statement without
    its values, which may be anybody's name or secret and would stand in the log. The connection that has just worked is
    taken first: it knows the statements, and its cache is warm.
    """
    if url.startswith("sqlite"):
        made = create_engine(url, pool_size=20, connect_args={"cached_statements": _STATEMENTS}, **_ENGINE)
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        return made
    made = create_engine(url, pool_size=10, **_ENGINE)
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


_ENGINE: dict[str, Any] = {
    "max_overflow": 20, "pool_use_lifo": True, "hide_parameters": True, "json_deserializer": _read_json,
    "query_cache_size": _STATEMENTS,
}  # fmt: skip


def _note_rest(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _wake(connection: Any, record: Any, _proxy: Any) -> None:
    """A connection that has rested may be dead by now; asking one that has just worked would cost as much as its next work."""
    if time.monotonic() - record.info.get("rests_since", 0.0) < _RESTED_SECONDS:
        return
    try:
        connection.execute("SELECT 1").close()
        connection.rollback()
        roundtrip.forget(record.info)
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not send its own BEGIN
    # The log is copied into the file every 64 MB instead of 4: a page that many batches change is then copied once. A batch
    # of a thousand events changes 4 MB of pages, twice what a connection keeps in memory unless it is told otherwise.
    for pragma in (
        "busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=16000",
        "cache_size=-16000",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("market_readonly", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if readonly else 'OFF'}")
    if readonly:
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_writing(connection, connection.get_execution_options().get("market_patience", _LOCK_SECONDS))


def _begin_writing(connection: Connection, patience: float) -> None:
    """Take SQLite's write lock, looking for it every millisecond.

    SQLite's own waiting sleeps up to 100 ms between two looks, while the lock changes hands every few
    milliseconds: with four reporting clients that halved the events a second.
    """
    raw: Any = connection.connection.dbapi_connection
    deadline = time.monotonic() + patience
    raw.execute("PRAGMA busy_timeout=0").close()
    try:
        while not _settled(raw) and time.monotonic() < deadline:
            time.sleep(_LOCK_POLL_SECONDS)
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails in the words of SQLAlchemy
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(_LOCK_SECONDS * 1000)}").close()


def _settled(raw: Any) -> bool:
    """Whether there is nothing more to wait for: the lock is ours, or something else is wrong."""
    try:
        raw.execute("BEGIN IMMEDIATE").close()
    except sqlite3.OperationalError as error:
        # The low byte is the kind: a log being recovered after a crash is busy too.
        return error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY
    return True


# --- transactions ------------------------------------------------------------------------


def begin(*, readonly: bool = False) -> Session:
    """Start afresh in this thread: a new session, read-only if asked."""
    session.remove()
    current = session(bind=_engines[readonly])
    current.info["open"] = True
    return current


def commit() -> None:
    """Commit this thread's transaction, then run its effects."""
    current = session()
    _finish(current)
    current.commit()
    current.info.pop("open", None)  # an effect that writes starts a transaction of its own
    effects: list[Effect] = current.info.pop("effects", [])
    for effect in effects:
        _run(effect)


def may_end() -> bool:
    """Whether this thread's transaction has nothing left to do before COMMIT; for who can send that with a statement."""
    current = session()
    return not (current.info.get("last_acts") or current.new or current.dirty or current.deleted)


def rollback() -> None:
    """Forget this thread's transaction and its effects."""
    for kept in ("effects", "last_acts"):
        session().info.pop(kept, None)
    session.rollback()


def before_commit(act: Callable[[list[T]], object], *notes: T) -> None:
    """Run `act(notes)` inside the transaction, right before it commits; nothing runs when it rolls back.

    However often one act is asked for, it runs once, with all notes in the order they were given. What takes a
    lock that every writer needs belongs here: the lock is then held for the shortest time.
    """
    session().info.setdefault("last_acts", {}).setdefault(act, []).extend(notes)


def _finish(current: Session) -> None:
    """Run the last acts, and those that they ask for themselves."""
    while acts := current.info.pop("last_acts", None):
        for act, notes in acts.items():
            act(notes)


def on_commit(effect: Effect) -> None:
    """Run `effect` after the commit; it must be safe to lose, because a sweep repeats it."""
    session().info.setdefault("effects", []).append(effect)


def _run(effect: Effect) -> None:
    try:
        effect()
    except Exception:
        log.exception("effect_failed", effect=getattr(effect, "__qualname__", repr(effect)))


def lock(row: Base, *, shared: bool = False) -> None:
    """Take `row` until the transaction ends and read its columns anew; what was loaded beside them stays.

    Two people who act on one thing at once take turns, and the second sees what the first did. With `shared`
    others may hold it so too, but nobody may change it. On SQLite the writing transaction already holds the
    whole database. Adding what refers to the row goes on meanwhile: it holds the row lightly until its own end,
    and two who each have added something could otherwise never both lock it.
    """
    session.flush()
    columns = [attribute.key for attribute in inspect(type(row)).column_attrs]
    session.refresh(row, attribute_names=columns, with_for_update={"read": shared, "key_share": not shared})


def on_postgresql() -> bool:
    """Which of the two dialects to speak."""
    return engine().dialect.name == "postgresql"


def by_index() -> None:
    """Have PostgreSQL find rows by their indexes from here to the end of the transaction.

    For many writes into a table that has just been empty: how a foreign key is looked up is planned once a connection,
    and what was right for no rows would read all of them for each row that comes later. Where there is no index the
    whole table is read as ever; PostgreSQL would take that for so dear a question that compiling it pays.
    """
    if on_postgresql():
        session.execute(select(func.set_config("enable_seqscan", "off", True), func.set_config("jit", "off", True)))


def serialize(name: str) -> None:
    """Let transactions that name the same thing run one after the other, from here to their end.

    On SQLite writers take turns anyway.
    """
    if session().get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


@contextmanager
def transaction(*, readonly: bool = False) -> Iterator[Session]:
    """One unit of work for commands and the worker; joins the one already open in this thread."""
    if session.registry.has() and session().info.get("open"):
        yield session()
        return
    current = begin(readonly=readonly)
    try:
        yield current
        commit()
    except BaseException:
        rollback()
        raise
    finally:
        session.remove()


@contextmanager
def snapshot() -> Iterator[Session]:
    """A reading transaction that sees one unchanging view of the data, whatever is written meanwhile.

    SQLite gives that to every reader.
    """
    joins = session.registry.has() and session().info.get("open")
    with transaction(readonly=True) as current:
        if not joins and current.get_bind().dialect.name == "postgresql":
            current.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield current


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection beside the thread's transaction that reads one unchanging view of the data, however long it takes."""
    with _engines[True].connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
