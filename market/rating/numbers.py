"""Exact numbers as text and back."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from market.kit.rounding import half_up

PLACES = 12


def decimal_places(exact: Fraction) -> int | None:
    """How many places the decimal needs; None when it never ends."""
    return _places(exact.denominator)


@lru_cache(maxsize=4096)
def _places(rest: int) -> int | None:
    places = 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    for factor in (2, 5):
        while rest % factor == 0:
            rest, places = rest // factor, places + 1
    return places if rest == 1 else None


def exact_text(exact: Fraction) -> str:
    """Decimal text: exact when the decimal ends, else twelve places, half up."""
    places = _places(exact.denominator)
    if places is None:
        return _written(half_up(exact * 10**PLACES), PLACES)
    return _written(exact.numerator * (10**places // exact.denominator), places)


def fraction_text(exact: Fraction) -> str:
    """Text that `Fraction()` reads back unchanged: a decimal when it ends, else `10000/31`."""
    return str(exact) if _places(exact.denominator) is None else exact_text(exact)


def _written(digits: int, places: int) -> str:
    """`digits` ÷ 10^`places` in plain digits, as `kit.quantity.text` writes it."""
    if not places:
        return str(digits)
    written = str(abs(digits)).rjust(places + 1, "0")
    whole, rest = written[:-places], written[-places:].rstrip("0")
    return ("-" if digits < 0 else "") + (f"{whole}.{rest}" if rest else whole)
