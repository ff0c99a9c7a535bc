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
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _sql in made:
            connection.execute(f"DROP TRIGGER {name}")
        for sql, values in pairs:
            connection.execute(sql, values)
        for _name, sql in made:
            connection.execute(sql)
        connection.commit()


def _on_postgresql(url: str, pairs: Sequence[tuple[str, Sequence[Any]]]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        for sql, values in pairs:
            connection.execute(sql.replace("?", "%s").encode(), values)
