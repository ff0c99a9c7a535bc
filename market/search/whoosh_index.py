"""The embedded index: Whoosh on disk. The only module that knows Whoosh.

`<folder>/current` names the generation in use, so a rebuild is switched in by replacing one file.
Beside each generation stands `<generation>.upto`, written after the commit: a crash in between
only means that the same documents are written once more.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog
from whoosh import index as whoosh
from whoosh.analysis import SpaceSeparatedTokenizer
from whoosh.fields import ID, TEXT, Schema
from whoosh.index import EmptyIndexError, LockError
from whoosh.query import And, Every, Or, Prefix, Query, Term

from market.search import words
from market.search.index import Document

log = structlog.get_logger(__name__)

_SCHEMA = Schema(
    offering_id=ID(stored=True, unique=True),
    category=ID,
    name=TEXT(analyzer=SpaceSeparatedTokenizer(), field_boost=4.0),
    text=TEXT(analyzer=SpaceSeparatedTokenizer()),
)
_FIELDS = ("name", "text")
_LIMIT = 1000


class WhooshIndex:
    """A `SearchIndex` in a folder; one process writes at a time, any number read."""

    def __init__(self, folder: Path, *, patience: float = 5.0) -> None:
        self.folder = folder / f"v{words.VERSION}"
        #: How many seconds to wait for another writer.
        self.patience = patience

    def find(self, wanted: str, *, category: str | None = None, some: bool = False) -> list[int] | None:
        opened = self._open()
        if opened is None:
            return None
        within = Term("category", category) if category else None
        try:
            with opened.searcher() as searcher:
                hits = searcher.search(_query(wanted, some), filter=within, limit=_LIMIT)
                return [int(hit["offering_id"]) for hit in hits]
        except Exception:  # Whoosh has no exception of its own for damaged or vanished files
            log.exception("index_unreadable")
            return None

    def taken_up(self) -> int:
        generation = self._generation()
        try:
            return int(generation.with_suffix(".upto").read_text()) if generation else 0
        except (FileNotFoundError, ValueError):
            return 0

    def update(self, documents: Iterable[Document], gone: Sequence[int], *, upto: int) -> None:
        opened, generation = self._open(), self._generation()
        if opened is None or generation is None:
            log.info("index_gone")  # these documents alone would hide the others; the next refresh makes it anew
            return
        try:
            writer = opened.writer(timeout=self.patience)
        except LockError:
            log.info("index_busy")
            return
        for offering_id in gone:
            writer.delete_by_term("offering_id", str(offering_id))
        for document in documents:
            writer.update_document(**_fields(document))
        writer.commit()
        generation.with_suffix(".upto").write_text(str(upto))

    def replace(self, documents: Iterable[Document], *, upto: int) -> None:
        old = self._generation()
        new = self.folder / f"g{secrets.token_hex(4)}"
        new.mkdir(parents=True)
        writer = whoosh.create_in(str(new), _SCHEMA).writer(limitmb=64)
        for document in documents:
            writer.add_document(**_fields(document))
        writer.commit()
        new.with_suffix(".upto").write_text(str(upto))
        draft = self.folder / f"{new.name}.current"
        draft.write_text(new.name)
        draft.replace(self.folder / "current")
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
            old.with_suffix(".upto").unlink(missing_ok=True)

    def _generation(self) -> Path | None:
        try:
            return self.folder / (self.folder / "current").read_text().strip()
        except FileNotFoundError:
            return None

    def _open(self) -> whoosh.FileIndex | None:
        generation = self._generation()
        try:
            return whoosh.open_dir(str(generation)) if generation else None
        except (EmptyIndexError, FileNotFoundError):
            return None
        except Exception:  # as above
            log.exception("index_unreadable")
            return None


def _fields(document: Document) -> dict[str, str]:
    return {
        "offering_id": str(document.offering_id),
        "category": document.category,
        "name": " ".join(words.cut(document.name)),
        "text": " ".join(words.cut(document.text)),
    }


def _query(wanted: str, some: bool) -> Query:
    """Every word must occur, in any field; the start of a word counts a little. With `some`, one word will do."""
    tokens = words.cut(wanted)
    telling = words.telling(tokens) or tokens
    if not telling:
        return Every()
    found = [Or([match for field in _FIELDS for word in words.same(token) for match in _matches(field, word)]) for token in telling]
    return Or(found) if some else And(found)


def _matches(field: str, token: str) -> list[Query]:
    return [Term(field, token, boost=2.0), Prefix(field, token)]
