"""What a mistyped question may have meant: words of names and key words that sound or look like it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from market.search import words
from market.search.pinyin import is_han, sounds

_SHORTEST = 3  # of Latin words: with fewer letters everything is like everything
_MOST = 5  # words of a question that are looked at


def corrected(question: str, known: Collection[str]) -> str:
    """The question with its unknown words replaced by known ones; empty where nothing is like them."""
    asked = words.telling(words.cut(question)) or words.cut(question)
    replaced = [word if word in known else _like(word, known) for word in asked[:_MOST]]
    if not asked or not all(replaced) or replaced == asked:
        whole = "".join(asked)
        return _like(whole, known) if len(asked) > 1 and is_han(whole) else ""
    together = all(map(is_han, replaced))
    return ("" if together and len(replaced) <= 2 else " ").join(replaced)


def _like(word: str, known: Collection[str]) -> str:
    if is_han(word):
        return _sounding(word, known)
    return _looking(word, known) if len(word) >= _SHORTEST and word.isascii() else ""


def _sounding(word: str, known: Iterable[str]) -> str:
    """A word that is pronounced the same, or differs in one character; typing by sound errs like that."""
    sound = sounds(word)[0]
    if not sound:
        return ""
    alike = [each for each in known if len(each) == len(word) and is_han(each)]
    same = [each for each in alike if sounds(each)[0] == sound]
    if same:
        return max(same, key=lambda each: (_shared(each, word), each))
    if len(word) >= 3:
        near = [each for each in alike if _shared(each, word) == len(word) - 1]
        return min(near, default="")
    return ""


def _shared(one: str, other: str) -> int:
    return sum(a == b for a, b in zip(one, other, strict=True))


def _looking(word: str, known: Iterable[str]) -> str:
    """A word that one or two slips away, as it is written or as it sounds."""
    most = 1 if len(word) < 6 else 2
    best, best_slips = "", most + 1
    for each in sorted(known):
        written = each if each.isascii() else sounds(each)[0]
        if written and abs(len(written) - len(word)) <= most and (slips := distance(word, written, most)) < best_slips:
            best, best_slips = each, slips
    return best


def distance(one: str, other: str, most: int) -> int:
    """How many letters were left out, added, exchanged or turned round; `most` + 1 where it is more."""
    before: list[int] = []
    line = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        earlier, before, line = before, line, [i]
        for j, b in enumerate(other, start=1):
            steps = min(before[j] + 1, line[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                steps = min(steps, earlier[j - 2] + 1)
            line.append(steps)
        if min(line) > most:
            return most + 1
    return line[-1]
