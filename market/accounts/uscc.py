"""统一社会信用代码 (GB 32100-2015): 18 characters, checked twice.

Characters 3–8 are the division of registration. The last character checks the first seventeen (mod 31); characters 9–17 are an organization code
with a check digit of their own (GB 11714, mod 11).
"""

from __future__ import annotations

import unicodedata

from market.kit.refusal import Refusal

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def normal(code: str) -> str:
    """Without spaces, in capitals, wide letters made narrow: how it is stored and compared."""
    return "".join(unicodedata.normalize("NFKC", code).split()).upper()


def problem(code: str) -> Refusal | None:
    """What is wrong with a code, as a sentence for the person who typed it; None if nothing is."""
    if len(code) != 18:
        return Refusal(
            "统一社会信用代码应为 18 位，现在是 %(count)d 位。请对照营业执照补全。", count=len(code)
        )
    wrong = [c for c in code if c not in _ALPHABET]
    if wrong:
        return Refusal(
            "统一社会信用代码里不会出现“%(letter)s”（没有字母 I、O、S、V、Z）。请对照营业执照检查。",
            letter=wrong[0],
        )
    if organization_digit(code[8:16]) != code[16]:
        return Refusal(
            "第 9–17 位（%(part)s）的校验位对不上，多半是这一段输错了一位。请对照营业执照检查。", part=code[8:17]
        )
    if check_digit(code[:17]) != code[17]:
        return Refusal(
            "最后一位校验位（%(letter)s）对不上：前面有一位输错了，或最后一位不对。请对照营业执照检查。", letter=code[17]
        )
    return None


def place(code: str) -> str:
    """The prefecture-level city where a code was given out, such as `440300`: a hint, as firms move."""
    return f"{code[2:6]}00" if len(code) == 18 else ""


def check_digit(first: str) -> str:
    """The 18th character for the first seventeen."""
    total = sum(_ALPHABET.index(c) * w for c, w in zip(first, _WEIGHTS, strict=True))
    return _ALPHABET[(31 - total % 31) % 31]


def organization_digit(first: str) -> str:
    """The ninth character of an organization code for its first eight."""
    total = sum(int(c, 36) * w for c, w in zip(first, _ORGANIZATION_WEIGHTS, strict=True))
    return {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
