"""Money: integer fen. Exact arithmetic first, one rounding last, parts that add up to the whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from market.kit.capitals import capital as capital
from market.kit.refusal import Refusal
from market.kit.rounding import half_up, half_up_ratio, largest_remainder, scaled

_YUAN = re.compile(r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]{1,2})?")
#: No amount comes to so much; sums of thousands still fit in BIGINT.
LARGEST_FEN = 10**15


class InvalidAmount(Refusal):
    """The text is no amount of money."""

    code = "invalid_amount"


def fen(exact: Fraction | Decimal | int) -> int:
    """Yuan, exact, to fen: half up, away from zero. The only place where money is rounded."""
    if not isinstance(exact, Fraction | Decimal | int):
        raise TypeError(f"money is never computed from {type(exact).__name__}")
    number, parts = exact.as_integer_ratio()
    return half_up_ratio(100 * number, parts)


def yuan(amount_fen: int) -> Decimal:
    """Fen as yuan with exactly two decimals."""
    return scaled(amount_fen, 2)


def text(amount_fen: int) -> str:
    """`-123456` → `-1,234.56`; no currency sign."""
    return f"{yuan(amount_fen):,.2f}"


def parse_yuan(written: str) -> int:
    """`"1,234.56"`, `"¥99"` or `"99.5"` to fen; InvalidAmount for anything else."""
    cleaned = written.strip().removeprefix("¥").removeprefix("￥").strip()
    if not cleaned:
        raise InvalidAmount("请填写金额")
    if not _YUAN.fullmatch(cleaned):
        raise InvalidAmount("“%(written)s”不是金额：请写成 1234.56 的样子，最多两位小数", written=written[:40])
    amount = fen(Decimal(cleaned.replace(",", "")))
    if abs(amount) >= LARGEST_FEN:
        raise InvalidAmount("金额太大：须小于 10 万亿元")
    return amount


def split(total_fen: int, weights: Sequence[int | Decimal | Fraction]) -> list[int]:
    """`total_fen` in proportion to `weights` by largest remainder; the parts add up, ties go to the earlier one.

    Weights are not negative and not all zero (ValueError); a negative total mirrors the positive one.
    """
    shares = [Fraction(weight) for weight in weights]
    whole = sum(shares, Fraction(0))
    if whole <= 0 or min(shares) < 0:
        raise ValueError("weights must not be negative and not all zero")
    size = abs(total_fen)
    parts = largest_remainder([size * share / whole for share in shares], size)
    return parts if total_fen >= 0 else [-part for part in parts]


def net_and_tax(gross_fen: int, rate: Decimal) -> tuple[int, int]:
    """A tax-inclusive amount as (net, tax): net = gross ÷ (1 + rate) rounded once, tax = what remains."""
    if rate < 0:
        raise ValueError("a tax rate is not negative")
    net = half_up(Fraction(gross_fen) / (1 + Fraction(rate)))
    return net, gross_fen - net
