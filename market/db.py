"""The database: engine, session, transaction, after-commit effects, column types.

`commit()` is called in this module only; COMMIT may go out with a transaction's last statement
(`statements.finish`). One request or command is one transaction; on SQLite
a writing transaction starts with BEGIN IMMEDIATE, so read-modify-write is never lost, and a
reading one cannot write. What must be the last thing inside it, such as sealing the audit trail, is asked for
with `before_commit`. Effects on the outside world run after the commit: one that fails is
logged and left to a sweep, because the committed rows say what is still to be done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, MetaData, func, inspect, select
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker

from market.column_types import BigInt as BigInt
from market.column_types import Digest as Digest
from market.column_types import JSONType as JSONType
from market.column_types import Quantity as Quantity
from market.column_types import UTCDateTime as UTCDateTime
from market.column_types import pk as pk
from market.column_types import sealed as sealed
from market.column_types import status_type as status_type
from market.engines import Kept
from market.engines import make_engine as make_engine

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
_engines: dict[bool, Engine] = {}
#: What serves `plain_transaction`, while nobody uses it.
_kept = [Kept() for _ in range(4)]
_thread = threading.local()


def _make_session(**how: Any) -> Session:
    """One that joins this thread's plain transaction, if there is one."""
    if how or (kept := held()) is None:
        return _factory(**how)
    return _factory(bind=kept.connection, info={"open": True})


session: scoped_session[Session] = scoped_session(_make_session)  # type: ignore[arg-type]  # it only calls what makes them


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
    close_kept()
    if _engines:
        _engines.pop(False).dispose()
        _engines.clear()


def part() -> None:
    """Close the connections that nobody uses just now; each process that splits off afterwards makes its own."""
    session.remove()
    close_kept()
    if _engines:
        _engines[False].dispose()


def close_kept() -> None:
    """Close what is kept for plain transactions."""
    for kept in _kept:
        kept.close()


def engine() -> Engine:
    """The engine in use."""
    return _engines[False]


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
    _thread.kept = None
    current.info.pop("open", None)  # an effect that writes starts a transaction of its own
    effects: list[Effect] = current.info.pop("effects", [])
    for effect in effects:
        _run(effect)


def may_end() -> bool:
    """Whether this thread's transaction has nothing left to do before COMMIT; for who can send that with a statement."""
    if not session.registry.has():
        return True
    current = session()
    return not (current.info.get("last_acts") or current.new or current.dirty or current.deleted)


def flush() -> None:
    """Write what the session knows, if there is one."""
    if session.registry.has():
        session.flush()


def rollback() -> None:
    """Forget this thread's transaction and its effects."""
    for kept in ("effects", "last_acts"):
        session().info.pop(kept, None)
    session.rollback()


def let_go() -> None:
    """Forget this thread's transaction when nothing comes after it: what it has loaded stays as it is, nobody's.

    To mark each row as stale would cost a page with many of them more than ending the transaction.
    """
    session.expunge_all()
    rollback()


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
    if _is_open():
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
def plain_transaction() -> Iterator[None]:
    """The same for who mostly runs `statements`: a session, which costs more than several of these, is made when it is asked for.

    It has a connection of its own, kept for the next; where all are in use it is an ordinary transaction.
    """
    kept = None if _is_open() else _take_kept()
    if kept is None:
        with transaction():
            yield
        return
    session.remove()
    try:
        kept.begin(engine())
        _thread.kept = kept
        yield
        if session.registry.has():
            commit()
        elif not kept.pay():
            kept.raw.commit()
    except BaseException:
        kept.close()
        raise
    finally:
        _thread.kept = None
        session.remove()
        _kept.append(kept)


def _take_kept() -> Kept | None:
    try:
        return _kept.pop()
    except IndexError:
        return None


def held() -> Kept | None:
    """What this thread's plain transaction goes by, if it is in one."""
    kept: Kept | None = getattr(_thread, "kept", None)
    return kept


def _is_open() -> bool:
    return held() is not None or bool(session.registry.has() and session().info.get("open"))


@contextmanager
def snapshot() -> Iterator[Session]:
    """A reading transaction that sees one unchanging view of the data, whatever is written meanwhile.

    SQLite gives that to every reader.
    """
    joins = _is_open()
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
