"""What the cells of a bank's spreadsheet mean: days, amounts, directions. Pure; what cannot be read is said in words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from market.kit import money
from market.kit.refusal import Refusal
from market.payments.statements import vocabulary

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?\d{2}:?\d{2}(?::?\d{2})?)?", re.ASCII)
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+\d+", re.ASCII | re.IGNORECASE)
_NOTHING = frozenset({"", "-", "--", "—", "/", "0", "0.00"})


def day(written: str) -> date:
    """`2026-11-06`, `2026/11/6 14:03`, `2026年11月6日` or `20261106`. Raises Refusal."""
    plain = unicodedata.normalize("NFKC", written).strip()
    if not plain:
        raise Refusal("没有日期")
    found = vocabulary.DAY.fullmatch(plain) or _COMPACT.fullmatch(plain)
    try:
        if found is None:
            raise ValueError(plain)
        year, month, of_month = (int(part) for part in found.groups())
        return date(year, month, of_month)
    except ValueError as error:
        raise Refusal("“%(written)s”不是日期，请检查日期选的是哪一列", written=written.strip()[:40]) from error


def amount(written: str) -> int:
    """Fen. Thousands are told apart by commas, less than nothing by `-` or brackets. Raises Refusal."""
    plain = "".join(unicodedata.normalize("NFKC", written).split()).lstrip("'")
    for mark in vocabulary.CURRENCY:
        plain = plain.removeprefix(mark).removesuffix(mark)
    if plain in _NOTHING:
        return 0
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    sign, plain = (-1, plain[1:]) if plain.startswith("-") else (1, plain.removeprefix("+"))
    try:
        return sign * money.parse_yuan(plain.removeprefix("¥"))
    except money.InvalidAmount as error:
        raise Refusal("“%(written)s”不是金额，请检查金额选的是哪一列", written=written.strip()[:40]) from error


def direction(written: str) -> int:
    """1 for money that came in, -1 for money that went out. Raises Refusal."""
    plain = unicodedata.normalize("NFKC", written).strip().casefold()
    if plain in vocabulary.IN:
        return 1
    if plain in vocabulary.OUT:
        return -1
    raise Refusal("“%(written)s”看不出是收入还是支出，请检查收支方向选的是哪一列", written=written.strip()[:40])


def reference(written: str) -> str:
    """The bank's own number; zeros in its column are none. Raises Refusal for one that a spreadsheet has rounded: it names
    nothing any more."""
    plain = unicodedata.normalize("NFKC", written).strip().strip("'=\"")
    if _SCIENTIFIC.fullmatch(plain):
        raise Refusal("流水号被表格软件改成了科学计数法（%(written)s）。请直接上传从网银下载的文件，不要用表格软件另存", written=plain)
    if len(plain) > 64:
        raise Refusal("流水号太长，最多 64 个字。请检查流水号选的是哪一列")
    return plain if plain.strip("0-") else ""
