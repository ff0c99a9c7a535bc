"""A database that another test has used is what a new one would be, whatever that test did."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text

from market import db
from market.accounts import User
from tests.builders.accounts import a_user
from tests.conftest import DATABASES
from tests.support.databases import Room, SqliteRoom, let_go

LOOKS_ON = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM users").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def room(rooms: Callable[[str], SqliteRoom]) -> SqliteRoom:
    return rooms("sqlite")


@pytest.fixture
def url(room: SqliteRoom) -> Iterator[str]:
    """A database that somebody has begun to use; its connections rest."""
    url = room.fresh()
    db.connect(url)
    assert names() == []
    yield url
    let_go(url)
    if url in room.files:
        room.drop(url)


def names() -> list[str]:
    with db.transaction():
        return list(db.session.scalars(select(User.name).order_by(User.id)))


def commit(*people: str) -> None:
    with db.transaction():
        for name in people:
            a_user(name=name)


def again(room: SqliteRoom, url: str) -> bool:
    """End the test that has this database; tells whether the next one gets the same, with its connections, and connects to it."""
    let_go(url)
    room.drop(url)
    new = room.fresh()
    assert new == url, "addresses are used again"
    open_still = db.make_engine(new).pool.checkedin() > 0  # type: ignore[attr-defined]
    db.connect(new)
    return open_still


def test_what_was_committed_is_gone_and_the_connections_remain(room: SqliteRoom, url: str) -> None:
    for _ in range(3):
        commit("a", "b")
        assert names() == ["a", "b"]
        with db.transaction():
            assert db.session.scalar(select(User.id).limit(1)) == 1, "numbers begin at one again"
        assert again(room, url) and names() == []


def test_each_of_many_connections_forgets(room: SqliteRoom, url: str) -> None:
    commit("a")
    connections = [db.engine().connect() for _ in range(4)]
    for connection in connections:
        assert connection.exec_driver_sql("SELECT name FROM users").scalar() == "a"
        connection.rollback()
    for connection in connections:
        connection.close()
    assert again(room, url)
    commit("b")
    for connection in [db.engine().connect() for _ in range(4)]:
        assert connection.exec_driver_sql("SELECT group_concat(name) FROM users").scalar() == "b"
        connection.close()


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_what_was_kept_is_there_with_its_numbers_and_gone_again(rooms: Callable[[str], Room], kind: str, closed: bool) -> None:
    room, name = rooms(kind), f"two_{kind}_{closed}"
    for kept in (False, True, True):
        url = room.fresh()
        db.connect(url)
        assert names() == []
        if kept:
            db.session.remove()
            room.refill(url, name)
        else:
            commit("a", "b")
            if closed:
                db.disconnect()
            room.keep(url, name)
            db.connect(url)
        assert names() == ["a", "b"]
        commit("c")
        with db.transaction(readonly=True):
            assert list(db.session.execute(select(User.id, User.name).order_by(User.id))) == [(1, "a"), (2, "b"), (3, "c")]
        let_go(url)
        room.drop(url)


def test_connections_that_close_while_a_database_waits_are_no_loss(room: SqliteRoom, url: str) -> None:
    commit("a")
    let_go(url)
    room.keep(url, "waited for")
    assert again(room, url)
    let_go(url)
    db.make_engine(url).dispose()
    room.refill(url, "waited for")
    db.connect(url)
    assert names() == ["a"]


def test_tables_are_as_they_were(room: SqliteRoom, url: str) -> None:
    with db.transaction():
        db.session.execute(text("DROP TABLE users"))
        db.session.execute(text("CREATE TABLE invented (id INTEGER)"))
    assert again(room, url) and names() == []
    with db.transaction():
        assert db.session.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'invented'")) == 0


def test_what_a_connection_was_told_is_taken_back(room: SqliteRoom, url: str) -> None:
    with db.engine().connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        for pragma in ("query_only=ON", "foreign_keys=OFF", "synchronous=OFF"):
            raw.execute(f"PRAGMA {pragma}")
    assert again(room, url)
    with db.engine().connect() as connection:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("query_only", "foreign_keys", "synchronous")]
    assert told == [0, 1, 2]


def test_a_file_into_which_the_log_was_copied_goes(room: SqliteRoom, url: str) -> None:
    commit("a")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
        other.execute("PRAGMA wal_checkpoint")
    assert not again(room, url) and names() == []


def test_so_does_one_whose_connections_were_closed(room: SqliteRoom, url: str) -> None:
    commit("a")
    db.disconnect()
    assert not again(room, url) and names() == []


def test_so_does_one_that_was_replaced(room: SqliteRoom, url: str) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    other.replace(file)
    assert not again(room, url) and names() == []


def test_so_does_one_that_somebody_still_works_with(room: SqliteRoom, url: str) -> None:
    left = db.engine().connect()
    left.exec_driver_sql("INSERT INTO number_series (name, last) VALUES ('x', 1)")
    assert not again(room, url) and names() == []
    left.close()


def test_so_does_one_that_a_stranger_keeps_locked(room: SqliteRoom, url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        assert not again(room, url) and names() == []


def test_so_does_one_that_another_process_has_open(room: SqliteRoom, url: str) -> None:
    path = url.removeprefix("sqlite:///")
    with subprocess.Popen([sys.executable, "-c", LOOKS_ON, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin and other.stdout and other.stdout.readline() == b"ready\n"
        assert not again(room, url) and names() == []
        other.stdin.close()
