"""Cutting text into words, the same way for the index and for questions.

A document keeps every word and the parts of long ones; a question keeps its words whole and falls back on their parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType

from market.search.lexicon import lexicon

#: Longer runs of letters are cut off: nobody looks for their ends.
LONGEST = 100
_RUNS = re.compile(r"[0-9a-z]+(?:[.+#'-][0-9a-z]+)*|[^\W_]+")
_LATIN = re.compile(r"[0-9a-z]")


@cache
def chinese() -> ModuleType:
    """`market.search.chinese`, loaded by who first cuts words: its dictionaries take 0.4 s, more than most commands need."""
    return import_module("market.search.chinese")


def plain(text: str) -> str:
    """A text as it is compared: full-width letters narrow, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def cut(text: str) -> list[str]:
    """The words of a text, whole, in their order; no spaces, no punctuation, English without its plurals."""
    found: list[str] = []
    for run in _RUNS.findall(plain(text)):
        if _LATIN.match(run):
            found.append(singular(run[:LONGEST]))
        else:
            found.extend(word[:LONGEST] for word in chinese().cut(run, True) if word[0].isalnum())
    return found


@lru_cache(maxsize=20_000)
def parts(word: str) -> tuple[str, ...]:
    """What a word is put together from, without overlaps: 云服务器 is 云 and 服务器; of two letters or a Latin word nothing."""
    if _LATIN.match(word):
        pieces = re.findall(r"[0-9a-z]+", word)
        return tuple(singular(piece) for piece in pieces) if len(pieces) > 1 else ()
    if len(word) < 3:
        return ()
    inside = [piece for piece in chinese().cut_for_search(word, True) if piece != word]
    kept: list[str] = []
    at = 0
    while at < len(word):
        piece = max((each for each in inside if word.startswith(each, at)), key=len, default=word[at])
        kept.append(piece)
        at += len(piece)
    return tuple(kept) if len(kept) > 1 else ()


@lru_cache(maxsize=50_000)
def with_parts(word: str) -> frozenset[str]:
    """A word and every part that it may be found by."""
    if _LATIN.match(word):
        return frozenset((word, *parts(word)))
    return frozenset((word, *parts(word), *(chinese().cut_for_search(word, True) if len(word) > 2 else ())))


@lru_cache(maxsize=20_000)
def singular(word: str) -> str:
    """An English word without its plural: `cables` is `cable`."""
    if len(word) < 4 or not word.isalpha() or not word.endswith("s") or word.endswith(("ss", "us", "is", "ios")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]


def telling(words: Iterable[str]) -> list[str]:
    """Those of the words that say what is wanted."""
    return [word for word in words if word not in lexicon().empty]


def same(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """What else may stand for a word or for several in a row, each as its words."""
    return _alike().get(words, ())


@cache
def _alike() -> dict[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The dictionary's other words, cut as questions are."""
    known: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {}
    for said, others in lexicon().same.items():
        key = tuple(cut(said))
        known[key] = (*known.get(key, ()), *(tuple(cut(other)) for other in others))
    return known
