"""What a question asks for: every word or what stands for it, none of the excluded ones, each phrase as it is written.

    备份 "30 天" -短信        备份 or what else it is called, the phrase, and nothing about 短信

Pure. Engines look lexemes up; what a match is worth is said here, so that both rank alike: a match in the name is worth
more than one in the small print, and a word itself more than another one that stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from market.search import words

#: How a lexeme begins that is a sound, and one that is a whole name.
SOUND, WHOLE = "~", "="
#: More words than this are left out of a question: nobody types them, and each costs a look-up.
MOST_TERMS = 12
#: What naming a thing exactly is worth besides.
EXACT = 40

_PIECES = re.compile(r'(?P<minus>(?<!\S)[-－−])?(?:["“”「『](?P<phrase>[^"“”」』]*)["“”」』]|(?P<word>[^\s"“”「『」』]+))')
_OPERATORS = frozenset({"AND", "OR", "NOT"})
_LATIN = re.compile(r"[a-z]+")
_LONGEST_NAME = 3  # words in a row that the dictionary may have one name for
_SHORTEST_START = 3
_PARTICLES = frozenset(("by", "in", "no", "of", "off", "on", "out", "to", "up"))
_SYLLABLES = re.compile(
    r"(?:(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ui|uo|ue|ve|er|a|o|e|i|u|v|n|ng))+"
    r"(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?"  # of one that is not typed to its end
)


class How(StrEnum):
    """In which way a term was matched."""

    OWN = "own"
    PARTS = "parts"
    ALIKE = "alike"
    START = "start"
    SOUND = "sound"


#: What a match is worth by the way, in the name and in the key words or the category.
WORTH: dict[How, tuple[int, int]] = {
    How.OWN: (12, 8),
    How.PARTS: (9, 6),
    How.ALIKE: (8, 6),
    How.START: (6, 4),
    How.SOUND: (6, 4),
}
#: What any match further down is worth.
IN_TEXT = 3


@dataclass(frozen=True)
class Lexeme:
    """One entry of an index; with `start`, every entry that begins like it."""

    text: str
    start: bool = False


@dataclass(frozen=True)
class Alternative:
    """Lexemes that together stand for a term."""

    how: How
    lexemes: tuple[Lexeme, ...]


@dataclass(frozen=True)
class Term:
    """One thing that was asked for, as it was typed, and all that may stand for it."""

    typed: str
    alternatives: tuple[Alternative, ...]

    @property
    def strict(self) -> Term:
        """Without sounds and beginnings."""
        kept = tuple(each for each in self.alternatives if each.how not in (How.START, How.SOUND))
        return Term(self.typed, kept)


@dataclass(frozen=True)
class Query:
    """A question, read."""

    text: str
    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    phrases: tuple[str, ...] = ()
    no_phrases: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for that anything could be found by."""
        return not (self.terms or self.without or self.phrases or self.no_phrases)

    @property
    def strict(self) -> Query:
        """The same without sounds and beginnings: what people who typed it right mean."""
        return Query(self.text, tuple(term.strict for term in self.terms), self.without, self.phrases, self.no_phrases)

    @property
    def whole(self) -> str:
        """The entry of what is called just as it was typed."""
        return whole(self.text)


def whole(name: str) -> str:
    """The entry of what is called exactly this."""
    return WHOLE + "".join(words.plain(name).split())[: words.LONGEST]


@lru_cache(maxsize=500)
def parse(text: str) -> Query:
    """Read what somebody typed. Never fails: what cannot be read asks for nothing."""
    wanted: list[str] = []
    without: list[str] = []
    phrases: list[str] = []
    no_phrases: list[str] = []
    for found in _PIECES.finditer(text):
        minus = bool(found["minus"])
        if found["phrase"] is not None:
            phrase = words.plain(found["phrase"])
            if any(letter.isalnum() for letter in phrase):
                (no_phrases if minus else phrases).append(phrase)
        elif found["word"] not in _OPERATORS:
            (without if minus else wanted).extend(words.cut(found["word"]))
    telling = words.telling(wanted)
    if not telling and not phrases:
        telling = wanted
    terms = [*_terms(telling), *(term for phrase in phrases for term in _whole_words(phrase))]
    return Query(
        text,
        tuple(dict.fromkeys(terms))[:MOST_TERMS],
        tuple(Term(word, _own(word)) for word in dict.fromkeys(without))[:MOST_TERMS],
        tuple(phrases[:MOST_TERMS]),
        tuple(no_phrases[:MOST_TERMS]),
    )


def joined(query: Query) -> Query | None:
    """The question with its Latin words run together, as `yun fu wu qi` is one word; None where that is no other one."""
    typed = [term.typed for term in query.terms]
    if len(typed) < 2 or not all(_LATIN.fullmatch(word) for word in typed):
        return None
    word = "".join(typed)
    return Query(query.text, (Term(word, _all_for(word[: words.LONGEST])),), query.without, query.phrases, query.no_phrases)


def apart(query: Query) -> Query:
    """The question with long words taken apart, for where nothing has them whole."""
    terms = [
        Term(part, _all_for(part)) if part != term.typed else term
        for term in query.terms for part in words.telling(words.parts(term.typed)) or (term.typed,)
    ]  # fmt: skip
    return Query(query.text, tuple(dict.fromkeys(terms))[:MOST_TERMS], query.without, query.phrases, query.no_phrases)


def _terms(found: Sequence[str]) -> list[Term]:
    """Words, and words in a row that the dictionary has one name for."""
    terms: list[Term] = []
    at = 0
    while at < len(found):
        for length in range(min(_LONGEST_NAME, len(found) - at), 0, -1):
            row = tuple(found[at : at + length])
            others = words.same(row)
            if others or length == 1:
                break
        terms.append(_term(row, others))
        at += length
    return terms


def _term(row: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> Term:
    alike = tuple(Alternative(How.ALIKE, tuple(map(Lexeme, other))) for other in others if other and not _anywhere(other))
    if len(row) > 1:
        own: tuple[Alternative, ...] = (Alternative(How.OWN, tuple(map(Lexeme, row))),)
    else:
        own = _all_for(row[0])
    return Term(" ".join(row), (*own, *alike))


def _anywhere(name: tuple[str, ...]) -> bool:
    """Whether its words stand in any English text without belonging together, as those of `back up` do."""
    return not _PARTICLES.isdisjoint(name)


def _whole_words(phrase: str) -> list[Term]:
    """What any text with this phrase has: its words themselves, and nothing that stands for them."""
    return [Term(word, _own(word)) for word in words.cut(phrase)]


def _own(word: str) -> tuple[Alternative, ...]:
    parts = words.parts(word)
    own = Alternative(How.OWN, (Lexeme(word),))
    return (own, Alternative(How.PARTS, tuple(map(Lexeme, parts)))) if parts else (own,)


def _all_for(word: str) -> tuple[Alternative, ...]:
    found = list(_own(word))
    if _LATIN.fullmatch(word) and len(word) > 1:
        if len(word) >= _SHORTEST_START:
            found.append(Alternative(How.START, (Lexeme(word, start=True),)))
        spoken = len(word) >= _SHORTEST_START and _SYLLABLES.fullmatch(word) is not None
        found.append(Alternative(How.SOUND, (Lexeme(SOUND + word, start=spoken),)))
    return tuple(found)
