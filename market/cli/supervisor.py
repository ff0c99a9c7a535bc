"""Keeps child processes running until told to stop, then stops them all."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

import click

from market import outgoing
from market.config import ROOT

_POLL_SECONDS = 0.2
#: A busy machine is slow, not wrong; what has ended is noticed at once.
_READY_SECONDS = 180.0
_STOP_SECONDS = 25.0
#: A child that ends by itself sooner than this is given up on when it does so repeatedly; being killed
#: from outside says nothing against it.
_SETTLED_SECONDS = 5.0
_GIVE_UP_AFTER = 5
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Stopped(Exception):
    """SIGTERM or Ctrl-C has arrived."""


@dataclass
class Child:
    """One process to keep alive. `health` is an address that answers 200 when it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    health: str | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0

    def start(self) -> None:
        """Start it in this process's group of children, with its own environment on top of ours."""
        self.process = subprocess.Popen(
            self.command, env={**os.environ, **self.environment}, cwd=ROOT, preexec_fn=_end_with_parent
        )
        self.started = time.monotonic()

    @property
    def dead(self) -> bool:
        """Whether it was started and has ended."""
        return self.process is not None and self.process.poll() is not None

    def healthy(self) -> bool:
        """Whether it answers; a child without an address counts as ready once it runs."""
        if self.health is None:
            return not self.dead
        return outgoing.answers(self.health, timeout=2)


def _end_with_parent() -> None:
    """Runs in the child: a parent killed so suddenly that it stops nobody must not leave the port taken.

    Only Linux can say so; elsewhere the next start names the port that is taken.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(children: Sequence[Child], *, ready: Callable[[], None]) -> None:
    """Run the children until a signal; start again what dies; call `ready` once all answer."""
    _heed(_stop)
    try:
        for child in children:
            child.start()
        _await_ready(children)
        ready()
        while True:
            time.sleep(_POLL_SECONDS)
            for child in children:
                _revive(child)
    except Stopped:
        click.echo("\nStopping …", err=True)
    finally:
        _end(children)
        # Python gives signals back to the system when it ends, and a late Ctrl-C would end it as if by accident.
        _heed(signal.SIG_IGN)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """The first signal ends it; it often comes twice, from the terminal and from make."""
    _heed(_go_on)
    raise Stopped


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """What a further signal does. Not SIG_IGN: Python complains of one that had already arrived by then."""


def _heed(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def _await_ready(children: Sequence[Child]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    waiting = list(children)
    while waiting:
        for child in waiting:
            _revive(child)
        waiting = [child for child in waiting if not child.healthy()]
        if time.monotonic() > deadline:
            raise click.ClickException(f"{waiting[0].name} did not become ready in {_READY_SECONDS:.0f} s.")
        time.sleep(_POLL_SECONDS)


def _revive(child: Child) -> None:
    if not child.dead or child.process is None:
        return
    quick = child.process.returncode >= 0 and time.monotonic() - child.started < _SETTLED_SECONDS
    child.quick_deaths = child.quick_deaths + 1 if quick else 0
    if child.quick_deaths >= _GIVE_UP_AFTER:
        raise click.ClickException(
            f"{child.name} ended {_GIVE_UP_AFTER} times in a row (exit code {child.process.returncode})."
        )
    click.echo(f"{child.name} ended (exit code {child.process.returncode}); starting it again", err=True)
    child.start()


def _end(children: Sequence[Child]) -> None:
    """Ask politely, wait, then insist."""
    _heed(_go_on)
    running = [child.process for child in children if child.process and not child.dead]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
