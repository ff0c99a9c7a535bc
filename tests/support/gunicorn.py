"""The marketplace as it is really served: several processes, several threads, one database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from examples import ports
from market.config import ROOT, Settings

PATIENCE_SECONDS = 120.0


@contextmanager
def workers(settings: Settings, number: int, **more: str) -> Iterator[str]:
    """`number` processes on a free port of every loopback address; gives the address of the first."""
    port = ports.claim()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ, "MARKET_DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url,
        "MARKET_SECRET_KEY": settings.secret_key, "MARKET_BASE_URL": address, "MARKET_LOG_FORMAT": "json", **more,
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--config", "python:market.server", "--bind", f"0.0.0.0:{port}"]
    command += ["--workers", str(number), "--threads", "4", "--keep-alive", "75"]
    with (settings.data_dir / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _until_healthy(f"{address}/healthz", server)
            yield address
        finally:
            server.terminate()
            server.wait(PATIENCE_SECONDS)


def _until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended at once: see server.log"
        try:
            if httpx.get(address, timeout=5, trust_env=False, verify=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server did not become healthy")
