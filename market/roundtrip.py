"""Several statements to PostgreSQL in one round trip, each prepared once for a connection.

psycopg's cursors take longer over a small statement than PostgreSQL does, and each waits for its own answer. Here libpq
is spoken to directly, in its pipeline mode: what is known to be asked goes out together, BEGIN with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from psycopg import IsolationLevel, generators, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from sqlalchemy import Connection

Rows = list[tuple[Any, ...]]

_MARK = re.compile(r"%\((\w+)\)s|%s|%%")
_KEPT = "roundtrip"
_USUAL = (None, IsolationLevel.READ_COMMITTED)


class _Written(NamedTuple):
    """A statement as PostgreSQL reads it."""

    text: bytes
    types: tuple[int, ...]
    values: Sequence[Any]
    formats: Sequence[Any] | None


class Line:
    """A connection to PostgreSQL in a transaction that may write."""

    def __init__(self, raw: Any) -> None:
        self._raw, self._libpq = raw, raw.pgconn
        self._adapting = Transformer(raw)
        #: What it is called that has been prepared, by its text and the types of its values.
        self._names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        #: What was to be prepared last.
        self._latest: Collection[tuple[bytes, tuple[int, ...]]] = ()

    @staticmethod
    def of(connection: Connection) -> Line | None:
        """The connection's line; none where a transaction is anything but an ordinary one, which psycopg begins."""
        raw: Any = connection.connection.dbapi_connection
        if raw.read_only or raw.autocommit or raw.isolation_level not in _USUAL:
            return None
        line: Line = connection.info.get(_KEPT) or connection.info.setdefault(_KEPT, Line(raw))
        return line

    def forget(self) -> None:
        """Nothing is prepared any more."""
        self._names.clear()

    def roll_back(self) -> None:
        """End the transaction; psycopg would forget whatever is prepared."""
        if self._libpq.transaction_status != pq.TransactionStatus.IDLE:
            self._libpq.exec_(b"ROLLBACK")

    def ask(self, asked: Sequence[tuple[str, Any]]) -> list[tuple[Rows, int]]:
        """Run statements with their values; of each the rows, and how many it wrote. Raises psycopg's errors."""
        written = [self._written(*each) for each in asked]
        self._libpq.enter_pipeline_mode()
        try:
            results = self._raw.wait(_answers(self._libpq, self._send(written)))
        except BaseException:
            self._raw.close()  # nobody knows what is still on its way
            raise
        self._libpq.exit_pipeline_mode()
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                for one in self._latest:  # what came after it was not prepared
                    del self._names[one]
                raise error_from_result(result, encoding=self._raw.info.encoding)
        return [self._read(result) for result in results[-len(asked) :]]

    def _written(self, statement: str, given: Any) -> _Written:
        text, names = _numbered(statement)
        values = [given[name] for name in names] if isinstance(given, Mapping) else list(given)
        written = self._adapting.dump_sequence(values, [PyFormat.AUTO] * len(values))
        return _Written(text, self._adapting.types or (), written, self._adapting.formats)

    def _send(self, asked: Sequence[_Written]) -> int:
        """Hand everything to libpq; how many answers there will be. What was asked for comes last."""
        begins = self._libpq.transaction_status == pq.TransactionStatus.IDLE
        if begins:
            self._libpq.send_query_params(b"BEGIN", None)
        self._latest = new = {(each.text, each.types) for each in asked} - self._names.keys()
        for one in new:
            self._names[one] = b"market_%d" % next(_number)
            self._libpq.send_prepare(self._names[one], *one)
        for each in asked:
            self._libpq.send_query_prepared(self._names[each.text, each.types], each.values, each.formats)
        self._libpq.pipeline_sync()
        return begins + len(new) + len(asked)

    def _read(self, result: Any) -> tuple[Rows, int]:
        if result.status != pq.ExecStatus.TUPLES_OK:
            return [], result.command_tuples or 0
        self._adapting.set_pgresult(result)
        return self._adapting.load_rows(0, result.ntuples, tuple), result.ntuples


#: Names are never used twice: what is left of a connection's past may still have them.
_number = count()


#: In a connection's info: what sends that which is still to be written, and COMMIT with it.
OWED = "owed"


def pay(connection: Connection) -> None:
    """A transaction is about to be committed: what was left for that goes out together with COMMIT."""
    if finish := connection.info.pop(OWED, None):
        finish()


def forget(info: dict[str, Any]) -> None:
    """psycopg has thrown away whatever a connection had prepared, as it does with each ROLLBACK, ALTER and DROP."""
    info.pop(OWED, None)
    if line := info.get(_KEPT):
        line.forget()


@lru_cache(maxsize=1000)
def _numbered(statement: str) -> tuple[bytes, tuple[Any, ...]]:
    """A statement with psycopg's marks as PostgreSQL takes it, and whose values it wants in which order."""
    names: list[Any] = []

    def number(mark: re.Match[str]) -> str:
        if mark[0] == "%%":
            return "%"
        name = mark[1]
        if name is None or name not in names:
            names.append(name)
            return f"${len(names)}"
        return f"${names.index(name) + 1}"

    return _MARK.sub(number, statement).encode(), tuple(names)


def _answers(libpq: Any, number: int) -> Generator[Any, Any, list[Any]]:
    """Send what libpq holds and wait for so many answers; psycopg tells when there is something to do."""
    yield from generators.send(libpq)
    found = []
    for _ in range(number):
        found += yield from generators.fetch_many(libpq)
    yield from generators.fetch_many(libpq)  # that this was all
    return found
