"""The marketplace, telling in headers what each request took: processor time, statements to the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Engine, event

from benchmarks.client import CPU_MILLISECONDS, STATEMENTS
from wsgi import app as market

_BOOKKEEPING = ("PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")
_spent = threading.local()


@event.listens_for(Engine, "before_cursor_execute")
def _count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    if not statement.lstrip().startswith(_BOOKKEEPING):
        _spent.statements = getattr(_spent, "statements", 0) + 1


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One request is served by one thread from beginning to end, so its own counters are enough."""
    _spent.statements, started = 0, time.thread_time()

    def told(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        milliseconds = (time.thread_time() - started) * 1000
        extra = [(STATEMENTS, str(_spent.statements)), (CPU_MILLISECONDS, f"{milliseconds:.3f}")]
        return start_response(status, [*headers, *extra], *rest)

    return market(environ, told)
