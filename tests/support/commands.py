"""`market …` as an operator types it, its server, or a few lines of Python, in a process of its own that need not load the product first.

Loading it takes one to two seconds, most of what a command takes. One process for each test worker does it once and splits in
two for each command: environment, output, exit code, group of processes and everything else belong to the command
alone. That a fresh interpreter does the same is proved by whatever starts `market run`, and what that starts.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from market.config import ROOT

_PROGRAM = "from tests.support.commands import serve; serve()"
_GUNICORN = "from gunicorn.app.wsgiapp import run; run()"
#: One order at a time.
_TURN = threading.Lock()


class Running:
    """A process that has begun; more of them may run at the same time. Each is waited for."""

    def __init__(
        self, arguments: list[str], *, program: str = "", load: Sequence[str] = (), timeout: float = 150, **environment: str
    ) -> None:
        self.arguments, self.folder = arguments, tempfile.TemporaryDirectory()
        self.out, self.err = Path(self.folder.name, "out"), Path(self.folder.name, "err")
        order = {
            "arguments": arguments, "program": program, "environment": {**os.environ, **environment}, "out": str(self.out),
            "err": str(self.err), "timeout": timeout, "load": load,
        }  # fmt: skip
        self.pid = _ask(order)
        self.ended: subprocess.CompletedProcess[str] | None = None

    def said(self) -> str:
        """What it has printed so far."""
        return self.out.read_text() if self.out.exists() else ""

    def wait(self) -> subprocess.CompletedProcess[str]:
        """How it ended; one that hangs is ended."""
        if self.ended is None:
            code = _ask({"wait": self.pid})
            with self.folder:
                self.ended = subprocess.CompletedProcess(self.arguments, code, self.out.read_text(), self.err.read_text())
        return self.ended


def market(*arguments: object, timeout: float = 150, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it with these variables beside those of the tests; a command that hangs is ended."""
    return begun(*arguments, timeout=timeout, **environment).wait()


def begun(*arguments: object, timeout: float = 150, **environment: str) -> Running:
    """The same, begun and not yet waited for."""
    return Running(["market", *map(str, arguments)], timeout=timeout, **environment)


def gunicorn(*arguments: object, timeout: float = 900, **environment: str) -> Running:
    """`gunicorn …`, begun and not yet waited for."""
    load = ("gunicorn.app.wsgiapp", "market.app", "market.server")
    return Running(["gunicorn", *map(str, arguments)], program=_GUNICORN, load=load, timeout=timeout, **environment)


def python(program: str, *arguments: object, timeout: float = 150, **environment: str) -> Running:
    """`python -c PROGRAM …`, begun and not yet waited for."""
    return Running(["-c", *map(str, arguments)], program=program, timeout=timeout, **environment)


def ready(begun: list[Running]) -> None:
    """All of them have said that they are."""
    deadline = time.monotonic() + 90
    while not all("ready" in each.said() for each in begun):
        assert time.monotonic() < deadline, [each.err.read_text() for each in begun]
        time.sleep(0.01)


def _ask(order: dict[str, Any]) -> int:
    loaded = _loaded()
    assert loaded.stdin and loaded.stdout
    with _TURN:
        loaded.stdin.write(json.dumps(order) + "\n")
        loaded.stdin.flush()
        return int(loaded.stdout.readline())


@cache
def _loaded() -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(_end, started)
    return started


def _end(started: subprocess.Popen[str]) -> None:
    assert started.stdin and started.stdout
    started.stdin.close()
    started.wait()
    started.stdout.close()


def serve() -> None:
    """Answer each order on standard input: the number of the process that was begun, or the exit code of one."""
    from market.cli import main  # noqa: PLC0415  # the tests themselves need not load it

    assert callable(main)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            print(os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1]), flush=True)
            continue
        for name in order["load"]:
            import_module(name)
        child = os.fork()
        # Both say so: whoever ends the group need not wait for it to come about.
        with suppress(OSError):
            os.setpgid(child, child)
        if child == 0:
            _be(order)
        print(child, flush=True)


def _be(order: dict[str, Any]) -> None:
    """The command, from here to the end of this process."""
    from market.cli import main  # noqa: PLC0415  # loaded before the split

    code = 1
    try:
        os.environ.clear()
        os.environ.update(order["environment"])
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, file in ((1, order["out"]), (2, order["err"])):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
        os.dup2(nothing, 0)
        signal.alarm(int(order["timeout"]))
        sys.argv = order["arguments"]
        if order["program"]:
            exec(order["program"], {"__name__": "__main__"})  # noqa: S102  # the test's own lines
        else:
            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
