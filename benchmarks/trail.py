"""`trail`: what the audit trail costs a change, and how fast it is verified.

On SQLite, where writers take turns anyway; `docs/performance.md` says how long the chain's lock holds up others on
PostgreSQL.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from benchmarks.figures import Figure, Reference, middle
from market import accounts, audit, db, schema

#: Rows in one transaction: a click, and a month close.
SIZES = (1, 1_000)
ROWS = 20_000
#: A million rows in less than two minutes of processor time.
TARGET_PER_SECOND = 10_000
_ROUNDS = 3
#: What each database begins as.
_EMPTY = "empty.db"
_AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def run(*, quick: bool = False) -> Iterator[Figure]:
    """Record and seal beside the bare insert of the same rows; verify beside the bare reading."""
    rows, rounds = (ROWS // 20, 1) if quick else (ROWS, _ROUNDS)
    with tempfile.TemporaryDirectory(prefix="market-bench-") as scratch:
        folder = Path(scratch)
        _migrate(folder / _EMPTY)
        for size in SIZES:
            times = 1 if quick else max(5, 300 // size)
            sealed, bare = [], []
            for turn in range(rounds):
                sealed.append(_timed(folder / f"sealed-{size}-{turn}.db", _record, size, times))
                bare.append(_timed(folder / f"bare-{size}-{turn}.db", _insert, size, times))
            name = f"transaction with {size:,} audited row{'s' if size > 1 else ''}"
            yield Figure(name, middle(sealed), "ms", reference=Reference("a bare insert", middle(bare)))
        yield _verified(folder / "long.db", rows, rounds)


def _verified(file: Path, rows: int, rounds: int) -> Figure:
    """Rows verified in a second of processor time."""
    _timed(file, _record, SIZES[-1], rows // SIZES[-1])
    checked, read = [], []
    db.connect(f"sqlite:///{file}")
    for _ in range(rounds):
        start = time.process_time()
        with db.transaction(readonly=True):
            assert audit.verify().rows == rows
        checked.append(rows / (time.process_time() - start))
        read.append(_read(file, rows))
    db.disconnect()
    reference = Reference("reading links and rows", middle(read))
    return Figure("rows verified", middle(checked), "1/s", TARGET_PER_SECOND, at_least=True, reference=reference)


def _migrate(file: Path) -> None:
    db.connect(f"sqlite:///{file}")
    schema.upgrade()
    db.disconnect()


def _timed(file: Path, write: Callable[[int], object], size: int, times: int) -> float:
    """Milliseconds for a transaction with `size` rows, in a database of its own."""
    shutil.copyfile(file.with_name(_EMPTY), file)
    db.connect(f"sqlite:///{file}")
    start = time.perf_counter()
    for _ in range(times):
        with db.transaction():
            write(size)
    milliseconds = (time.perf_counter() - start) / times * 1000
    db.disconnect()
    return milliseconds


def _record(size: int) -> None:
    subject = accounts.City(code="440100", name_zh="广州市", name_en="Guangzhou", delta=True, position=1)
    by = audit.Actor("user", 7, "示例用户", 9, "192.0.2.1")
    for _ in range(size):
        audit.record(
            "bill.paid", subject, by=by, at=_AT, before={"status": "open"}, after={"status": "paid"}, label="BL-202610-000001"
        )


def _insert(size: int) -> None:
    row = {
        "at": _AT, "actor_kind": "user", "actor_id": 7, "actor_label": "示例用户", "acting_for_id": 9, "organization_id": 9,
        "action": "bill.paid", "kind": "bill", "subject_type": "City", "subject_label": "BL-202610-000001",
        "before": {"status": "open"}, "after": {"status": "paid"}, "reason": "", "address": "192.0.2.1",
        "actor_salt": "0" * 32, "actor_digest": "0" * 64, "subject_salt": "", "subject_digest": "",
    }  # fmt: skip
    db.session.execute(insert(audit.AuditEvent), [row] * size)


def _read(file: Path, rows: int) -> float:
    query = "SELECT * FROM audit_links l JOIN audit_events e ON e.id = l.event_id ORDER BY l.position"
    with closing(sqlite3.connect(file)) as connection:
        start = time.process_time()
        assert sum(1 for _ in connection.execute(query)) == rows
        return rows / (time.process_time() - start)
