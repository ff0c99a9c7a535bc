"""Why something was found: where a text has what was asked for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from market.search import words
from market.search.pinyin import sounds
from market.search.query import SOUND, How, Lexeme, Query, Term

#: So many letters are shown around a match in a long text.
_AROUND = 18
_LATIN = re.compile(r"[0-9a-z]")


class Span(NamedTuple):
    """A piece of a text, and whether it is what was asked for."""

    text: str
    hit: bool


class Reason(NamedTuple):
    """Where a term was found: the place's number, the words that stand there, and whether they stand for others."""

    typed: str
    place: int
    found: str
    how: How


def spans(text: str, query: Query) -> list[Span]:
    """A text in pieces; those that match are told apart."""
    found = sorted({each for term in query.terms for _how, each in _matches(text, term)} | set(_phrases(text, query)))
    pieces: list[Span] = []
    at = 0
    for start, end in found:
        if start < at:
            continue
        pieces.extend([Span(text[at:start], False)] if start > at else [])
        pieces.append(Span(text[start:end], True))
        at = end
    return [*pieces, Span(text[at:], False)] if at < len(text) else pieces


def excerpt(text: str, query: Query) -> list[Span]:
    """The part of a long text around its first match; nothing where it has none."""
    cut = spans(text, query)
    first = next((number for number, span in enumerate(cut) if span.hit), None)
    if first is None:
        return []
    before = "".join(span.text for span in cut[:first])
    after = "".join(span.text for span in cut[first + 1 :])
    head = ("…" if len(before) > _AROUND else "") + before[-_AROUND:]
    tail = after[:_AROUND] + ("…" if len(after) > _AROUND else "")
    return [span for span in (Span(head, False), cut[first], Span(tail, False)) if span.text]


def reasons(texts: Sequence[Iterable[str]], query: Query) -> list[Reason]:
    """For each term the first place that has it, its own words before others that stand for it."""
    found = (_reason(texts, term) for term in query.terms)
    return [each for each in found if each is not None]


def _reason(texts: Sequence[Iterable[str]], term: Term) -> Reason | None:
    best: Reason | None = None
    for place, some in enumerate(texts):
        for text in some:
            for how, (start, end) in _matches(text, term):
                if how is How.OWN:
                    return Reason(term.typed, place, text[start:end], how)
                best = best or Reason(term.typed, place, text[start:end], how)
    return best


def _phrases(text: str, query: Query) -> Iterator[tuple[int, int]]:
    low = text.lower()
    for phrase in query.phrases:
        if len(low) == len(text) and (at := low.find(phrase)) >= 0:
            yield at, at + len(phrase)


def _matches(text: str, term: Term) -> Iterator[tuple[How, tuple[int, int]]]:
    """Where the text has a term, and in which way; an alternative of several words only where all of them stand."""
    low = text.lower()
    if len(low) != len(text):
        return
    for alternative in term.alternatives:
        found = [list(_places(low, lexeme)) for lexeme in alternative.lexemes]
        if all(found):
            for each in found:
                yield from ((alternative.how, place) for place in each)


def _places(low: str, lexeme: Lexeme) -> Iterator[tuple[int, int]]:
    if lexeme.text.startswith(SOUND):
        yield from _sounding(low, lexeme)
    elif _LATIN.match(lexeme.text):
        end = "" if lexeme.start else r"(?:e?s)?(?![0-9a-z])"
        for found in re.finditer(rf"(?<![0-9a-z]){re.escape(lexeme.text)}{end}", low):
            yield found.span()
    else:
        at = low.find(lexeme.text)
        if at >= 0:
            yield at, at + len(lexeme.text)


def _sounding(low: str, lexeme: Lexeme) -> Iterator[tuple[int, int]]:
    wanted = lexeme.text.removeprefix(SOUND)
    for word in dict.fromkeys(piece for whole in words.cut(low) for piece in (whole, *words.with_parts(whole))):
        if any(sound == wanted or (lexeme.start and sound.startswith(wanted)) for sound in sounds(word) if sound):
            at = low.find(word)
            if at >= 0:
                yield at, at + len(word)
                return
