"""`close`: a month closed: rated, drafted, issued and numbered, for a hundred thousand subscriptions of ten thousand firms.

It is `market bill close` with a process for each core. What it reads is made by `benchmarks.month`: three charges a
subscription, and the day counters of ten million events.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks import databases, month
from benchmarks.databases import Database
from benchmarks.figures import Figure, Reference
from benchmarks.place import bar, shelf
from market import billing, db
from market.cli.context import join
from market.kit import period as periods
from market.kit.period import Period

SIZES = (1_000, 10_000, 100_000)
_QUICK = (60, 240)
TARGET, AGAIN_TARGET = 60.0, 5.0
#: What a subscription may cost, and a process hold, at ten times the size.
LINEAR, FLAT = 1.25, 1.15
_MONTH = periods.month("2026-10")
_ROOM = 14.0


@dataclass(frozen=True)
class Closed:
    """One close: seconds, the processor's seconds of our processes, the largest of them, and the second run's seconds."""

    subscriptions: int
    seconds: float
    processor: float
    megabytes: float
    again: float
    #: The same lines once more, copied inside the database.
    limit: float
    #: The month after, which looks back at this one; None where it was not closed.
    next_seconds: float | None = None


def run(*, quick: bool = False, database: str = "", on: str = "") -> Iterator[Figure]:
    """Close the month at three sizes; time, memory, the second run, and the month after."""
    with databases.folder(room=1 if quick else _ROOM) as scratch:
        if on == "sqlite":
            yield from _figures(databases.sqlite(scratch / "empty"), scratch, _QUICK if quick else SIZES[:2])
            return
        with databases.postgresql(scratch, database) as base:
            if base is not None:
                yield from _figures(base, scratch, _QUICK if quick else SIZES)


def _figures(base: Database, scratch: Path, sizes: tuple[int, ...]) -> Iterator[Figure]:
    done = [_at(size, base, scratch / f"of {size}", after=place == len(sizes) - 2) for place, size in enumerate(sizes)]
    *_, smaller, largest = done
    full = largest.subscriptions == SIZES[-1]
    for closed in done:
        target = TARGET if closed.subscriptions == SIZES[-1] else None
        reference = Reference("the same lines, copied inside the database", closed.limit)
        yield Figure(f"{base.name}, {closed.subscriptions:,} subscriptions closed", closed.seconds, "s", target, reference=reference)
        yield Figure("– processor time of our processes, a subscription", closed.processor / closed.subscriptions * 1000, "ms")
        yield Figure("– the largest process", closed.megabytes, "MB")
    per = largest.seconds / largest.subscriptions, smaller.seconds / smaller.subscriptions
    yield Figure("a subscription by that of the size before", per[0] / per[1], "", LINEAR if full else None)
    yield Figure("memory by that of the size before", largest.megabytes / smaller.megabytes, "", FLAT if full else None)
    yield Figure("a second run of the closed month", largest.again, "s", AGAIN_TARGET)
    if smaller.next_seconds is not None:
        reference = Reference("the first month", smaller.seconds)
        yield Figure(f"the month after, {smaller.subscriptions:,} subscriptions", smaller.next_seconds, "s", reference=reference)


def _at(size: int, base: Database, folder: Path, *, after: bool) -> Closed:
    with databases.another(base, folder) as database, shelf(folder / "place", database.url) as here, _told(here.environment):
        month.furnish(size, _MONTH)
        month.settle()
        firms = -(-size // month.PER_FIRM)
        before = resource.getrusage(resource.RUSAGE_CHILDREN), time.process_time()
        seconds = _close(_MONTH, firms)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = spent.ru_utime + spent.ru_stime - before[0].ru_utime - before[0].ru_stime + time.process_time() - before[1]
        again = _close(_MONTH, 0)
        limit = _copied()
        _check(firms)
        return Closed(size, seconds, processor, _largest(), again, limit, _month_after(firms) if after else None)


@contextmanager
def _told(environment: dict[str, str]) -> Iterator[None]:
    """What the processes that are started need to know."""
    kept = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _close(closing: Period, expected: int) -> float:
    """Seconds of one close, which has to issue so many bills."""
    many = (os.cpu_count() or 1) if db.on_postgresql() else 1
    start = time.perf_counter()
    with bar("close", None, "") as shown:
        report = billing.close_due(billing.final_at(closing), lambda *_: shown.update(), processes=many, begin=join)
    seconds = time.perf_counter() - start
    if (report.issued, report.failures) != (expected, []):
        raise RuntimeError(f"{expected} bills were to be issued: {report}")
    return seconds


def _month_after(firms: int) -> float:
    month.draw(_MONTH.next())
    month.settle()
    return _close(_MONTH.next(), firms)


def _copied() -> float:
    """Seconds to write the same lines with their indexes inside the database, without a key to look up."""
    like = "CREATE TABLE copied (LIKE bill_lines INCLUDING ALL)" if db.on_postgresql() else "CREATE TABLE copied AS SELECT * FROM bill_lines LIMIT 0"
    with db.engine().begin() as connection:
        connection.execute(text(like))
    start = time.perf_counter()
    with db.engine().begin() as connection:
        connection.execute(text("INSERT INTO copied SELECT * FROM bill_lines"))
    seconds = time.perf_counter() - start
    with db.engine().begin() as connection:
        connection.execute(text("DROP TABLE copied"))
    return seconds


def _check(firms: int) -> None:
    """Numbers without a gap, three lines a subscription, and amounts that add up."""
    with db.transaction(readonly=True):
        said = db.session.execute(text("SELECT count(*), count(DISTINCT number), max(number), sum(gross_fen) FROM bills")).one()
        lines = db.session.execute(text("SELECT count(*), sum(gross_fen), count(DISTINCT subscription_id) FROM bill_lines")).one()
    if tuple(said)[:3] != (firms, firms, f"BL-{_MONTH.first_day:%Y%m}-{firms:06d}") or said[3] != lines[1] or lines[0] != 3 * lines[2]:
        raise RuntimeError(f"The bills are not what they should be: {said}, {lines}")


def _largest() -> float:
    """Megabytes of the largest process so far, this one where no others were started."""
    who = resource.RUSAGE_CHILDREN if db.on_postgresql() else resource.RUSAGE_SELF
    return resource.getrusage(who).ru_maxrss / 1024
