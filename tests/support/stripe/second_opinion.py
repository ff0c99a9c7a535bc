"""localstripe on a port of this machine: somebody else's idea of what Stripe answers.

It is a tool for development under the GPL and runs in a process of its own. Its own command would listen on every
address and keep what it holds in a file; here it does neither.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from examples import ports

_PROGRAM = """
import sys

from aiohttp import web
from localstripe import resources, server

resources.store.dump_to_disk = lambda: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""
_PATIENCE = 45


@contextmanager
def localstripe() -> Iterator[str]:
    """Its address, until the end."""
    port = ports.claim()
    running = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(port)])
    try:
        _wait_for(port, running)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(_PATIENCE)


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and running.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("localstripe did not start")
