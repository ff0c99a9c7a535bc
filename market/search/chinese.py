"""Chinese words in running text and how they sound: the only module that knows rjieba and pypinyin."""

from __future__ import annotations

import rjieba
from pypinyin import lazy_pinyin

from market.search.lexicon import lexicon

__all__ = ["cut", "cut_for_search", "lazy_pinyin"]

_COMMON = 10_000  # how often a term is taken to occur: enough to be kept whole

cut, cut_for_search = rjieba.cut, rjieba.cut_for_search
for _term in lexicon().terms:
    rjieba.add_word(_term, _COMMON, "n")
