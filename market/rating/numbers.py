"""Exact numbers as text and back."""

from __future__ import annotations

from fractions import Fraction

from market.kit import quantity
from market.kit.rounding import half_up, scaled

PLACES = 12


def decimal_places(exact: Fraction) -> int | None:
    """How many places the decimal needs; None when it never ends."""
    rest, places = exact.denominator, 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    for factor in (2, 5):
        while rest % factor == 0:
            rest, places = rest // factor, places + 1
    return places if rest == 1 else None


def exact_text(exact: Fraction) -> str:
    """Decimal text: exact when the decimal ends, else twelve places, half up."""
    places = decimal_places(exact)
    if places is None:
        places = PLACES
    return quantity.text(scaled(half_up(exact * 10**places), places))


def fraction_text(exact: Fraction) -> str:
    """Text that `Fraction()` reads back unchanged: a decimal when it ends, else `10000/31`."""
    return str(exact) if decimal_places(exact) is None else exact_text(exact)
