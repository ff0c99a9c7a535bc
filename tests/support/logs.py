"""A SQLite file that many tests use one after the other, with its connections left open.

In WAL mode what is committed lies in the log until somebody copies it into the file, which happens when the last
connection closes. While connections stay open the file itself is what it was, and cutting the log off takes all back: a
connection finds an index without a right head, makes it anew from the empty log as after a crash, and forgets the
pages it knew. What it knows of tables and statements stays right, and that is what is dear to make.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
from pathlib import Path

from market import db, engines

#: Whoever finds another time has written into the file itself.
_UNTOUCHED = 0
#: Both copies of the head of a log's index (https://sqlite.org/walformat.html).
_HEAD = bytes(96)
#: A lock as the system wants it described, on the bytes that a connection holds while it is open.
_LOCK, _HELD_AT, _HELD = "hhqqi", 0x40000002, 510


class Logged:
    """One file, its log and the engine's connections.

    The descriptors stay open as long as those: closing one would give up the locks that SQLite has on the file.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.log, self.index = path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
        self.url = f"sqlite:///{path}"
        os.utime(path, ns=(_UNTOUCHED, _UNTOUCHED))
        self.file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        self.opened: dict[Path, int] = {}

    def cut(self) -> bool:
        """Take back all that was committed; tells whether that was possible. Nobody is at work on it then."""
        connections = self._connections()
        if not self._ours():
            return False
        if connections:
            return self._put(b"")
        self._forget()
        return not self.log.exists()

    def kept(self) -> bytes | None:
        """All that was committed; nothing where it is not all in the log."""
        return self.log.read_bytes() if self._ours() and self._connections() and self._same(self.log) else None

    def put(self, log: bytes) -> bool:
        """Commit in this new database what was `kept` in another; tells whether that was possible."""
        if not self._connections():
            self._forget()
        with db.make_engine(self.url).connect() as connection:
            connection.exec_driver_sql("SELECT * FROM alembic_version").close()
            connection.rollback()
        return self._ours() and self._put(log)

    def _put(self, log: bytes) -> bool:
        if not self._same(self.log) or not self._same(self.index):
            return False
        os.ftruncate(self.opened[self.log], 0)
        os.pwrite(self.opened[self.log], log, 0)
        os.pwrite(self.opened[self.index], _HEAD, 0)
        return all(_rests(connection) for connection in self._connections())

    def _forget(self) -> None:
        """All connections were closed, and took the log and its index with them."""
        while self.opened:
            os.close(self.opened.popitem()[1])

    def _ours(self) -> bool:
        """Whether nobody is at work on the file, here or elsewhere, and it is what it was."""
        pool = db.make_engine(self.url).pool
        return not pool.checkedout() and self._whole() and not self._elsewhere()  # type: ignore[attr-defined]

    def _connections(self) -> list[sqlite3.Connection]:
        """Those that rest."""
        records = list(db.make_engine(self.url).pool._pool.queue)  # type: ignore[attr-defined]  # SQLAlchemy has no other way to ask
        return [record.dbapi_connection for record in records if record.dbapi_connection is not None]

    def remove(self) -> None:
        """Close everything and delete it."""
        db.make_engine(self.url).dispose()
        for descriptor in (self.file, *self.opened.values()):
            os.close(descriptor)
        for file in (self.path, self.log, self.index):
            file.unlink(missing_ok=True)

    def _whole(self) -> bool:
        there = self.path.stat() if self.path.exists() else None
        known = os.fstat(self.file)
        return there is not None and os.path.samestat(there, known) and (known.st_size, known.st_mtime_ns) == (self.size, _UNTOUCHED)

    def _elsewhere(self) -> bool:
        """Whether another process has it open."""
        asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _HELD_AT, _HELD, 0)
        return bool(struct.unpack(_LOCK, fcntl.fcntl(self.file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK)

    def _same(self, file: Path) -> bool:
        """Whether the name still means what the connections have open, as far as we have seen it."""
        if not file.exists():
            return False
        if file not in self.opened:
            self.opened[file] = os.open(file, os.O_RDWR)
        return os.path.samestat(file.stat(), os.fstat(self.opened[file]))


def _rests(connection: sqlite3.Connection) -> bool:
    """Whether it is as new: it sees the tables that the file has, nobody holds the lock, and what a test may have set is set back."""
    try:
        for statement in ("PRAGMA query_only=OFF", "BEGIN IMMEDIATE", "SELECT * FROM alembic_version", "ROLLBACK"):
            connection.execute(statement).close()
        engines._prepare_sqlite(connection, None)
    except sqlite3.Error:
        return False
    return True
