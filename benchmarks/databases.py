"""Where a benchmark's databases come from: a file, and a PostgreSQL whose commits are on disk when they return."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from market.config import ROOT

#: Kept in memory: what is "durable" there is not.
_IN_MEMORY = ("tmpfs", "ramfs")
_GIGABYTE = 1024**3
_TOOL = str(ROOT / ".ci" / "postgres")


class NoRoom(Exception):
    """The benchmark would fill the disk."""


@dataclass(frozen=True)
class Database:
    """An empty database of the benchmark's own. `server` is the folder of a server that was started for it."""

    name: str
    url: str
    #: Where more databases can be made.
    admin: str = field(default="", repr=False)
    server: Path | None = field(default=None, repr=False)

    @property
    def plain(self) -> str:
        """The address as psycopg takes it."""
        return self.url.replace("postgresql+psycopg", "postgresql")

    @property
    def process(self) -> int | None:
        """The server's first process, when it is one of ours."""
        if self.server is None:
            return None
        return int((self.server / "data" / "postmaster.pid").read_text().split("\n", 1)[0])


@contextmanager
def folder(*, room: float = 0) -> Iterator[Path]:
    """A folder on a real disk with `room` gigabytes to spare; gone afterwards. Raises NoRoom."""
    place = next((each for each in _candidates() if not _in_memory(each)), None)
    if place is None:
        place = Path(tempfile.gettempdir())
        say(f"{place} is in memory, and there is no other folder to write to: commits are not as slow as on a disk.")
    free = shutil.disk_usage(place).free / _GIGABYTE
    if free < room + 1:
        raise NoRoom(f"{place} has {free:.1f} GB free; this needs up to {room:.0f} GB and leaves 1. Set TMPDIR to another disk.")
    with tempfile.TemporaryDirectory(prefix="market-bench-", dir=place) as made:
        # PostgreSQL runs as another user, who has to get at its own folder in here.
        Path(made).chmod(0o711)
        yield Path(made)


@contextmanager
def postgresql(scratch: Path, given: str = "", *, durable: bool = True) -> Iterator[Database | None]:
    """A fresh database on the server `given`, or on one started for it; None where PostgreSQL is not installed.

    A given server that does not sync its commits is left alone: it would make the figures too good.
    """
    given = given or os.environ.get("TEST_DATABASE_URL", "")
    if given and (not durable or _is_durable(given)):
        yield from _database(given, None)
    elif not glob("/usr/lib/postgresql/*/bin/initdb"):
        say("No PostgreSQL: only SQLite is measured. On Debian: apt install postgresql")
        yield None
    else:
        home = scratch / "postgres"
        command = [_TOOL, "start", str(home), *(["durable"] if durable else [])]
        started = subprocess.run(command, capture_output=True, text=True, check=False)
        if started.returncode:
            raise RuntimeError(started.stderr)
        try:
            yield from _database(started.stdout.strip(), home)
        finally:
            subprocess.run([_TOOL, "stop", str(home)], check=True)


@contextmanager
def another(like: Database, folder: Path) -> Iterator[Database]:
    """One more of the same kind: on the same server, or in a file in `folder`."""
    if like.admin:
        yield from _database(like.admin, like.server)
    else:
        yield sqlite(folder)


def sqlite(folder: Path) -> Database:
    """A database in a file."""
    folder.mkdir(exist_ok=True)
    return Database("SQLite", f"sqlite:///{folder / 'market.db'}")


def _database(server: str, home: Path | None) -> Iterator[Database]:
    name = f"market_bench_{os.getpid()}_{time.time_ns() % 10**9}"
    admin = Database("", server).plain
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        url = make_url(server).set(database=name, drivername="postgresql+psycopg")
        yield Database("PostgreSQL", url.render_as_string(hide_password=False), server, home)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _is_durable(url: str) -> bool:
    settings = ("fsync", "synchronous_commit", "full_page_writes")
    with psycopg.connect(Database("", url).plain) as connection:
        off = [each for each in settings if connection.execute(f"SHOW {each}").fetchone() == ("off",)]
    if off:
        say(f"The PostgreSQL given runs with {', '.join(off)} off. A server of our own is started instead.")
    return not off


def say(sentence: str) -> None:
    """Something that whoever reads the figures must know."""
    print(f"\n!! {sentence}\n", file=sys.stderr)


def _candidates() -> list[Path]:
    places = [Path(tempfile.gettempdir()), Path("/var/tmp"), ROOT / "var"]  # noqa: S108  # a folder of its own is made there
    return [each for each in places if each.is_dir() and os.access(each, os.W_OK)]


def _in_memory(path: Path) -> bool:
    """Whether the file system that holds `path` is memory, as far as the system tells."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except FileNotFoundError:
        return False
    holding = [mount for mount in mounts if path.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2] in _IN_MEMORY
