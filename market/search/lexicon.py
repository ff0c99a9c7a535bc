"""The domain dictionary: the terms of this trade, what else things are called, and which words say nothing.

It is `catalog_seed/search.toml`. `version` changes with it, and an index made with another one is made anew.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from market.config import ROOT

#: Raise it when cutting or the shape of documents changes.
_SHAPE = 6
_FILE = ROOT / "catalog_seed" / "search.toml"


@dataclass(frozen=True)
class Lexicon:
    """One reading of the file. All words are in lower case."""

    version: str
    terms: tuple[str, ...]
    #: What else may stand for a word.
    same: dict[str, tuple[str, ...]]
    empty: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The dictionary of this process."""
    content = _FILE.read_bytes()
    read = tomllib.loads(content.decode())
    same: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for said, found in _pairs(read):
        if said != found:
            same[said][found] = None
    return Lexicon(
        version=f"{_SHAPE}-{hashlib.sha256(content).hexdigest()[:8]}",
        terms=tuple(word.lower() for word in read["terms"]),
        same={said: tuple(found) for said, found in same.items()},
        empty=frozenset(read["empty"]["words"]),
    )


def _pairs(read: dict[str, list[list[str]]]) -> Iterator[tuple[str, str]]:
    for group in read["alike"]:
        yield from ((said.lower(), found.lower()) for said in group for found in group)
    for entry in read["means"]:
        yield from ((said.lower(), found.lower()) for said in entry["say"] for found in entry["find"])  # type: ignore[call-overload]  # a table of the file
