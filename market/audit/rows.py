"""Rows as the database holds them, in the plain values that the chain is made of.

Sealing and verifying read through the same statement, so a value that comes back otherwise than it was written
counts as it comes back. On SQLite, which stores any bytes in any column, texts are compared to the byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, String, bindparam, select, type_coerce

from market import db
from market.audit import chain
from market.audit.models import AuditEvent

EVENTS = AuditEvent.__table__
_NAMES = [column.name for column in EVENTS.columns]
#: Columns that SQLite keeps as text of our making.
_WRITTEN_OUT = ("at", "before", "after")
_STORED_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{6})")

#: What to select, on other databases and on SQLite.
_COLUMNS: dict[bool, list[ColumnElement[Any]]] = {
    False: list(EVENTS.columns),
    True: [
        type_coerce(column, String) if column.name in _WRITTEN_OUT else column for column in EVENTS.columns
    ],
}
_SOME = {
    sqlite: select(*columns).where(EVENTS.c.id.in_(bindparam("ids", expanding=True))).order_by(EVENTS.c.id)
    for sqlite, columns in _COLUMNS.items()
}

Plain = Callable[[Iterable[Any]], dict[str, Any]]


def columns() -> list[ColumnElement[Any]]:
    """What to select so that `reader` understands it, in the order of the table."""
    return _COLUMNS[_sqlite()]


def some() -> Select[Any]:
    """A statement for the rows with the parameter `ids`, in the order of their ids; made once, as it runs at every
    commit."""
    return _SOME[_sqlite()]


def reader() -> Plain:
    """A function that turns the selected values of one row into the row the chain is about."""
    return _plain_sqlite if _sqlite() else _plain_postgresql


@contextmanager
def any_bytes() -> Iterator[None]:
    """On SQLite, read what is no UTF-8 as some text instead of failing: tampering leaves it behind."""
    if not _sqlite():
        yield
        return
    raw: Any = db.session.connection().connection.dbapi_connection
    raw.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        raw.text_factory = str


def _sqlite() -> bool:
    return db.session().get_bind().dialect.name == "sqlite"


def _plain_postgresql(values: Iterable[Any]) -> dict[str, Any]:
    row = dict(zip(_NAMES, values, strict=True))
    row["at"] = chain.instant(row["at"])
    return row


def _plain_sqlite(values: Iterable[Any]) -> dict[str, Any]:
    row = dict(zip(_NAMES, values, strict=True))
    if isinstance(row["at"], str) and (stored := _STORED_TIME.fullmatch(row["at"])):
        row["at"] = f"{stored[1]}T{stored[2]}Z"
    for name in ("before", "after"):
        row[name] = _parsed(row[name])
    return row


def _parsed(text: Any) -> Any:
    """A stored JSON value; a text that we would have written otherwise, to the byte, stays a text."""
    if text == "{}":
        return {}
    try:
        value = json.loads(text)
        return value if json.dumps(value) == text else text
    except (TypeError, ValueError, RecursionError):
        return text
