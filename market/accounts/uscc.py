"""统一社会信用代码 (GB 32100-2015): 18 characters, checked twice.

The last character checks the first seventeen (mod 31); characters 9–17 are an organization code
with a check digit of their own (GB 11714, mod 11).
"""

from __future__ import annotations

from market.kit.refusal import Refusal

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def normal(code: str) -> str:
    """Without spaces, in capitals: how it is stored and compared."""
    return "".join(code.split()).upper()


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
    if check_digit(code[:17]) != code[17] or organization_digit(code[8:16]) != code[16]:
        return Refusal("统一社会信用代码的校验位对不上，可能有一位输错了。请对照营业执照检查。")
    return None


def check_digit(first: str) -> str:
    """The 18th character for the first seventeen."""
    total = sum(_ALPHABET.index(c) * w for c, w in zip(first, _WEIGHTS, strict=True))
    return _ALPHABET[(31 - total % 31) % 31]


def organization_digit(first: str) -> str:
    """The ninth character of an organization code for its first eight."""
    total = sum(int(c, 36) * w for c, w in zip(first, _ORGANIZATION_WEIGHTS, strict=True))
    return {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
