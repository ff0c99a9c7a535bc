"""A month's events as a Parquet file, with a manifest beside it that says how many there are and what the file hashes to.

In the order of subscriptions, times and arrival, so that counters can be worked out again in one pass. Written beside its
place and moved there when it is whole and on disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from market.kit.period import Period
from market.late import Library
from market.metering.models import Band, Kind

pyarrow, parquet = Library("pyarrow"), Library("pyarrow.parquet")

_AT_ONCE = 20_000

Told = Callable[[int], object]


class Row(NamedTuple):
    """An event as it lies in the file: as it was stored, and whose it is."""

    id: int
    provider_id: int
    subscription_id: int
    subscription: str
    source: str
    event_id: str
    kind: Kind
    corrects: int | None
    type: str
    at: datetime
    stored_at: datetime
    band: Band
    data: dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What a file is; `hash` is the SHA-256 of all of it."""

    month: str
    file: str
    rows: int
    bytes: int
    hash: str


def path_of(folder: Path, month: Period) -> Path:
    """Where a month's file lies in a folder."""
    return folder / f"events-{month.label}.parquet"


def write(folder: Path, month: Period, rows: Iterable[Row], told: Told) -> Manifest:
    """Write the file and its manifest; an earlier attempt is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(folder, month)
    part = path.with_suffix(".part")
    number = _fill(part, rows, told)
    _sync(part)
    manifest = Manifest(month.label, path.name, number, part.stat().st_size, hash_of(part))
    part.replace(path)
    beside = path.with_suffix(".json")
    half = beside.with_suffix(".json.part")
    half.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    _sync(half)
    half.replace(beside)
    _sync(folder)
    return manifest


def read(path: Path) -> Iterator[Row]:
    """The events of a file, some thousands in memory at a time."""
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_AT_ONCE // 4):
            for row in batch.to_pylist():
                times = {name: row[name].replace(tzinfo=UTC) for name in ("at", "stored_at")}
                yield Row(**row | times | {"kind": Kind(row["kind"]), "band": Band(row["band"]), "data": json.loads(row["data"])})


def holds(path: Path, id: int, provider_id: int) -> bool:
    """Whether a file has this provider's event of this number; two columns are read."""
    wanted = [("id", "=", id), ("provider_id", "=", provider_id)]
    return bool(parquet.read_table(path, columns=["id"], filters=wanted).num_rows)


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()


def _fill(path: Path, rows: Iterable[Row], told: Told) -> int:
    schema, number, left = _schema(), 0, iter(rows)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while page := list(islice(left, _AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist([_written(row) for row in page], schema=schema))
            number += len(page)
            told(len(page))
    return number


def _schema() -> Any:
    instant = pyarrow.timestamp("us", tz="UTC")
    kinds = {
        "id": pyarrow.int64(), "provider_id": pyarrow.int64(), "subscription_id": pyarrow.int64(), "corrects": pyarrow.int64(),
        "at": instant, "stored_at": instant,
    }  # fmt: skip
    return pyarrow.schema([pyarrow.field(name, kinds.get(name, pyarrow.string()), nullable=name == "corrects") for name in Row._fields])


def _written(row: Row) -> dict[str, Any]:
    data = json.dumps(row.data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return row._asdict() | {"kind": row.kind.value, "band": row.band.value, "data": data}


def _sync(path: Path) -> None:
    """On disk before anything is taken out of the database."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
