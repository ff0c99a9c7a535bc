"""Working a question out on sets of documents: whole numbers whose bits are documents, so that thousands take microseconds.

The embedded index uses it; the one in PostgreSQL says the same in SQL, and one test suite holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from market.search.query import EXACT, IN_TEXT, WORTH, Alternative, Lexeme, Query, Term

#: Documents that have a lexeme, by where it stands.
Places = tuple[int, int, int]
LookUp = Callable[[Lexeme], Places]
#: Documents by what they are worth.
Scored = dict[int, int]
#: What having one more of the words asked for is worth where some will do: more than any place.
EACH = 10_000
#: Where fewer than one in so many are members, a set is quicker to put together bit by bit than digit by digit.
_SPARSE = 16
_ONE = ord("1")
#: The numbers whose bits each byte has.
_MEMBERS = [tuple(number for number in range(8) if byte >> number & 1) for byte in range(256)]


def bits(numbers: Iterable[int], size: int) -> int:
    """The set of these numbers, all below `size`."""
    some = list(numbers)
    if len(some) * _SPARSE > size:
        digits = bytearray(b"0") * size
        for number in some:
            digits[number] = _ONE
        digits.reverse()
        return int(digits, 2)
    flags = bytearray(size // 8 + 1)
    for number in some:
        flags[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(flags, "little")


def numbers_of(mask: int) -> list[int]:
    """The members of a set, in ascending order."""
    found: list[int] = []
    for start, byte in enumerate(mask.to_bytes((mask.bit_length() + 7) // 8, "little")):
        if byte:
            found.extend([start * 8 + number for number in _MEMBERS[byte]])
    return found


def work_out(query: Query, look_up: LookUp, everything: int, *, some: bool = False) -> Scored:
    """The documents that have all terms, or with `some` as many as any has, by worth; phrases are not looked at."""
    excluded = 0
    for term in query.without:
        excluded |= anywhere(term, look_up)
    scored: Scored = {0: everything & ~excluded}
    for term in query.terms:
        scored = _with_term(scored, term, look_up, some=some)
    if some:
        most = max((score // EACH for score, mask in scored.items() if mask), default=0)
        scored = {score % EACH: mask for score, mask in scored.items() if most and score // EACH == most}
    named = _union(look_up(Lexeme(query.whole)))
    return _raised(scored, named, EXACT) if named else {score: mask for score, mask in scored.items() if mask}


def anywhere(term: Term, look_up: LookUp) -> int:
    """The documents that have a term, wherever it stands."""
    found = 0
    for alternative in term.alternatives:
        found |= _up_to(alternative, look_up, 2)
    return found


def _with_term(scored: Scored, term: Term, look_up: LookUp, *, some: bool) -> Scored:
    result: Scored = {}
    left = -1
    for worth, mask in worths(term, look_up):
        new = mask & left
        left &= ~mask
        for score, documents in scored.items():
            if both := documents & new:
                key = score + worth + (EACH if some else 0)
                result[key] = result.get(key, 0) | both
    if some:
        for score, documents in scored.items():
            if both := documents & left:
                result[score] = result.get(score, 0) | both
    return result


def worths(term: Term, look_up: LookUp) -> Iterator[tuple[int, int]]:
    """What a match of the term is worth and where there is one, the best first."""
    found: dict[int, int] = {IN_TEXT: anywhere(term, look_up)}
    for worth, place, alternative in conditions(term):
        found[worth] = found.get(worth, 0) | _up_to(alternative, look_up, place)
    yield from sorted(found.items(), reverse=True)


def conditions(term: Term) -> list[tuple[int, int, Alternative]]:
    """Each way to match above the text: its worth, the last place that it may stand in, and the alternative."""
    return [(worth, place, each) for each in term.alternatives for place, worth in enumerate(WORTH[each.how])]


def _up_to(alternative: Alternative, look_up: LookUp, place: int) -> int:
    found = -1
    for lexeme in alternative.lexemes:
        here = 0
        for mask in look_up(lexeme)[: place + 1]:
            here |= mask
        found &= here
    return found


def _raised(scored: Scored, named: int, by: int) -> Scored:
    result: Scored = {}
    for score, mask in scored.items():
        for key, part in ((score + by, mask & named), (score, mask & ~named)):
            if part:
                result[key] = result.get(key, 0) | part
    return result


def _union(places: Places) -> int:
    return places[0] | places[1] | places[2]
