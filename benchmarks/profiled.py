"""`market bench ingest --profile`: where the time of an event goes, inside one process.

Requests go straight to the WSGI application, one after the other: first as they are, for the true cost, then with
SQLAlchemy's statements timed, then under cProfile, which makes Python's part look about twice as dear as it is.
"""

from __future__ import annotations

import cProfile
import gc
import io
import os
import pstats
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from benchmarks import processes
from benchmarks.databases import Database
from benchmarks.desk import Desk, Stream, furnish, report_time
from benchmarks.place import shelf
from market import db, server
from market.app import create_app
from market.config import Settings

_Send = Callable[[bytes], None]
_EVENTS, _TOP = 30_000, 45
_ONE_BY_ONE = 1_000


def profile(database: Database, scratch: Path, batch: int) -> None:
    """Print the lists."""
    folder = scratch / f"profile-{database.name.lower()}"
    with shelf(folder, database.url) as here:
        desk = furnish(2_000)
    app = create_app(Settings.from_env(here.environment))
    server.spare_the_collector()
    try:
        bodies = _bodies(desk, batch)
        send = _sender(app, desk)
        share = len(bodies) // 4
        parts = [bodies[start : start + share] for start in range(0, 4 * share, share)]
        lists: list[str] = []
        with _unheard(folder / "server.log"):
            _all(send, parts[0])
            for measure in (_plain, _statements, _functions):
                lists.append(measure(send, parts[len(lists) + 1], batch, database))
        print(f"\n{database.name}, batches of {batch:,}, in-process, one after the other", *lists, sep="\n\n")
    finally:
        db.disconnect()


def _bodies(desk: Desk, batch: int) -> list[bytes]:
    stream, now = Stream(5), report_time()
    number = 4 * (_ONE_BY_ONE // 2 if batch == 1 else max(1, _EVENTS // batch))
    if batch == 1:
        return [stream.event(desk.few(), now) for _ in range(number)]
    return [stream.batch(desk.few(), now, batch) for _ in range(number)]


def _sender(app: Callable[..., Any], desk: Desk) -> _Send:
    """A function that hands a body to the application as a server would."""

    def send(body: bytes) -> None:
        kind = "cloudevents-batch+json" if body.startswith(b"[") else "cloudevents+json"
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/api/v1/events", "QUERY_STRING": "", "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "HTTP_HOST": "127.0.0.1:8000", "REMOTE_ADDR": "127.0.0.1",
            "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_TYPE": f"application/{kind}", "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {desk.keys[0]}", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }  # fmt: skip
        told: list[str] = []
        answer = app(environ, lambda status, _headers, *_rest: told.append(status))
        content = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if not told[0].startswith("204"):
            raise RuntimeError(f"{told[0]}: {content[:500]!r}")

    return send


def _all(send: _Send, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        send(body)


@contextmanager
def _unheard(log: Path) -> Iterator[None]:
    """What the application writes goes to a file, as in production, and not between the lists."""
    kept = os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _plain(send: _Send, bodies: Sequence[bytes], batch: int, database: Database) -> str:
    """The true cost, and what of it is the garbage collector's."""
    micro = 1e6 / len(bodies) / batch
    collecting = _Collecting()
    base = database.process
    served = processes.cpu_seconds(base) if base else 0.0
    cpu, start = time.process_time(), time.perf_counter()
    with collecting:
        _all(send, bodies)
    wall, own = time.perf_counter() - start, time.process_time() - cpu
    lines = [
        f"{wall * micro:8.1f} µs an event from beginning to end, {1e6 / wall / micro:,.0f} events/s",
        f"{own * micro:8.1f} µs of processor time of this process; {collecting.seconds * micro:.1f} µs in the garbage collector, "
        f"{collecting.number} times, at most {collecting.longest * 1000:.0f} ms",
    ]
    if base:
        lines.append(f"{(processes.cpu_seconds(base) - served) * micro:8.1f} µs of processor time of PostgreSQL")
    return "\n".join(lines)


class _Collecting:
    """Processor time of the garbage collector inside the block."""

    def __init__(self) -> None:
        self.seconds = self.longest = self._started = 0.0
        self.number = 0

    def __enter__(self) -> None:
        gc.callbacks.append(self._told)

    def __exit__(self, *_exception: object) -> None:
        gc.callbacks.remove(self._told)

    def _told(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._started = time.process_time()
            return
        taken = time.process_time() - self._started
        self.seconds, self.longest, self.number = self.seconds + taken, max(self.longest, taken), self.number + 1


def _statements(send: _Send, bodies: Sequence[bytes], batch: int, _database: Database) -> str:
    """What each statement takes, from handing it to the driver until it returns."""
    spent: dict[str, list[float]] = defaultdict(list)

    def before(connection: Any, _cursor: Any, _statement: str, *_rest: Any) -> None:
        connection.info["bench_started"] = time.perf_counter()

    def after(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        spent[" ".join(statement.split())[:100]].append(time.perf_counter() - connection.info["bench_started"])

    commits = _commits(spent)
    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        _all(send, bodies)
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)
        commits()
    micro = 1e6 / len(bodies) / batch
    lines = [
        f"{sum(times) * micro:11.2f}  {len(times) / len(bodies):15.1f}  {statement}"
        for statement, times in sorted(spent.items(), key=lambda item: -sum(item[1]))
    ]
    return "\n".join(["µs an event  calls a request  statement (waiting included)", *lines])


def _commits(spent: dict[str, list[float]]) -> Callable[[], None]:
    """Time commits too; gives the function that ends it."""
    dialect: Any = db.engine().dialect
    kept = dialect.do_commit

    def timed(connection: Any) -> None:
        start = time.perf_counter()
        kept(connection)
        spent["COMMIT"].append(time.perf_counter() - start)

    def end() -> None:
        dialect.do_commit = kept

    dialect.do_commit = timed
    return end


def _functions(send: _Send, bodies: Sequence[bytes], batch: int, _database: Database) -> str:
    watch = cProfile.Profile(time.process_time)
    watch.runcall(_all, send, bodies)
    return "\n\n".join(_listed(watch, column, len(bodies) * batch) for column in (2, 3))


def _listed(watch: cProfile.Profile, column: int, events: int) -> str:
    stats: Any = pstats.Stats(watch)
    lines = [f"µs an event {'in itself' if column == 2 else 'with all it calls'}, calls an event, function (under cProfile)"]
    for (file, line, name), numbers in sorted(stats.stats.items(), key=lambda item: -item[1][column])[:_TOP]:
        place = "/".join(Path(file).parts[-2:])
        lines.append(f"{numbers[column] / events * 1e6:11.2f}  {numbers[1] / events:12.3f}  {place}:{line} {name}")
    return "\n".join(lines)
