"""Cutting text into words, the same way for the index and for queries."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import rjieba

#: Raise it when the cutting changes: the index is then made anew.
VERSION = 1

#: Words of this trade that a general dictionary takes apart.
_TERMS = (
    "云服务器",
    "对象存储",
    "等保三级",
    "等保二级",
    "小程序",
    "堡垒机",
    "信创",
    "数据备份",
    "直播带货",
    "扫码收款",
)

#: What people say for what providers write; asked for the first, the others will do.
_SAME = {
    "invoice": ("fapiao",),
    "开店": ("网店", "商城"),
    "网店": ("商城",),
    "记账": ("对账",),
    "收钱": ("收款",),
    "sms": ("短信",),
    "丢": ("备份", "找回"),
    "丢失": ("备份", "找回"),
    "中毒": ("备份", "安全检查"),
}
#: Words that say nothing about what is wanted.
_EMPTY = frozenset(["的", "了", "里", "在", "是", "和", "与", "或", "吗", "呢", "我", "您", "你", "我们", "公司", "想", "要", "怕", "把", "能", "会", "有", "怎么", "哪里", "什么", "一个", "一下", "a", "an", "the", "to", "of", "for", "in", "my", "our", "i", "we", "want", "need", "how"])


@cache
def _cutter() -> rjieba.Jieba:
    cutter = rjieba.Jieba()
    for term in _TERMS:
        cutter.add_word(term, 10_000, "n")
    return cutter


def cut(text: str) -> list[str]:
    """The words of a text in lower case, long words with their parts; no spaces, no punctuation."""
    words = _cutter().cut_for_search(text.lower(), True)
    return [word for word in words if any(letter.isalnum() for letter in word)]


def telling(words: Iterable[str]) -> list[str]:
    """Those of the words that say what is wanted."""
    return [word for word in words if word not in _EMPTY]


def same(word: str) -> tuple[str, ...]:
    """The word and what providers write for it."""
    return (word, *_SAME.get(word, ()))
