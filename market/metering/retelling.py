"""A refused event's reason in another language: the stored sentence taken apart into its text and what was filled in.

The row keeps the filled sentence, in Chinese. The texts that have something filled in are few and known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from market.metering.models import RefusedEvent

#: Every text of an `EventRefused` with something in it.
TEXTS = (
    "“%(value)s”不是数字",
    "%(value)s 不是数字。",
    "数值“%(value)s”里有千位分隔符。请去掉，例如写成 1234.5。",
    "数量最多 %(places)s 位小数",
    "编号（id）要和原来的一样：%(id)s。",
    "编号被表格软件改成了科学计数法（%(id)s）。请把这一列设为“文本”，重新填写编号。",
    "缺少 %(name)s。",
    "%(name)s 须是文字。",
    "%(name)s 最多 255 个字符。",
    "%(name)s 不能小于 0。",
    "%(name)s 最大是 %(limit)s。",
    "data 里没有 %(name)s。",
    "%(name)s 须是文字或数字，最多 100 个字符。",
    "source 只能是 “%(source)s”。",
    "这个密钥只能用 source “%(source)s”。",  # as it read until late 2026
    "这一行有 %(cells)s 列，表头只有 %(head)s 列。",
    "time 没有写时区。是北京时间的话，写成 %(example)s。",
    "类型 %(type)s 按次数计量，一行算 1 次，不能再写数值。",
)
_GAP = re.compile(r"%\((\w+)\)s")


def retold(event: RefusedEvent) -> tuple[str, dict[str, str]]:
    """A text for gettext and what fills it; the sentence itself, which may have a translation of its own, without gaps."""
    for text, pattern in _PATTERNS:
        if found := pattern.fullmatch(event.reason):
            return text, found.groupdict()
    return event.reason, {}


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for text in TEXTS:
        parts = _GAP.split(text)
        gaps = "".join(f"(?P<{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
        yield text, re.compile(gaps, re.DOTALL)


_PATTERNS = tuple(_patterns())
