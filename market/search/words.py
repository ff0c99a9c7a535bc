"""Cutting text into words, the same way for the index and for queries."""

from __future__ import annotations

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
