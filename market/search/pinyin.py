"""How Chinese words sound when they are typed."""

from __future__ import annotations

from functools import lru_cache

from market.search.words import chinese

#: Longer runs are not typed as one word.
_LONGEST = 12


def is_han(text: str) -> bool:
    """Whether a text is Chinese characters only."""
    return bool(text) and all("\u3400" <= letter <= "\u9fff" for letter in text)


@lru_cache(maxsize=50_000)
def sounds(word: str) -> tuple[str, str]:
    """A Chinese word in syllables and in their first letters: 备份 is `beifen`, `bf`; two empty texts for others."""
    if not is_han(word) or len(word) > _LONGEST:
        return "", ""
    syllables = chinese().lazy_pinyin(word, errors="ignore")
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)
