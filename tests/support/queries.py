"""Counting the statements that a piece of code sends to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

_BOOKKEEPING = ("PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


@contextmanager
def counted(*, at_most: int) -> Iterator[list[str]]:
    """Collect statements; more than `at_most` of them fail the test and are shown."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(_BOOKKEEPING):
            statements.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    listing = "\n".join(f"{number:3} {statement[:200]}" for number, statement in enumerate(statements, 1))
    assert len(statements) <= at_most, f"{len(statements)} statements, at most {at_most} allowed:\n{listing}"
