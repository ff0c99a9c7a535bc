"""E-mail addresses: how they are written, and what cannot be one."""

from __future__ import annotations

import re
import unicodedata

from market.kit.refusal import Refusal

#: Not all that RFC 5322 allows, but all that mail servers of firms hand out; the length is that of SMTP.
_SHAPE = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
LONGEST = 254


def normal(email: str) -> str:
    """How an address is stored and compared; what a Chinese keyboard writes wide (＠ and 。) is meant narrow."""
    return unicodedata.normalize("NFKC", email).replace("。", ".").strip().lower()


def problem(email: str) -> Refusal | None:
    """What is wrong with an address, None if mail could go there."""
    text = normal(email)
    if "@" not in text:
        return Refusal("邮箱里要有“@”，例如 wang@example.com。")
    if len(text) > LONGEST or not _SHAPE.fullmatch(text) or ".." in text:
        return Refusal("这个邮箱写得不完整，或有不能用的字符。请检查，例如 wang@example.com。")
    return None
