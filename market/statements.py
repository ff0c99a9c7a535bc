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
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import JSON, Connection, Dialect, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from market import db

Rows = list[tuple[Any, ...]]

_ANY = re.compile(r"\bIN :(\w+)")
_NAME = re.compile(r"(?<!:):(\w+)")
_KEPT = "statements"
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
        if db.on_postgresql():
            return read(self._postgresql, given)
        return read(self._lite, {name: _lite_value(value) for name, value in given.items()})

    @cached_property
    def _postgresql(self) -> str:
        return _NAME.sub(r"%(\1)s", _ANY.sub(r"= ANY(:\1)", _EITHER.sub(r"\1", self._text)))

    @cached_property
    def _lite(self) -> str:
        return _ANY.sub(r"IN (SELECT value FROM json_each(:\1))", _EITHER.sub(r"\2", self._text))


def read(statement: str, given: Any = ()) -> Rows:
    """Run a statement as the driver in use takes it, and return its rows."""
    cursor = _run(statement, given)
    return [*cursor.fetchall()]


def write(statement: str, given: Any) -> int:
    """Run a statement that returns nothing, for each of several rows where they are given as a list; how many rows it wrote."""
    return int(_run(statement, given).rowcount)


def add(table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add many rows, each with values for these columns in this order, as SQLAlchemy's types take them.

    On PostgreSQL they are copied in, which takes a third of the time of any INSERT; triggers and keys hold as ever.
    """
    if not db.on_postgresql():
        if given := [dict(zip(names, row, strict=True)) for row in rows]:
            db.session.execute(insert(table), given)
        return
    connection, cursor = _open()
    written = [_writer(table.columns[name].type, connection.dialect) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table.name}" ({columns}) FROM STDIN'
    with _told(connection, cursor, statement, None), cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([write(value) if write else value for write, value in zip(written, row, strict=True)])


def _writer(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """How a value is written for COPY; None: as it is."""
    if isinstance(type_, JSON):
        return lambda value: None if value is None else _json(value).decode()
    return type_._cached_bind_processor(dialect)


@contextmanager
def _told(connection: Connection, cursor: Any, statement: str, given: Any) -> Iterator[None]:
    """Whoever listens to SQLAlchemy hears of a statement; errors are SQLAlchemy's."""
    for hear in connection.dispatch.before_cursor_execute:
        hear(connection, cursor, statement, given, None, False)
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    for hear in connection.dispatch.after_cursor_execute:
        hear(connection, cursor, statement, given, None, False)


def _run(statement: str, given: Any) -> Any:
    """The cursor after it."""
    connection, cursor = _open()
    with _told(connection, cursor, statement, given):
        if isinstance(given, list):
            cursor.executemany(statement, given)
        else:
            cursor.execute(statement, given)
    return cursor


def _open() -> tuple[Connection, Any]:
    """This thread's transaction, and one cursor for all of its statements: making one costs as much as a small statement."""
    session = db.session()
    kept: tuple[Connection, Any] | None = session.info.get(_KEPT)
    if kept is None or kept[0].closed:
        connection = session.connection()
        kept = session.info[_KEPT] = connection, connection.connection.cursor()
    return kept


def instant(written: Any) -> Any:
    """An instant that a driver has read; None stays None."""
    if isinstance(written, str):
        return datetime.fromisoformat(written).replace(tzinfo=UTC)
    return written


def lite_time(at: datetime) -> str:
    """As SQLAlchemy writes a `DateTime` into SQLite."""
    return at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _lite_value(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    return lite_time(value) if isinstance(value, datetime) else value
