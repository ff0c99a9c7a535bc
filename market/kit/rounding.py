"""The one way numbers are rounded here: half up, away from zero."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction


def half_up(exact: Fraction) -> int:
    """The nearest integer; a half goes away from zero, so a credit mirrors its charge."""
    return half_up_ratio(exact.numerator, exact.denominator)


def half_up_ratio(number: int, parts: int) -> int:
    """The same of `number` ÷ `parts`, which are more than nothing."""
    nearest = (2 * abs(number) + parts) // (2 * parts)
    return nearest if number >= 0 else -nearest


def largest_remainder(ideals: list[Fraction], total: int) -> list[int]:
    """Integers that add up to `total`, each within one of its ideal; ties go to the earlier position.

    `total` has to be a rounding of the ideals' sum, or ValueError.
    """
    parts = [ideal.numerator // ideal.denominator for ideal in ideals]
    missing = total - sum(parts)
    if not 0 <= missing <= len(parts):
        raise ValueError(f"{total} is no rounding of {sum(ideals, Fraction(0))}")
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - ideals[i], i))
    for position in by_remainder[:missing]:
        parts[position] += 1
    return parts


def scaled(digits: int, places: int) -> Decimal:
    """`digits` ÷ 10^`places`, exact at any length: Decimal's own operations would round to 28 digits."""
    return Decimal((0 if digits >= 0 else 1, tuple(map(int, str(abs(digits)))), -places))
