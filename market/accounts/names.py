"""People's names: what a box for one may hold."""

from __future__ import annotations

from market.kit.refusal import Refusal

LONGEST = 60


def problem(name: str) -> Refusal | None:
    """What is wrong with a person's name, None if it can stand under a bill."""
    text = name.strip()
    if not text:
        return Refusal("填写您的姓名，账单和审批记录会用到。")
    if not text.isprintable():
        return Refusal("姓名里有看不见的字符。请重新输入，不要从别处复制。")
    if len(text) > LONGEST:
        return Refusal("姓名最多 %(longest)s 个字，现在是 %(count)s 个。", longest=LONGEST, count=len(text))
    return None
