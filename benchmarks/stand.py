"""A marketplace being measured: its server, its database, the desk that reports to it, and what all of them use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import load, processes
from benchmarks.databases import Database
from benchmarks.desk import Desk, furnish
from benchmarks.place import serving, shelf
from market.config import ROOT

EVENTS = "/api/v1/events"
_BATCH_TYPE, _ONE_TYPE = "application/cloudevents-batch+json", "application/cloudevents+json"


@dataclass(frozen=True)
class Load:
    """One round: events a second, times of the requests (milliseconds), and processor time an event (microseconds)."""

    rate: float
    times: Sequence[float]
    web: float
    database: float
    #: The part of a core that the load generator used.
    generator: float

    @property
    def busy(self) -> float:
        """Processor time an event of web and database together; hardly moves when the machine is busy."""
        return self.web + self.database


@dataclass(frozen=True)
class Stand:
    """A running marketplace."""

    database: Database
    desk: Desk
    address: str
    process: int
    folder: Path
    environment: dict[str, str]

    def send(self, bodies: Sequence[bytes], *, events: int, connections: int, expect: int = 204) -> Load:
        """Report these bodies, which hold so many events, on so many connections. Raises for any other answer."""
        file = self.folder / "bodies"
        load.write_bodies(file, bodies)
        parts, keys = urlsplit(self.address), self.desk.keys
        task = {
            "host": parts.hostname, "port": parts.port, "path": EVENTS, "files": [str(file)], "expect": expect,
            "type": _BATCH_TYPE if bodies[0].startswith(b"[") else _ONE_TYPE,
            "keys": [keys[number % len(keys)] for number in range(connections)],
        }  # fmt: skip
        command = [sys.executable, "-S", "-m", "benchmarks.load"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as generator:
            assert generator.stdin and generator.stdout
            print(json.dumps(task), file=generator.stdin, flush=True)
            generator.stdout.readline()
            before = self._spent()
            print("go", file=generator.stdin, flush=True)
            answer = generator.stdout.readline()
            web, database = (after - earlier for after, earlier in zip(self._spent(), before, strict=True))
        told = json.loads(answer or '{"error": "the load generator broke off"}')
        if "error" in told:
            raise RuntimeError(told["error"])
        micro = 1_000_000 / events
        return Load(
            events / told["seconds"], told["times"], web * micro, database * micro, told["cpu"] / told["seconds"]
        )

    def megabytes(self) -> float:
        """Memory of the web workers together."""
        return processes.megabytes(processes.children(self.process))

    def _spent(self) -> tuple[float, float]:
        base = self.database.process
        return processes.cpu_seconds(self.process), processes.cpu_seconds(base) if base else 0.0


@contextmanager
def stand(
    database: Database, folder: Path, *, subscriptions: int, more: Callable[[Desk], object] = id, application: str = "wsgi:app"
) -> Iterator[Stand]:
    """Fill the database with the catalogue, live subscriptions and what `more` adds, and serve it as in production."""
    with shelf(folder, database.url) as here:
        desk = furnish(subscriptions)
        more(desk)
    workers = here.settings.web_workers
    with serving(application, folder, here.environment, ready="/healthz", workers=workers) as (address, process):
        yield Stand(database, desk, address, process, folder, here.environment)


@contextmanager
def with_one_process(at: Stand) -> Iterator[Stand]:
    """The same marketplace, served by a single process beside the usual ones."""
    with serving("wsgi:app", at.folder, at.environment, ready="/healthz", workers=1) as (address, process):
        yield replace(at, address=address, process=process)
