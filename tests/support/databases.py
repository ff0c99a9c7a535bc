"""A fresh, migrated database for every test, on SQLite or PostgreSQL.

Each worker migrates one template; a test gets a copy of it (a few milliseconds on SQLite, about 40 on PostgreSQL),
so tests may commit, start servers and run in any order. Addresses are used again, so that the engine behind an
address need not compile every statement anew for each test.
"""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy import NullPool, create_engine, make_url, text

Migrate = Callable[[str], object]


class Numbers:
    """Hands out the lowest number that is not in use."""

    def __init__(self) -> None:
        self.free = [1]

    def take(self) -> int:
        number = heapq.heappop(self.free)
        if not self.free:
            self.free = [number + 1]
        return number

    def give_back(self, number: int) -> None:
        heapq.heappush(self.free, number)


class Room(Protocol):
    """Where databases of one kind come from."""

    def fresh(self) -> str:
        """The address of a new migrated database."""

    def drop(self, url: str) -> None:
        """Remove a database; its connections are closed."""

    def close(self) -> None:
        """Remove the template."""


class SqliteRoom:
    """Copies of one file."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self.folder = folder
        self.template = folder / "template.db"
        self.numbers = Numbers()
        folder.mkdir(parents=True, exist_ok=True)
        migrate(f"sqlite:///{self.template}")
        for extra in folder.glob("template.db-*"):
            if extra.stat().st_size:
                raise RuntimeError(f"{extra.name} is not empty: the migration left its connection open")

    def fresh(self) -> str:
        path = self.folder / f"{self.numbers.take()}.db"
        shutil.copyfile(self.template, path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        path = Path(make_url(url).database or "")
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            file.unlink(missing_ok=True)
        self.numbers.give_back(int(path.stem))

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresRoom:
    """Databases made from a template on the server of `TEST_DATABASE_URL`."""

    def __init__(self, server_url: str, migrate: Migrate) -> None:
        self.url = make_url(server_url)
        self.engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self.prefix = f"market_test_{os.getpid()}"
        self.numbers = Numbers()
        self.kept = ""
        self._run(f"DROP DATABASE IF EXISTS {self.prefix} WITH (FORCE)", f"CREATE DATABASE {self.prefix}")
        migrate(self._address(self.prefix))

    def fresh(self) -> str:
        name = f"{self.prefix}_{self.numbers.take()}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self.prefix} STRATEGY FILE_COPY")
        return self._address(name)

    def standing(self) -> str:
        """A database for tests that commit nothing: the same one again and again."""
        self.kept = self.kept or self.fresh()
        return self.kept

    def clean(self) -> bool:
        """Whether nothing was ever committed there; if something was, the next test gets another one."""
        with create_engine(self.kept, poolclass=NullPool).connect() as connection:
            rows = "EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM organizations) OR EXISTS (SELECT FROM cities)"
            soiled = connection.scalar(text(f"SELECT {rows}"))
        if soiled:
            self.drop(self.kept)
            self.kept = ""
        return not soiled

    def drop(self, url: str) -> None:
        name = str(make_url(url).database)
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.numbers.give_back(int(name.rpartition("_")[2]))

    def close(self) -> None:
        if self.kept:
            self.drop(self.kept)
        self._run(f"DROP DATABASE IF EXISTS {self.prefix} WITH (FORCE)")
        self.engine.dispose()

    def _run(self, *statements: str) -> None:
        with self.engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def _address(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)
