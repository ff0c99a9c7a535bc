"""Changing stored rows behind the product's back, as somebody with the database's own password could."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import make_url


def tamper(url: str, *statements: str | tuple[str, Sequence[Any]]) -> None:
    """Run SQL with triggers and foreign keys out of the way. Parameters are written `?`."""
    pairs = [(one, ()) if isinstance(one, str) else one for one in statements]
    if url.startswith("sqlite"):
        _on_sqlite(make_url(url).database or "", pairs)
    else:
        _on_postgresql(url.replace("+psycopg", ""), pairs)


def _on_sqlite(path: str, pairs: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """The triggers are hidden from this connection alone: after dropping them everybody else would have to learn all tables again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA writable_schema = ON")
        triggers = connection.execute("SELECT rowid, * FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
        connection.execute("PRAGMA writable_schema = RESET")  # looks at what is left
        for sql, values in pairs:
            connection.execute(sql, values)
        connection.execute("PRAGMA writable_schema = ON")
        put_back = "INSERT INTO sqlite_master (rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)"
        connection.executemany(put_back, triggers)
        connection.execute("COMMIT")


def _on_postgresql(url: str, pairs: Sequence[tuple[str, Sequence[Any]]]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        for sql, values in pairs:
            connection.execute(sql.replace("?", "%s").encode(), values)
