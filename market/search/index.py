"""What any search index can do, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from market.search.models import Kind
from market.search.query import Query


@dataclass(frozen=True)
class Document:
    """What a thing can be found by: each lexeme with the best place it stands in, from 0 (the name) to 2 (the text)."""

    kind: Kind
    ref_id: int
    places: Mapping[str, int]
    #: All its text in lower case, in which phrases are looked for.
    line: str
    #: The words of its name and key words.
    spoken: frozenset[str] = frozenset()


class Key(NamedTuple):
    """Which thing a document is of."""

    kind: Kind
    ref_id: int


#: For each kind the ids found, by what they are worth, best first; within one worth in no order.
Found = Mapping[Kind, Sequence[tuple[int, Sequence[int]]]]


class Overtaken(Exception):
    """Another process has finished a newer index while this one was being made; that one answers."""


class SearchIndex(Protocol):
    """A projection of what can be bought; it may be lost and made anew at any time."""

    def find(self, query: Query, *, some: bool = False) -> Found | None:
        """What has every term of the question, or with `some` as many as anything has; None without an index."""

    def taken_up(self) -> int | None:
        """The id of the last catalogue change that is in the index; None without an index."""

    def spoken(self) -> Collection[str]:
        """The words of names and key words; some of them may be of things that are gone."""

    def update(self, documents: Iterable[Document], gone: Sequence[Key], *, upto: int) -> bool:
        """Write these, drop those, and remember the change `upto`; False where another writer was at it."""

    def making(self) -> Making:
        """An index that is being made beside this one, which goes on answering."""


class Making(Protocol):
    """An index being made; `Overtaken` where another one has taken its place before it was done."""

    def add(self, documents: Iterable[Document]) -> None:
        """Write these into it."""

    def finish(self, *, upto: int) -> None:
        """Let it answer from now on, as up to date as the change `upto`."""

    def leave(self) -> None:
        """Give it up; nothing of it stays."""
