"""A throw-away marketplace: sample world, any number of listings, served as in production."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url
from tqdm import tqdm

from benchmarks import processes
from benchmarks.client import Client, WrongAnswer
from examples import ports
from market import audit, db, demo, ledger, notifications, resources, schema, search
from market.catalog import generator
from market.catalog import seed as catalog_seed
from market.config import ROOT, Settings
from market.kit.period import local_day
from market.web import logs

_START_SECONDS = 180.0

#: What every shelf on SQLite begins as: loading the catalogue takes seconds, and some benchmarks fill several.
_stock: dict[str, bytes] = {}


@dataclass(frozen=True)
class Place:
    """The marketplace's folder and settings; this process is connected to its database."""

    folder: Path
    environment: dict[str, str]
    settings: Settings

    def fill(self, listings: int) -> None:
        """Have this many made-up listings, all of them in the index."""
        steps = generator.generate(listings=listings, organizations=0, seed=1, at=resources.clock.now())
        with bar("listings", listings, "") as shown:
            for made in steps:
                shown.update(made)
        with bar("index", None, "") as shown:
            for _ in search.rebuild():
                shown.update()
        with db.transaction(readonly=True):
            search.warm(local_day(resources.clock.now()))


@contextmanager
def place(*, months: int = 2) -> Iterator[Place]:
    """A fresh marketplace whose sample firms have `months` past months behind them; gone afterwards.

    Always on SQLite in a folder of its own: an address in DATABASE_URL may hold real data.
    """
    with tempfile.TemporaryDirectory(prefix="market-bench-") as scratch:
        environment = {
            "MARKET_DATA_DIR": scratch, "MARKET_DEMO": "1", "MARKET_DEMO_MONTHS": str(months), "PORT": str(ports.claim()),
        }  # fmt: skip
        settings = Settings.from_env(environment)
        logs.configure()
        resources.install(settings)
        db.connect(settings.database_url)
        try:
            ledger.listen()
            search.listen()
            notifications.listen()
            schema.upgrade()
            demo.prepare(settings)
            yield Place(Path(scratch), environment, settings)
        finally:
            db.disconnect()


@contextmanager
def shelf(folder: Path, url: str) -> Iterator[Place]:
    """A marketplace in a database and a folder of its own with the catalogue and nobody in it, open while it is furnished."""
    folder.mkdir(parents=True, exist_ok=True)
    file = make_url(url).database if url.startswith("sqlite") else None
    if file and _stock:
        _unpack(Path(file), folder)
    environment = {"MARKET_DATA_DIR": str(folder), "DATABASE_URL": url, "PORT": str(ports.claim())}
    settings = Settings.from_env(environment)
    logs.configure()
    resources.install(settings)
    db.connect(settings.database_url)
    ledger.listen()
    try:
        if not (file and _stock):
            _load()
            if file:
                db.disconnect()
                _pack(Path(file), folder)
                db.connect(settings.database_url)
        yield Place(folder, environment, settings)
    finally:
        db.disconnect()


def _load() -> None:
    schema.upgrade()
    with db.transaction():
        at = resources.clock.now() - timedelta(days=90)
        catalog_seed.load(ROOT / "catalog_seed", by=audit.system("bench"), at=at)


def _pack(database: Path, folder: Path) -> None:
    """Keep the closed database, and the key that what is secret in it was written with."""
    assert not database.with_name(f"{database.name}-wal").exists(), "not all of it is in the file yet"
    _stock.update({"database": database.read_bytes(), "secret_key": (folder / "secret_key").read_bytes()})


def _unpack(database: Path, folder: Path) -> None:
    database.write_bytes(_stock["database"])
    key = folder / "secret_key"
    key.touch(mode=0o600)
    key.write_bytes(_stock["secret_key"])


def command(application: str, port: int, workers: int) -> list[str]:
    """The server as `market run` starts it."""
    return [
        sys.executable, "-m", "gunicorn", application,
        "--config", "python:market.server",
        "--bind", f"127.0.0.1:{port}",
        "--workers", str(workers),
        "--threads", str(Settings.web_threads),
    ]  # fmt: skip


@contextmanager
def served(application: str, folder: Path, environment: dict[str, str], *, ready: str = "/") -> Iterator[str]:
    """The application behind gunicorn on a port of its own; gives its address."""
    with serving(application, folder, environment, ready=ready) as (address, _process):
        yield address


@contextmanager
def serving(
    application: str, folder: Path, environment: dict[str, str], *, ready: str = "/", workers: int = Settings.web_workers
) -> Iterator[tuple[str, int]]:
    """The same, with the number of the server's first process."""
    port = ports.claim()
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MARKET_", "DATABASE_"))
    }
    with (folder / f"{application.partition(':')[0]}.log").open("a+b") as log:
        process = subprocess.Popen(
            command(application, port, workers), cwd=ROOT, env={**kept, **environment}, stdout=log, stderr=log,
            preexec_fn=processes.end_with_parent,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            if not _comes_up(address, ready, process):
                log.seek(0)
                raise RuntimeError(f"{application} did not come up:\n{log.read()[-3000:].decode()}")
            yield address, process.pid
        except WrongAnswer:
            log.seek(0)
            print(log.read()[-5000:].decode(), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(30)


def _comes_up(address: str, path: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            Client(address).get(path)
            return True
        time.sleep(0.1)
    return False


def bar(what: str, total: int | None, unit: str) -> tqdm:
    """A progress bar on standard error, silent where nobody watches."""
    return tqdm(desc=what, total=total, unit=unit, disable=None, dynamic_ncols=True, leave=False)
