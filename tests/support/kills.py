"""Servers and databases that are killed at random moments, and clients that send again until they are heard.

All of it is plain HTTP: `verify=False` spares reading the certificates for each call, which takes longer than the call.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psycopg
from sqlalchemy import make_url

from examples import ports
from market.config import ROOT, Settings
from tests.support import gunicorn
from tests.support.commands import Running

PATIENCE_SECONDS = 90.0
EVENTS = "/api/v1/events"
BATCH = "application/cloudevents-batch+json"
_TOOL = str(ROOT / ".ci" / "postgres")


@contextmanager
def own_postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL that may be crashed; what it has committed is on disk."""
    started = subprocess.run([_TOOL, "start", str(folder), "durable"], capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    try:
        yield started.stdout.strip()
    finally:
        subprocess.run([_TOOL, "stop", str(folder)], check=True)


class Database:
    """What is behind the servers; a file cannot be killed."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self.url, self.folder = url, folder

    def crash(self) -> None:
        """End PostgreSQL without a word to anybody, and start it again."""
        subprocess.run([_TOOL, "crash", str(self.folder)], check=True, capture_output=True)

    def kill_backend(self, chance: random.Random) -> None:
        """Kill the process of one connection; PostgreSQL then ends all others and recovers."""
        plain = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True, connect_timeout=10) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
            pids = [pid for (pid,) in connection.execute(query)]
        if pids:
            os.kill(chance.choice(pids), signal.SIGKILL)


class Server:
    """One web server as it is run in earnest, on a host of its own as far as it knows."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.port = settings, ports.claim()
        self.address = f"http://127.0.0.1:{self.port}"
        self.running: Running | None = None

    def start(self) -> None:
        self.running = gunicorn.begun(self.settings, "127.0.0.1", self.port, "--workers", 1, "--threads", 4)

    def kill(self) -> None:
        """End it with everything it has started, in the middle of whatever it does."""
        if self.running is not None:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def until_healthy(self) -> None:
        said = self.running.err if self.running else None
        assert gunicorn.healthy(self.address, PATIENCE_SECONDS), f"the server did not become healthy: {said and said.read_text()[-3000:]}"


@contextmanager
def servers(settings: Settings, number: int) -> Iterator[list[Server]]:
    """Independent servers on one database, all answering."""
    made = [Server(settings) for _ in range(number)]
    try:
        for each in made:
            each.start()
        for each in made:
            each.until_healthy()
        yield made
    finally:
        for each in made:
            each.kill()


class Ruin:
    """Kills something every now and then."""

    def __init__(self, seed: int, running: list[Server], database: Database) -> None:
        self.chance, self.running, self.database = random.Random(seed), running, database
        self.done: Counter[str] = Counter()

    def go(self, kills: int, pause: float, heard: Callable[[], int]) -> None:
        """So many kills; a server is started again at once, and comes back when it comes.

        Between two of them somebody is `heard`: on a slow machine nothing else would ever be acknowledged.
        """
        for number in range(kills):
            before, deadline = heard(), time.monotonic() + PATIENCE_SECONDS
            while heard() == before and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(self.chance.uniform(0, 2 * pause))
            what = self._kinds()[number % len(self._kinds())]
            what()
            self.done[what.__name__.strip("_")] += 1

    def _kinds(self) -> list[Callable[[], None]]:
        if self.database.folder is None:
            return [self._server]
        return [self._server, self._backend, self._crash]

    def _server(self) -> None:
        victim = self.chance.choice(self.running)
        # One of them always comes back before the next one dies, so that clients get on.
        victim.kill()
        victim.start()
        if self.chance.random() < 0.7:
            victim.until_healthy()

    def _backend(self) -> None:
        self.database.kill_backend(self.chance)

    def _crash(self) -> None:
        self.database.crash()


class Sender:
    """A program that reports usage: sends each batch until it is told what became of it."""

    def __init__(self, running: list[Server], secret: str, seed: int) -> None:
        self.running, self.chance = running, random.Random(seed)
        self.headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json", "Content-Type": BATCH}
        self.tries = self.heard = 0
        #: How often each id was told to be new, and what else was said.
        self.accepted: Counter[str] = Counter()
        self.known: set[str] = set()
        self.others: list[dict[str, Any]] = []

    def send(self, body: bytes) -> None:
        """Returns when the batch has been acknowledged."""
        deadline = time.monotonic() + 4 * PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.tries += 1
            url = f"{self.chance.choice(self.running).address}{EVENTS}"
            try:
                answer = httpx.post(url, content=body, headers=self.headers, timeout=20, trust_env=False, verify=False)
            except httpx.HTTPError:
                time.sleep(self.chance.uniform(0.01, 0.1))
                continue
            if answer.status_code == 200:
                self._hear(answer.json()["events"])
                return
            assert answer.status_code >= 500, answer.text
            time.sleep(self.chance.uniform(0.01, 0.1))
        raise AssertionError("a batch was not acknowledged")

    def _hear(self, verdicts: list[dict[str, Any]]) -> None:
        self.heard += 1
        for verdict in verdicts:
            if verdict["status"] == "accepted":
                self.accepted[verdict["id"]] += 1
            elif verdict["status"] == "duplicate":
                self.known.add(verdict["id"])
            else:
                self.others.append(verdict)


def pairs(senders: list[Sender], batch: Callable[[int, int], bytes], stop: Event, rest: float = 0) -> int:
    """Two senders report each batch at the same moment and `rest`, until it is enough; how many batches there were."""

    def pair(number: int, pool: ThreadPoolExecutor) -> int:
        turn = 0
        while not stop.is_set() or turn < 2:
            body = batch(number, turn)
            for sent in [pool.submit(each.send, body) for each in senders[2 * number : 2 * number + 2]]:
                sent.result()
            turn += 1
            stop.wait(rest)
        return turn

    count = len(senders) // 2
    with ThreadPoolExecutor(count) as outer, ThreadPoolExecutor(2 * count) as inner:
        return sum(each.result() for each in [outer.submit(pair, number, inner) for number in range(count)])
