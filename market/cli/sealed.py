"""What lies encrypted, in columns and in files: finding it, and writing it anew with the newest key.

Each value is exchanged only if it is still the one that was read, a batch at a time; so it may be stopped at any
moment, done twice, and done while the marketplace is running.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Column, CursorResult, func, select, update

from market import db, documents, resources, schema

BATCH = 200


class State(Enum):
    """How a value was found."""

    FRESH = "fresh"
    OLD = "old"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Value:
    """One encrypted value, by where it lies."""

    where: str
    state: State


def columns() -> list[Column[Any]]:
    """Every column marked as encrypted."""
    return [column for table in schema.metadata.sorted_tables for column in table.columns if column.info.get("sealed")]


def count() -> int:
    """How many values there are."""
    with db.transaction(readonly=True):
        rows = sum(
            db.session.scalar(select(func.count()).where(column != "").select_from(column.table)) or 0
            for column in columns()
        )
    return rows + len(_files())


def values(*, renew: bool = False) -> Iterator[Value]:
    """Every value with its state; with `renew` an old one is written with the newest key."""
    for column in columns():
        yield from _rows(column, renew)
    for path in _files():
        yield from _file(path, renew)


def _rows(column: Column[Any], renew: bool) -> Iterator[Value]:
    (key,) = column.table.primary_key.columns
    last: Any = None
    while True:
        query = select(key, column).where(column != "").order_by(key).limit(BATCH)
        with db.transaction(readonly=not renew):
            rows = db.session.execute(query if last is None else query.where(key > last)).all()
            found = [_row(column, key, *row, renew=renew) for row in rows]
        yield from found
        if len(rows) < BATCH:
            return
        last = rows[-1][0]


def _row(column: Column[Any], key: Column[Any], id: Any, token: str, *, renew: bool) -> Value:
    where = f"{column.table.name}.{column.name} of row {id}"
    try:
        fresh = resources.cipher.renewed(token.encode())
    except ValueError:
        return Value(where, State.UNREADABLE)
    if fresh is None:
        return Value(where, State.FRESH)
    if renew:
        change = update(column.table).where(key == id, column == token).values({column.name: fresh.decode()})
        # Somebody who changed it meanwhile may run with the old key; the next turn finds it.
        assert cast("CursorResult[Any]", db.session.execute(change)).rowcount <= 1
    return Value(where, State.OLD)


def _files() -> list[Path]:
    folder = documents.folder()
    return sorted(path for path in folder.iterdir() if path.suffix != ".part") if folder.is_dir() else []


def _file(path: Path, renew: bool) -> Iterator[Value]:
    try:
        token, times = path.read_bytes(), path.stat()
        fresh = resources.cipher.renewed(token)
    except FileNotFoundError:
        return
    except ValueError:
        yield Value(str(path), State.UNREADABLE)
        return
    if fresh is not None and renew:
        draft = path.with_suffix(".part")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        os.utime(draft, (times.st_atime, times.st_mtime))  # by its age an orphan is told
        draft.replace(path)
    yield Value(str(path), State.FRESH if fresh is None else State.OLD)
