"""A marketplace of one's own: server, worker and example provider with a clock that only we move."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from examples import ports

ROOT = Path(__file__).resolve().parent.parent.parent
#: httpx would read them again for each call.
CERTIFICATES = httpx.create_ssl_context(trust_env=False)
_START_SECONDS = 240.0
#: How long it takes to start on two idle cores.
_USUAL_START_SECONDS = 8.0
_STOP_SECONDS = 90.0


@dataclass
class World:
    """One running marketplace. `demo` is what it says about itself in demo.json, `started_in` is in seconds."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    demo: dict[str, Any] = field(default_factory=dict)
    started_in: float = 0.0

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def now(self) -> datetime:
        """The world's time."""
        return datetime.fromisoformat((self.folder / "clock").read_text())

    def move_to(self, at: datetime) -> None:
        """Move the world's time; it stands still in between."""
        draft = self.folder / "clock.tour"
        draft.write_text(at.isoformat())
        draft.replace(self.folder / "clock")

    def advance(self, seconds: float) -> datetime:
        """Let this much time pass; returns the new time."""
        at = self.now() + timedelta(seconds=seconds)
        self.move_to(at)
        return at

    def parts(self) -> list[int]:
        """The processes of server, worker and provider."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def require_running(self) -> None:
        """Raise RuntimeError when what keeps the parts running has ended itself: nothing will answer any more."""
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"The marketplace has ended (exit code {code}).")

    def stop(self) -> int:
        """Stop everything it started; returns the exit code."""
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)


@contextmanager
def running(
    folder: Path, *, start: datetime, environment: Mapping[str, str] | None = None
) -> Iterator[World]:
    """A world whose time begins at `start`; it is gone afterwards, its data stays in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clock").write_text(start.isoformat())
    port = ports.claim(2)  # the example provider takes the one after the server's
    log = (folder / "tour.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "market.cli", "run"],
        cwd=ROOT,
        stdout=log,
        stderr=log,
        env={
            **os.environ,
            "MARKET_DATA_DIR": str(folder),
            "MARKET_TEST_CLOCK": "1",
            "MARKET_DEMO": "1",
            "MARKET_DEMO_MONTHS": "0",
            "PORT": str(port),
            **(environment or {}),
        },
    )
    world = World(folder, port, process)
    try:
        _await(world)
        yield world
    finally:
        if process.poll() is None:
            world.stop()
        log.close()


def _await(world: World) -> None:
    begun = time.monotonic()
    while time.monotonic() < begun + _START_SECONDS:
        world.require_running()
        if _answers(world):
            world.demo = json.loads((world.folder / "demo.json").read_text())
            world.started_in = time.monotonic() - begun
            return
        time.sleep(0.2)
        world.advance(1)
    raise RuntimeError(f"It was not ready after {_START_SECONDS:.0f} s: see {world.folder / 'tour.log'}")


def _answers(world: World) -> bool:
    try:
        return httpx.get(f"{world.address}/healthz", trust_env=False, verify=CERTIFICATES).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def trouble(world: World, *, seed: int, every: tuple[float, float]) -> Iterator[list[int]]:
    """Kill server, worker or provider with -9, soon and then again `every` so many seconds; gives the kills.

    On a machine on which starting takes longer the seconds are longer too, or nothing would ever come up again.
    """
    kills: list[int] = []
    over = threading.Event()
    dice = random.Random(seed)  # noqa: S311  # a seed makes a run repeatable
    slowness = max(1.0, world.started_in / _USUAL_START_SECONDS)

    def kill() -> None:
        pause = 1.0
        while not over.wait(pause):
            pause = slowness * dice.uniform(*every)
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended by itself
                if parts := world.parts():
                    victim = dice.choice(parts)
                    os.kill(victim, signal.SIGKILL)
                    kills.append(victim)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield kills
    finally:
        over.set()
        thread.join()
