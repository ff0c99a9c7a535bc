"""Writing an archive: one JSON object a line and one file a table, with a list of contents.

Rows are streamed, so the size of an archive is no matter of memory. Amounts are whole fen, quantities decimal text,
times ISO 8601 in UTC; `manifest.json` says so too, with the number of rows and the SHA-256 of every file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from market.config import ROOT
from market.privacy.holdings import SECRETS, belongs, table_of

#: How many rows are read at a time, and after how many the progress is told.
BATCH = 1000
#: What is in an archive and how to read it, for people, in both languages.
README = ROOT / "templates" / "documents" / "archive.txt"

Told = Callable[[int], None]


@dataclass(frozen=True)
class Part:
    """Some rows of a table: one file of the archive."""

    table: Table
    mine: ColumnElement[bool]

    @property
    def columns(self) -> list[Any]:
        return [column for column in self.table.columns if column.name not in SECRETS]


@dataclass(frozen=True)
class Attachment:
    """A file that goes in as it is."""

    name: str
    read: Callable[[], bytes]


def parts(holdings: Mapping[str, str], owner_id: int) -> list[Part]:
    """One part for each table of `holdings`, in a steady order."""
    found = []
    for name, path in sorted(holdings.items()):
        table = table_of(name)
        mine = belongs(table, path, owner_id)
        # The trail numbers people and keys separately.
        found.append(Part(table, and_(mine, table.c.actor_kind == "user") if path == "actor_id" else mine))
    return found


def count(connection: Connection, wanted: list[Part]) -> int:
    """How many rows there are to write."""
    counts = (connection.scalar(select(func.count()).select_from(part.table).where(part.mine)) for part in wanted)
    return sum(number or 0 for number in counts)


def write(
    path: Path, connection: Connection, wanted: list[Part], attachments: list[Attachment], *, about: dict[str, Any], told: Told
) -> None:
    """Write the archive to `path`; `told` hears the number of rows written so far."""
    done = 0
    listing: dict[str, Any] = {}
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.write(README, "README.txt")
        for part in wanted:
            name, rows = f"tables/{part.table.name}.jsonl", 0
            with _hashed(archive, name) as file:
                for line in _lines(connection, part):
                    file.write(line)
                    rows, done = rows + 1, done + 1
                    if done % BATCH == 0:
                        told(done)
            listing[name] = {"rows": rows, "columns": [column.name for column in part.columns], "sha256": file.hexdigest()}
        for attachment in attachments:
            with _hashed(archive, attachment.name) as file:
                file.write(attachment.read())
            listing[attachment.name] = {"sha256": file.hexdigest()}
        manifest = about | {"money": "fen (CNY 0.01)", "times": "UTC, ISO 8601", "files": listing}
        archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=2, default=plain))
    told(done)


def _lines(connection: Connection, part: Part) -> Iterator[bytes]:
    order = list(part.table.primary_key.columns)
    query = select(*part.columns).where(part.mine).order_by(*order).execution_options(yield_per=BATCH)
    for row in connection.execute(query):
        yield json.dumps(dict(row._mapping), ensure_ascii=False, default=plain).encode() + b"\n"


def plain(value: object) -> object:
    """A stored value as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in an archive")


class _Hashing:
    """A file within the archive that knows the SHA-256 of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _hashed(archive: ZipFile, name: str) -> Iterator[_Hashing]:
    with archive.open(name, "w", force_zip64=True) as file:
        yield _Hashing(file)
