"""`market …` as an operator types it, in a process of its own that need not load the product first.

Loading it takes two seconds, most of what a command takes. One process for each test worker does it once and splits in
two for each command: environment, output, exit code and everything else belong to the command alone. That a fresh
interpreter does the same is proved by whatever starts `market run`, workers and servers.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from market.config import ROOT

_PROGRAM = "from tests.support.commands import serve; serve()"


def market(*arguments: object, timeout: float = 150, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it with these variables beside those of the tests; a command that hangs is ended."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        told = [str(argument) for argument in arguments]
        order = {
            "arguments": told, "environment": {**os.environ, **environment}, "out": str(out), "err": str(err), "timeout": timeout,
        }  # fmt: skip
        loaded = _loaded()
        assert loaded.stdin and loaded.stdout
        loaded.stdin.write(json.dumps(order) + "\n")
        loaded.stdin.flush()
        code = int(loaded.stdout.readline())
        return subprocess.CompletedProcess(["market", *told], code, out.read_text(), err.read_text())


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
    """Answer each order on standard input with the exit code of its command."""
    from market.cli import main  # noqa: PLC0415  # the tests themselves need not load it

    assert callable(main)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _be(order)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


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
        sys.argv = ["market", *order["arguments"]]
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
