"""A fresh, migrated database for every test, on SQLite or PostgreSQL.

One template is migrated for the whole run; a test gets a copy of it, so tests may commit, start servers and run in any order.
It is one that another test has left, emptied: on SQLite by cutting its log off, on PostgreSQL by deleting the rows. Where
that cannot give back what the template is, it goes and the next test gets a new copy. Addresses are used again, so that the
engine behind an address need not compile every statement anew for each test; nor need its connections be made anew and
learn all tables again, which costs more than most tests ask of them.
"""

from __future__ import annotations

import gc
import heapq
import json
import os
import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Engine, create_engine, make_url, text

from market import db
from tests.support.logs import Logged
from tests.support.shared import once

Migrate = Callable[[str], object]

#: All others but those that rest in the test's own pool.
_ALONE = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL(%s)"""
#: Tables that rows were ever added to since they were last vacuumed, committed or not.
_USED = """
    SELECT oid::regclass::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0"""
#: Without triggers and foreign keys, which would look at every row; the numbers begin at one again.
_EMPTY = """
    BEGIN;
    SET LOCAL session_replication_role = replica;
    {deletes}
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
    COMMIT"""
#: What there is besides rows: tables, columns, checks and keys, triggers and their functions; PostgreSQL's own numbers end at 16,383.
_SHAPE = """
    SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_attribute WHERE attrelid > 16383 AND attnum > 0 AND NOT attisdropped),
           (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
           (SELECT md5(string_agg(tgname::text || tgenabled::text, ',' ORDER BY tgname)) FROM pg_trigger WHERE NOT tgisinternal),
           (SELECT md5(string_agg(prosrc, ',' ORDER BY proname)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)"""
#: What was last given out by each.
_NUMBERS = """
    SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences
    WHERE schemaname = 'public' AND last_value IS NOT NULL"""
#: How many bytes of a log are read sooner than the file into which they were copied.
_SHORT = 6_000_000
#: How many bytes these tables take.
_SIZE = "SELECT coalesce(sum(pg_relation_size(name::regclass)), 0) FROM unnest(%s::text[]) AS name"


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

    def keep(self, url: str, name: str) -> None:
        """Keep what this database holds; nobody is at work on it."""

    def refill(self, url: str, name: str) -> None:
        """Make this fresh database, with which nobody has begun to work, equal to the one that was kept."""

    def drop(self, url: str) -> None:
        """Remove a database; its connections are closed."""

    def close(self) -> None:
        """Remove this worker's databases."""


class SqliteRoom:
    """Copies of one file, each used by many tests."""

    def __init__(self, folder: Path, run: Path, migrate: Migrate) -> None:
        self.folder, self.shared = folder, run / "sqlite"
        self.template = self.shared / "template.db"
        self.numbers = Numbers()
        self.files: dict[str, Logged] = {}
        #: Emptied databases that wait for the next test.
        self.idle: list[str] = []
        for each in (folder, self.shared):
            each.mkdir(parents=True, exist_ok=True)
        once(run, "sqlite-template", lambda: self._make(migrate))

    def _make(self, migrate: Migrate) -> str:
        migrate(f"sqlite:///{self.template}")
        for extra in self.shared.glob("template.db-*"):
            if extra.stat().st_size:
                raise RuntimeError(f"{extra.name} is not empty: the migration left its connection open")
        return self.template.name

    def fresh(self) -> str:
        if self.idle:
            return self.idle.pop()
        path = self.folder / f"{self.numbers.take()}.db"
        shutil.copyfile(self.template, path)
        url = f"sqlite:///{path}"
        self.files[url] = Logged(path)
        return url

    def keep(self, url: str, name: str) -> None:
        log = self.files[url].kept()
        if log is not None and len(log) < _SHORT:
            (self.shared / f"{name}.log").write_bytes(log)
            return
        db.make_engine(url).dispose()
        gc.collect()  # what an error or a way of asking left behind keeps its connection open
        path = _file(url)
        if path.with_name(path.name + "-wal").exists():
            raise RuntimeError(f"{path.name} is in use: not all of it is in the file yet")
        shutil.copyfile(path, self.shared / f"{name}.db")

    def refill(self, url: str, name: str) -> None:
        log = self.shared / f"{name}.log"
        if not log.exists():
            db.make_engine(url).dispose()
            shutil.copyfile(self.shared / f"{name}.db", _file(url))
        elif not self.files[url].put(log.read_bytes()):
            raise RuntimeError(f"{_file(url).name} is in use: it cannot become another one")

    def drop(self, url: str) -> None:
        if self.files[url].cut():
            self.idle.append(url)
        else:
            gc.collect()  # a connection that an error left behind would take the log of the next file by this name with it
            self._remove(url)

    def _remove(self, url: str) -> None:
        self.files.pop(url).remove()
        self.numbers.give_back(int(_file(url).stem))

    def close(self) -> None:
        for url in list(self.files):
            self._remove(url)
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresRoom:
    """Databases made from a template on the server of `TEST_DATABASE_URL`."""

    def __init__(self, server_url: str, run: Path, migrate: Migrate) -> None:
        self.url = make_url(server_url)
        self.engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        self.template, self.shared = _shared_name(run), run / "postgresql"
        self.prefix = f"{self.template}_{os.getpid()}"
        self.numbers = Numbers()
        #: Emptied databases that wait for the next test.
        self.idle: list[str] = []
        #: The connections that empty them: a new one each time would cost as much as all it does.
        self.brooms: dict[str, psycopg.Connection[Any]] = {}
        self.shape: list[Any] = once(run, "postgresql-template", lambda: self._make(migrate))

    def _make(self, migrate: Migrate) -> list[Any]:
        """Make the template; tells its shape."""
        self._run(f"DROP DATABASE IF EXISTS {self.template} WITH (FORCE)", f"CREATE DATABASE {self.template}")
        migrate(self._address(self.template))
        with psycopg.connect(_plain(self._address(self.template))) as connection:
            return list(connection.execute(_SHAPE).fetchone() or ())

    def fresh(self) -> str:
        if self.idle:
            return self.idle.pop()
        name = f"{self.prefix}_{self.numbers.take()}"
        self._copy(self.template, name)
        return self._address(name)

    def keep(self, url: str, name: str) -> None:
        """Its rows as PostgreSQL writes them itself, and where its numbers stand."""
        folder, broom = self.shared / name, self._broom(url)
        folder.mkdir(parents=True)
        for table in _used(broom):
            with broom.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode()) as rows:
                (folder / f"{table}.rows").write_bytes(b"".join(rows))
        (folder / "numbers.json").write_text(json.dumps(broom.execute(_NUMBERS).fetchall()))

    def refill(self, url: str, name: str) -> None:
        folder, broom = self.shared / name, self._broom(url)
        with broom.transaction():
            broom.execute("SET LOCAL session_replication_role = replica")
            for file in sorted(folder.glob("*.rows")):
                with broom.cursor().copy(f"COPY {file.stem} FROM STDIN (FORMAT binary)".encode()) as rows:
                    rows.write(file.read_bytes())
            for sequence, last in json.loads((folder / "numbers.json").read_text()):
                broom.execute("SELECT setval(%s::regclass, %s)", [sequence, last])

    def drop(self, url: str) -> None:
        if self._emptied(url):
            self.idle.append(url)
        else:
            self._remove(url)

    def _broom(self, url: str) -> psycopg.Connection[Any]:
        if url not in self.brooms:
            self.brooms[url] = psycopg.connect(_plain(url), autocommit=True)
        return self.brooms[url]

    def _emptied(self, url: str) -> bool:
        """Whether the database is again what the template is; nobody else is connected to it then."""
        try:
            broom = self._broom(url)
            broom.execute(_ALONE, [_resting(db.make_engine(url))])
            if used := _used(broom):
                deletes = " ".join(f"DELETE FROM {name};" for name in used)
                broom.execute(_EMPTY.format(deletes=deletes).encode(), prepare=False)
                # Freed room inside a table would let later rows come before earlier ones.
                broom.execute(f"VACUUM {', '.join(used)}".encode())
            (size,) = broom.execute(_SIZE, [used]).fetchone() or (None,)
            return size == 0 and list(broom.execute(_SHAPE).fetchone() or ()) == self.shape
        except psycopg.Error:
            return False

    def _remove(self, url: str) -> None:
        self._leave(url)
        self._run(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")
        self.numbers.give_back(int(_name(url).rpartition("_")[2]))

    def _leave(self, url: str) -> None:
        db.make_engine(url).dispose()
        if broom := self.brooms.pop(url, None):
            broom.close()

    def _copy(self, of: str, to: str) -> None:
        self._run(f"CREATE DATABASE {to} TEMPLATE {of} STRATEGY FILE_COPY")

    def close(self) -> None:
        for url in self.idle:
            self._remove(url)
        self.engine.dispose()

    def _run(self, *statements: str) -> None:
        with self.engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def _address(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)


def clear(server_url: str, run: Path) -> None:
    """Remove what the workers of a run have shared on the server."""
    with psycopg.connect(_plain(server_url), autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_shared_name(run)])
        for (name,) in names.fetchall():
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _shared_name(run: Path) -> str:
    return f"market_test_{blake2b(str(run).encode(), digest_size=5).hexdigest()}"


def let_go(url: str) -> None:
    """Unbind the session from the database; its connections rest until the next test."""
    db.session.remove()
    if db._engines and db.engine().url != make_url(url):
        db.disconnect()  # another one, which the test has found for itself
    db.close_kept()
    db._engines.clear()


def _resting(engine: Engine) -> list[int]:
    """The server's processes behind the connections that nobody uses; all others belong to somebody who has not ended."""
    records = list(engine.pool._pool.queue)  # type: ignore[attr-defined]  # SQLAlchemy has no other way to ask
    return [record.dbapi_connection.info.backend_pid for record in records if record.dbapi_connection is not None]


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`."""
    return url.partition(":")[0].partition("+")[0]


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _name(url: str) -> str:
    return str(make_url(url).database)


def _plain(url: str) -> str:
    """An address as the driver itself takes it."""
    return url.replace("+psycopg", "")


def _used(broom: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in broom.execute(_USED.encode())]
