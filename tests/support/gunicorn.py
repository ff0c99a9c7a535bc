"""The marketplace as it is really served: several processes, several threads, one database."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from examples import ports
from market.config import Settings
from tests.support import commands

PATIENCE_SECONDS = 120.0


def begun(settings: Settings, bind: str, port: int, *options: object, **more: str) -> commands.Running:
    """The server with `market run`'s settings, on its way up."""
    environment = {
        "MARKET_DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
        "MARKET_SECRET_KEY": settings.secret_key, "MARKET_BASE_URL": f"http://127.0.0.1:{port}", "MARKET_LOG_FORMAT": "json", **more,
    }  # fmt: skip
    return commands.gunicorn("wsgi:app", "--config", "python:market.server", "--bind", f"{bind}:{port}", *options, **environment)


@contextmanager
def workers(settings: Settings, number: int, **more: str) -> Iterator[str]:
    """`number` processes on a free port of every loopback address; gives the address of the first."""
    port = ports.claim()
    address = f"http://127.0.0.1:{port}"
    server = begun(settings, "0.0.0.0", port, "--workers", number, "--threads", 4, "--keep-alive", 75, **more)
    try:
        assert healthy(address, PATIENCE_SECONDS), server.err.read_text()[-3000:]
        yield address
    finally:
        os.kill(server.pid, signal.SIGTERM)
        server.wait()


def healthy(address: str, patience: float) -> bool:
    """Whether it answers before the patience ends."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/healthz", timeout=5, trust_env=False, verify=False).status_code == 200:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    return False
