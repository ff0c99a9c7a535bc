"""The shelf on disk: what one process has worked out, so that the next one need not.

Working 50,000 offerings out takes a process seven seconds and reading them less than one. What has changed since is looked
up as ever; a file that says something else than this program would, or was made from another database, is not used, and
it can be lost at any time.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import select

from market import db, resources
from market.search.listings import Listing
from market.search.models import CatalogChange

log = structlog.get_logger(__name__)

#: Raise it when a listing holds other things, or the same ones worked out differently.
_SHAPE = 1
#: Fewer are worked out as quickly as they are read.
LEAST = 2_000

#: What a shelf's mark says besides the day.
_Numbers = tuple[int, int, int, int]
_Row = tuple[int, str, str, str, datetime | None, int, str, str, str, list[int], int, date | None]


class _File(msgspec.Struct, array_like=True):
    shape: int
    #: Of the database it was made from: its address, and when the last change that is in it was made.
    source: bytes
    mark: _Numbers
    day: date
    properties: list[str]
    providers: list[tuple[str, str, str]]
    rows: list[_Row]


def load() -> tuple[_Numbers, date, list[Listing]] | None:
    """The mark and the day of the shelf on disk and all that is on it; None without one that is of use."""
    try:
        file = msgspec.msgpack.decode(_path().read_bytes(), type=_File)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
    if file.shape != _SHAPE or file.source != _source(file.mark[0]):
        return None
    properties, providers = [sys.intern(one) for one in file.properties], file.providers
    return file.mark, file.day, [_listing(row, properties, providers) for row in file.rows]


def store(mark: _Numbers, day: date, listings: Iterable[Listing]) -> None:
    """Keep it for the next process; a disk that does not take it costs that one some seconds."""
    properties: dict[str, int] = {}
    providers: dict[tuple[str, str, str], int] = {}
    rows: list[_Row] = [
        (
            one.id, one.slug, one.category, one.subcategory, one.listed_at, one.month_fen, one.name_zh, one.name_en, one.words,
            [properties.setdefault(each, len(properties)) for each in one.properties],
            providers.setdefault(one.provider, len(providers)), one.true_until,
        )
        for one in listings
    ]  # fmt: skip
    file = _File(_SHAPE, _source(mark[0]), mark, day, list(properties), list(providers), rows)
    path = _path()
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.msgpack.encode(file))
        draft.replace(path)
    except OSError:
        log.warning("shelf_not_stored", exc_info=True)
        with suppress(OSError):
            draft.unlink()


def forget() -> None:
    """Take it from the disk; for measurements."""
    _path().unlink(missing_ok=True)


def _listing(row: _Row, properties: Sequence[str], providers: Sequence[tuple[str, str, str]]) -> Listing:
    id, slug, category, subcategory, listed_at, fen, zh, en, words, having, provider, until = row
    listed_at = listed_at.astimezone(UTC) if listed_at else None
    names = tuple([properties[number] for number in having])
    return Listing(id, slug, category, subcategory, listed_at, fen, zh, en, words, names, providers[provider], until)


def _path() -> Path:
    return resources.settings.index_dir / "shelf"


def _source(change: int) -> bytes:
    """What tells this database from another one, such as a restored one that has gone another way since."""
    made_at = db.session.scalar(select(CatalogChange.at).where(CatalogChange.id == change))
    return hashlib.blake2b(f"{resources.settings.database_url} {made_at}".encode(), digest_size=16).digest()
