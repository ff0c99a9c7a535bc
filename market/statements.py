"""Statements in the drivers' own words, for what runs with every reported event.

Building a statement with SQLAlchemy and reading its rows takes it five times as long as the driver needs to run it.
That is a good price for everything else; here it would be most of what an event costs.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from market import db

Rows = list[tuple[Any, ...]]

_ANY = re.compile(r"\bIN :(\w+)")
_NAME = re.compile(r"(?<!:):(\w+)")
_KEPT = "statements"
_EITHER = re.compile(r"\{(.*?)\|(.*?)\}")


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


def write(statement: str, given: Any) -> None:
    """Run a statement that returns nothing; for each of several rows where they are given as a list."""
    _run(statement, given)


def _run(statement: str, given: Any) -> Any:
    """The cursor after it. Whoever listens to SQLAlchemy hears of it; errors are SQLAlchemy's."""
    connection, cursor = _open()
    for hear in connection.dispatch.before_cursor_execute:
        hear(connection, cursor, statement, given, None, False)
    try:
        if isinstance(given, list):
            cursor.executemany(statement, given)
        else:
            cursor.execute(statement, given)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    for hear in connection.dispatch.after_cursor_execute:
        hear(connection, cursor, statement, given, None, False)
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
