"""Statements in the drivers' own words, for what runs with every reported event.

Building a statement with SQLAlchemy and reading its rows takes it five times as long as the driver needs to run it.
That is a good price for everything else; here it would be most of what an event costs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from market import columns, db, roundtrip
from market.roundtrip import Line, Rows

_ANY = re.compile(r"\bIN :(\w+)")
_NAME = re.compile(r"(?<!:):(\w+)")
_KEPT, _PLANNED = "statements", "planned"
#: Not told to who listens: SQLAlchemy's own COMMIT is not either.
_COMMIT = (("COMMIT", ()),)
#: A power of two; more bring nothing.
_ROWS_AT_ONCE = 128
_json = msgspec.json.Encoder().encode
_EITHER = re.compile(r"\{(.*?)\|(.*?)\}", re.DOTALL)


class Statement:
    """One statement for both databases.

    `:name` is a value, `IN :names` finds any of a list; `{this|that}` is this for PostgreSQL and that for SQLite.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def run(self, **given: Any) -> Rows:
        """Run it in this thread's transaction; nothing is flushed before. Instants come out as `instant` reads them."""
        return self.ask(**given).rows()

    def ask(self, **given: Any) -> Answer:
        """The same, if that helps together with what else is asked for before the rows of any are wanted."""
        if db.on_postgresql():
            return ask(self._postgresql, {name: _column(value) for name, value in given.items()})
        return ask(self._lite, {name: _lite_value(value) for name, value in given.items()})

    @cached_property
    def _postgresql(self) -> str:
        return _NAME.sub(r"%(\1)s", _ANY.sub(r"= ANY(:\1)", _EITHER.sub(r"\1", self._text)))

    @cached_property
    def _lite(self) -> str:
        return _ANY.sub(r"IN (SELECT value FROM json_each(:\1))", _EITHER.sub(r"\2", self._text))


class Answer:
    """The rows of a statement, which is sent when they are wanted at the latest."""

    __slots__ = ("_found", "_way")

    def __init__(self, way: _Way | None, found: Rows) -> None:
        self._way, self._found = way, found

    def rows(self) -> Rows:
        """What it found."""
        if self._way:
            self._way.send()
        return self._found

    def come(self, found: Rows) -> None:
        """It has been sent."""
        self._way, self._found = None, found


class _Way:
    """How statements of a transaction reach the database: over a line of our own, or by one cursor for all of them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._line = Line.of(connection) if connection.dialect.name == "postgresql" else None
        # Making a cursor costs as much as a small statement.
        self._cursor = None if self._line else connection.connection.cursor()
        self._waiting: list[tuple[str, Any, Answer]] = []

    def ask(self, statement: str, given: Any) -> Answer:
        """Have it sent with the next that is wanted, where that is cheaper."""
        if self._line is None:
            return Answer(None, [*self._by_cursor(statement, given).fetchall()])
        answer = Answer(self, [])
        self._waiting.append((statement, given, answer))
        return answer

    def owe(self, statement: str, given: Any) -> None:
        """Have something written that nobody waits for: with the next that is wanted, or with COMMIT."""
        self.write(statement, given) if self._line is None else self.ask(statement, given)
        self.connection.info[roundtrip.OWED] = self.finish

    def pay(self) -> None:
        """Send what is owed now."""
        if self.connection.info.pop(roundtrip.OWED, None) and self._waiting:
            self.send()

    def finish(self, *, ends: bool = True) -> None:
        """Send what waits, and COMMIT with it if that `ends` the transaction, where that is worth anything."""
        if self._line:
            self.connection.info.pop(roundtrip.OWED, None)
            if ends:
                self.send(and_then=_COMMIT)
            elif self._waiting:
                self.send()

    def undo(self) -> None:
        """Forget what waits, and the transaction."""
        self._waiting.clear()
        if self._line:
            self._line.roll_back()
        else:
            self.connection.connection.rollback()

    def send(self, *more: tuple[str, Any], and_then: Sequence[tuple[str, Any]] = ()) -> int:
        """Send what waits, and then these; how many rows the last one wrote."""
        waiting, self._waiting = self._waiting, []
        asked = [*((statement, given) for statement, given, _ in waiting), *more]
        assert self._line
        with _told(self.connection, None, asked):
            found = self._line.ask([*asked, *and_then])
        for (*_, answer), (rows, _) in zip(waiting, found, strict=False):
            answer.come(rows)
        return found[-1][1]

    def write(self, statement: str, given: Any) -> int:
        """Run it at once; how many rows it wrote."""
        if self._line is None or isinstance(given, list):
            return int(self._by_cursor(statement, given).rowcount)
        return self.send((statement, given))

    def write_rows(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """On SQLite, write rows by as few runs as there are powers of two in their number; how many it wrote."""
        cursor: Any = self._cursor
        written = 0
        with _told(self.connection, cursor, [(statement, rows)]):
            for part in _parts(rows):
                cursor.execute(_for_rows(statement, len(part)), [*chain.from_iterable(part)])
                written += cursor.rowcount
        return written

    def _by_cursor(self, statement: str, given: Any) -> Any:
        cursor = self._cursor or self.connection.connection.cursor()
        with _told(self.connection, cursor, [(statement, given)]):
            if isinstance(given, list):
                cursor.executemany(statement, given)
            else:
                cursor.execute(statement, given)
        return cursor


def ask(statement: str, given: Any = ()) -> Answer:
    """Have a statement run, as the driver in use takes it, when its rows or those of a later one are wanted."""
    return _way().ask(statement, given)


def plan_once() -> None:
    """Until the transaction ends PostgreSQL keeps the plan of a statement whatever it is given.

    To plan one anew for each list of one or two takes it longer than to run it; for lists it would do so for ever.
    """
    if not db.on_postgresql():
        return
    if held := db.held():
        if not held.info.get(_PLANNED):  # what it is asked next time is the same
            ask("SET plan_cache_mode = force_generic_plan")
            held.info[_PLANNED] = True
    else:
        ask("SET LOCAL plan_cache_mode = force_generic_plan")


def read(statement: str, given: Any = ()) -> Rows:
    """Run a statement as the driver in use takes it, and return its rows."""
    return _way().ask(statement, given).rows()


def finish() -> None:
    """Send what was asked for as a transaction's last act: on PostgreSQL COMMIT goes with it, so that what it locks is free the sooner."""
    _way().finish(ends=db.may_end())


def undo() -> None:
    """End a transaction whose last act has failed, or that has done nothing. On PostgreSQL what was prepared in it stays."""
    _way().undo()
    if held := db.held():
        held.info.pop(_PLANNED, None)  # a setting goes with the transaction it was made in


def write(statement: str, given: Any) -> int:
    """Run a statement that returns nothing, for each of several rows where they are given as a list; how many rows it wrote."""
    return _way().write(statement, given)


def write_rows(statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run an `INSERT OR … VALUES (?, …)` on SQLite, one run for many rows; how many it wrote.

    A run costs more than a row: it lets go of the interpreter lock, and each CHECK of a list of words makes a table of them.
    `OR FAIL` or `OR IGNORE` is to say what becomes of a row that may not be: without, SQLite keeps a copy of each page
    that several rows change, so as to take the whole statement back. Who fails has to roll back.
    """
    return _way().write_rows(statement, rows)


def _parts(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    """So many at a time, then half as many, and so on: few statements serve any number."""
    start, size = 0, _ROWS_AT_ONCE
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


@lru_cache(maxsize=64)
def _for_rows(statement: str, number: int) -> str:
    """The same with as many rows of question marks."""
    _, marks = statement.split("VALUES ")
    return statement + f", {marks}" * (number - 1)


def owe(statement: str, given: Any) -> None:
    """Have a row or several written by a statement for all of them, at the latest right before the transaction is committed.

    On PostgreSQL that saves waiting for an answer; what goes wrong then is an error of the commit. Until then only what
    is asked for here sees it: call `pay` where anything else may be.
    """
    _way().owe(statement, given)


def pay() -> None:
    """Have everything written now that is owed."""
    _way().pay()


def add(table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add many rows, each with values for these columns in this order, as SQLAlchemy's types take them.

    On PostgreSQL they are copied in, which takes a third of the time of any INSERT; triggers and keys hold as ever.
    """
    if not db.on_postgresql():
        if given := [dict(zip(names, row, strict=True)) for row in rows]:
            db.session.execute(insert(table), given)
        return
    connection = _way().connection
    cursor: Any = connection.connection.cursor()
    written = [_writer(table.columns[name].type, connection.dialect) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table.name}" ({columns}) FROM STDIN'
    with _told(connection, cursor, [(statement, None)]), cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([write(value) if write else value for write, value in zip(written, row, strict=True)])


def _writer(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """How a value is written for COPY; None: as it is."""
    if isinstance(type_, JSON):
        return lambda value: None if value is None else _json(value).decode()
    return type_._cached_bind_processor(dialect)


@contextmanager
def _told(connection: Connection, cursor: Any, asked: Sequence[tuple[str, Any]]) -> Iterator[None]:
    """Whoever listens to SQLAlchemy hears of each statement; errors are SQLAlchemy's."""
    dispatch = connection.dispatch
    for hear in dispatch.before_cursor_execute:
        for statement, given in asked:
            hear(connection, cursor, statement, given, None, False)
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        statement = "; ".join(statement for statement, _ in asked)
        raise DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    for hear in dispatch.after_cursor_execute:
        for statement, given in asked:
            hear(connection, cursor, statement, given, None, False)


def _way() -> _Way:
    """That of this thread's transaction."""
    held = db.held()
    info: dict[Any, Any] = held.passing if held else db.session().info
    kept: _Way | None = info.get(_KEPT)
    if kept is None or kept.connection.closed:
        kept = info[_KEPT] = _Way(held.connection if held else db.session().connection())
    return kept


def instant(written: Any) -> Any:
    """An instant that a driver has read; None stays None."""
    if isinstance(written, str):
        return datetime.fromisoformat(written).replace(tzinfo=UTC)
    return written


def lite_time(at: datetime) -> str:
    """As SQLAlchemy writes a `DateTime` into SQLite."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(" ", "microseconds")[:26]


def _column(value: Any) -> Any:
    """A list as a whole column: psycopg looks at each of its items, and at their kinds."""
    if not isinstance(value, list) or not value:
        return value
    return columns.Numbers(value) if isinstance(value[0], int) else columns.Texts(value)


def _lite_value(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    return lite_time(value) if isinstance(value, datetime) else value
