"""Keeping processes running: what is killed comes back, what cannot start is given up on, and one word stops all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import commands

PROGRAM = """
from market.cli.supervisor import Child, supervise
supervise([Child("sleeper", {command!r})], ready=lambda: print("ready", flush=True))
"""


@contextmanager
def supervised(*command: str) -> Iterator[commands.Running]:
    process = commands.python(PROGRAM.format(command=list(command)))
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def children(process: commands.Running) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def running(pid: int) -> bool:
    """Whether there is such a process; one that only waits to be collected has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return so()


def test_both_signals_at_once_stop_everything_without_a_traceback() -> None:
    with supervised("sleep", "60") as process:
        commands.ready([process])
        (child,) = children(process)
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGINT)
        ended = process.wait()
    assert ended.returncode == 0 and "Stopping" in ended.stderr and "Traceback" not in ended.stderr
    assert not running(child)


def test_what_is_killed_is_started_again() -> None:
    with supervised("sleep", "60") as process:
        commands.ready([process])
        (first,) = children(process)
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: children(process) not in ([], [first]))


def test_a_supervisor_that_is_killed_takes_what_it_started_with_it() -> None:
    with supervised("sleep", "60") as process:
        commands.ready([process])
        (child,) = children(process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert eventually(lambda: not running(child))


def test_what_ends_by_itself_again_and_again_is_given_up_on_in_words() -> None:
    with supervised("false") as process:
        ended = process.wait()
    assert ended.returncode != 0 and "sleeper ended 5 times in a row" in ended.stderr
