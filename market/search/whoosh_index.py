"""The embedded index: Whoosh on disk. The only module that knows Whoosh.

`<folder>/current` names the generation in use, so a rebuild is switched in by replacing one file.
Beside each generation stands `<generation>.upto`, written after the commit: a crash in between
only means that the same documents are written once more.

A field holds the lexemes of one place. Whoosh finds which documents have a lexeme; what they are worth is worked out on
sets (`ranking`), which is many times faster than scoring them one by one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import structlog
from whoosh import index as whoosh
from whoosh.analysis import IDAnalyzer
from whoosh.codec.whoosh3 import W3Codec, W3FieldWriter, W3LeafMatcher
from whoosh.columns import NumericColumn
from whoosh.fields import COLUMN, ID, STORED, FieldType, Schema
from whoosh.formats import Existence
from whoosh.index import EmptyIndexError, LockError
from whoosh.reading import TermNotFound

from market.search import ranking
from market.search.index import Document, Found, Key
from market.search.lexicon import lexicon
from market.search.models import Kind
from market.search.query import SOUND, WHOLE, Lexeme, Query
from market.search.ranking import Places

log = structlog.get_logger(__name__)

_PLACES = ("name", "keyword", "text")
_KINDS = tuple(Kind)
#: Postings of one lexeme that are packed together. Whoosh's own 128 let searches skip; all of ours are read.
_BLOCK = 4_096
_MOST_KNOWN = 2_000

T = TypeVar("T")


class Lexemes(FieldType):  # type: ignore[misc]  # Whoosh has no types
    """A field that is given its lexemes and keeps which documents have them, nothing else."""

    def __init__(self) -> None:
        super().__init__(Existence(), IDAnalyzer())

    def index(self, value: Sequence[str], **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        """Every lexeme once, as Whoosh writes postings: bytes, how often, how heavy, and nothing more."""
        return ((lexeme.encode(), 1, 1.0, b"") for lexeme in value)


_SCHEMA = Schema(
    key=ID(unique=True), number=COLUMN(NumericColumn("q")), line=STORED, **{place: Lexemes() for place in _PLACES}
)


class _Codec(W3Codec):  # type: ignore[misc]  # Whoosh has no types
    """Whoosh's own files, written without looking for lengths of texts, which `Lexemes` does not keep."""

    length_stats = False

    def __init__(self) -> None:
        super().__init__(blocklimit=_BLOCK, compression=1)

    def new_segment(self, storage: Any, indexname: str) -> Any:
        """Read by Whoosh's own codec: what is on disk does not depend on this module."""
        return W3Codec().new_segment(storage, indexname)

    def field_writer(self, storage: Any, segment: Any) -> _Writer:
        return _Writer(self, storage, segment)


class _Writer(W3FieldWriter):  # type: ignore[misc]  # Whoosh has no types
    """Writes a lexeme's documents at once where they come from `_Gathered`."""

    def add_postings(self, schema: Schema, lengths: None, items: Any) -> None:
        if not isinstance(items, _Gathered):
            super().add_postings(schema, lengths, items)
            return
        for name, lexemes in sorted(items.fields.items()):
            self.start_field(name, schema[name])
            for lexeme in sorted(lexemes):
                self.start_term(lexeme)
                self._put(lexemes[lexeme])
                self.finish_term()
            self.finish_field()

    def _put(self, numbers: array[int]) -> None:
        """What `add` does with each of them, in blocks."""
        postings = self._postwriter
        for start in range(0, len(numbers), _BLOCK):
            if len(postings):
                postings._write_block()
            postings._ids = numbers[start : start + _BLOCK]
            postings._weights = array("f", (1.0,)) * len(postings._ids)
            postings._maxweight = 1.0


class _Gathered:
    """What is written into an index that is being made, by field and lexeme, in a tenth of the memory of Whoosh's own pool."""

    def __init__(self) -> None:
        self.fields: defaultdict[str, defaultdict[bytes, array[int]]] = defaultdict(lambda: defaultdict(partial(array, "I")))

    def add(self, posting: tuple[str, bytes, int, float, bytes]) -> None:
        """One more document that has a lexeme, the documents in ascending order."""
        self.fields[posting[0]][posting[1]].append(posting[2])

    def iter_postings(self) -> _Gathered:
        """Everything; only `_Writer` can take it like this."""
        return self

    def cleanup(self) -> None:
        """Nothing is on disk."""


class _Unreadable(Exception):
    """Files of the index are damaged or gone; Whoosh has no exception of its own for that."""


@dataclass
class _Opened:
    """A state of the index, with what has been read of it so far."""

    files: tuple[str, ...]
    reader: Any
    keys: list[Key]
    everything: int
    known: dict[Lexeme, Places] = field(default_factory=dict)

    def look_up(self, lexeme: Lexeme) -> Places:
        """The documents that have a lexeme, by place."""
        found = self.known.get(lexeme)
        if found is None:
            if len(self.known) >= _MOST_KNOWN:
                self.known.clear()
            name, keyword, text = (self._having(place, lexeme) for place in _PLACES)
            found = self.known[lexeme] = (name, keyword, text)
        return found

    def _having(self, place: str, lexeme: Lexeme) -> int:
        found = 0
        try:
            texts: Iterable[Any] = self.reader.expand_prefix(place, lexeme.text) if lexeme.start else [lexeme.text]
            for text in texts:
                for leaf, offset in self.reader.leaf_readers():
                    with suppress(TermNotFound):
                        found |= ranking.bits(_numbers(leaf.postings(place, text)), leaf.doc_count_all()) << offset
        except Exception as error:
            raise _Unreadable from error
        return found

    def holding(self, mask: int, query: Query) -> int:
        """Those of the documents whose text has each phrase as it is written."""
        if not (query.phrases or query.no_phrases):
            return mask
        try:
            return ranking.bits((number for number in ranking.numbers_of(mask) if self._holds(number, query)), len(self.keys))
        except Exception as error:
            raise _Unreadable from error

    def _holds(self, number: int, query: Query) -> bool:
        line = self.reader.stored_fields(number)["line"]
        return all(phrase in line for phrase in query.phrases) and not any(phrase in line for phrase in query.no_phrases)


#: What this process has open, by folder. A reader is not for several threads at once.
_opened: dict[Path, _Opened] = {}
_reading = threading.RLock()


def forget_words() -> None:
    """Read every word from the disk again, for measurements; which documents have it is kept while nothing changes."""
    with _reading:
        for opened in _opened.values():
            opened.known.clear()


class WhooshIndex:
    """A `SearchIndex` in a folder; one process writes at a time, any number read."""

    def __init__(self, folder: Path, *, patience: float = 5.0) -> None:
        self.folder = folder / f"v{lexicon().version}"
        #: How many seconds to wait for another writer.
        self.patience = patience

    def find(self, query: Query, *, some: bool = False) -> Found | None:
        return self._read(lambda opened: _found(opened, query, some=some))

    def spoken(self) -> Collection[str]:
        return self._read(_spoken) or []

    def taken_up(self) -> int | None:
        if self._read(lambda opened: opened.everything) is None:
            return None
        generation = self._generation()
        try:
            return int(generation.with_suffix(".upto").read_text()) if generation else None
        except (OSError, ValueError):
            return 0

    def update(self, documents: Iterable[Document], gone: Sequence[Key], *, upto: int) -> bool:
        generation = self._generation()
        if generation is None:
            log.info("index_gone")  # these documents alone would hide the others; the next refresh makes it anew
            return False
        try:
            writer = whoosh.open_dir(str(generation)).writer(timeout=self.patience, codec=_Codec())
        except LockError:
            log.info("index_busy")
            return False
        for key in gone:
            writer.delete_by_term("key", _text(key))
        for document in documents:
            writer.update_document(**_fields(document))
        writer.commit()
        generation.with_suffix(".upto").write_text(str(upto))
        return True

    def making(self) -> _Making:
        return _Making(self.folder)

    def _generation(self) -> Path | None:
        try:
            return self.folder / (self.folder / "current").read_text().strip()
        except OSError:
            return None

    def _read(self, work: Callable[[_Opened], T]) -> T | None:
        """What `work` says of the index as it is now; None without one.

        Files may go while they are opened, since a writer merges them; what cannot be read twice is damaged, and marked
        so that the worker makes another one.
        """
        with _reading:
            for attempt in (1, 2):
                try:
                    opened = self._now()
                    return work(opened) if opened else None
                except _Unreadable:
                    _opened.pop(self.folder, None)
                    if attempt == 2:
                        self._mark_broken()
        return None

    def _now(self) -> _Opened | None:
        """The index on disk; what was open before is used again while its files are the same."""
        generation = self._generation()
        if generation is None or generation.with_suffix(".broken").exists():
            return None
        try:
            files = (str(generation), *sorted(name for name in os.listdir(generation) if name.endswith((".toc", ".seg"))))
        except OSError:
            return None
        before = _opened.get(self.folder)
        if before is None or before.files != files:
            before = _opened[self.folder] = _open(generation, files)
        return before

    def _mark_broken(self) -> None:
        log.exception("index_unreadable", folder=str(self.folder))
        generation = self._generation()
        if generation is not None:
            with suppress(OSError):
                generation.with_suffix(".broken").touch()


class _Making:
    """A generation that does not answer yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.new = folder / f"g{secrets.token_hex(4)}"
        self.new.mkdir(parents=True)
        self.writer = whoosh.create_in(str(self.new), _SCHEMA).writer(codec=_Codec())
        self.writer.pool = _Gathered()

    def add(self, documents: Iterable[Document]) -> None:
        for document in documents:
            self.writer.add_document(**_fields(document))

    def finish(self, *, upto: int) -> None:
        self.writer.commit()
        self.new.with_suffix(".upto").write_text(str(upto))
        old = (self.folder / "current").read_text().strip() if (self.folder / "current").exists() else ""
        draft = self.folder / f"{self.new.name}.current"
        draft.write_text(self.new.name)
        draft.replace(self.folder / "current")
        if old:
            shutil.rmtree(self.folder / old, ignore_errors=True)
            for left in (".upto", ".broken"):
                (self.folder / old).with_suffix(left).unlink(missing_ok=True)

    def leave(self) -> None:
        self.writer.cancel()
        shutil.rmtree(self.new, ignore_errors=True)


def _open(generation: Path, files: tuple[str, ...]) -> _Opened:
    try:
        reader = whoosh.open_dir(str(generation)).reader()
        keys: list[Key] = []
        deleted: list[int] = []
        for leaf, offset in reader.leaf_readers() if reader.doc_count_all() else ():
            keys.extend(_key(number) for number in leaf.column_reader("number"))
            deleted.extend(offset + number for number in leaf.deleted_docs_set or ())
        everything = ((1 << len(keys)) - 1) & ~ranking.bits(deleted, len(keys))
        return _Opened(files, reader, keys, everything)
    except EmptyIndexError as error:
        raise _Unreadable from error
    except Exception as error:
        raise _Unreadable from error


def _numbers(matcher: Any) -> Iterator[int]:
    """The documents of one lexeme, deleted ones too: block by block, ten times as fast as Whoosh goes through them."""
    matcher = getattr(matcher, "child", matcher)  # without the filter for deleted ones
    if not isinstance(matcher, W3LeafMatcher):
        yield from matcher.all_ids()
        return
    while matcher.is_active():
        matcher._read_data()
        yield from accumulate(matcher._data[0])
        matcher._next_block()


def _found(opened: _Opened, query: Query, *, some: bool) -> Found:
    scored = ranking.work_out(query, opened.look_up, opened.everything, some=some)
    found: dict[Kind, list[tuple[int, list[int]]]] = {kind: [] for kind in _KINDS}
    for score in sorted(scored, reverse=True):
        ids: dict[Kind, list[int]] = {kind: [] for kind in _KINDS}
        for number in ranking.numbers_of(opened.holding(scored[score], query)):
            kind, ref_id = opened.keys[number]
            ids[kind].append(ref_id)
        for kind, some_ids in ids.items():
            if some_ids:
                found[kind].append((score, some_ids))
    return found


def _spoken(opened: _Opened) -> list[str]:
    try:
        found = {word.decode() for place in _PLACES[:2] for word in opened.reader.lexicon(place)}
    except Exception as error:
        raise _Unreadable from error
    return [word for word in found if len(word) > 1 and not word.startswith((SOUND, WHOLE))]


def _text(key: Key) -> str:
    return f"{key.kind.value}:{key.ref_id}"


def _number(key: Key) -> int:
    return key.ref_id * len(_KINDS) + _KINDS.index(key.kind)


def _key(number: int) -> Key:
    return Key(_KINDS[number % len(_KINDS)], number // len(_KINDS))


def _fields(document: Document) -> dict[str, Any]:
    key = Key(document.kind, document.ref_id)
    places: tuple[list[str], ...] = tuple([] for _place in _PLACES)
    for lexeme, place in document.places.items():
        places[place].append(lexeme)
    return {"key": _text(key), "number": _number(key), "line": document.line, **dict(zip(_PLACES, places, strict=True))}
