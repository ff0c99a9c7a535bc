"""What any search index can do, whatever engine is behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Document:
    """An offering as the index sees it: its id, where it belongs, and its words in both languages."""

    offering_id: int
    category: str
    name: str
    text: str


class SearchIndex(Protocol):
    """A projection of the live catalogue; it may be lost and made anew at any time."""

    def find(self, words: str, *, category: str | None = None, some: bool = False) -> list[int] | None:
        """Ids of the offerings that hold every word, or with `some` at least one, best first; None without an index."""

    def taken_up(self) -> int:
        """The id of the last catalogue change that is in the index; 0 for none."""

    def update(self, documents: Iterable[Document], gone: Sequence[int], *, upto: int) -> None:
        """Write these documents, drop those offerings, and remember the change `upto`."""

    def replace(self, documents: Iterable[Document], *, upto: int) -> None:
        """Make the index anew while the old one goes on answering."""
