"""Exact numbers as text: all decimals where they end."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.rating.numbers import decimal_places, exact_text, fraction_text


@pytest.mark.parametrize(
    ("exact", "text", "places"),
    [
        (Fraction("143"), "143", 0),
        (Fraction("1.5015"), "1.5015", 4),
        (Fraction(1, 3), "0.333333333333", None),
        (Fraction(2, 3), "0.666666666667", None),
        (Fraction(-1, 8), "-0.125", 3),
        (Fraction(100), "100", 0),
        (Fraction(0), "0", 0),
        (Fraction("0.00000000000001"), "0.00000000000001", 14),
    ],
)
def test_a_decimal_that_ends_is_written_to_its_end_and_others_to_twelve_places(exact, text, places):
    assert exact_text(exact) == text
    assert decimal_places(exact) == places


@given(st.fractions())
def test_stored_fractions_come_back_exactly(exact):
    assert Fraction(fraction_text(exact)) == exact


@given(st.decimals(allow_nan=False, allow_infinity=False, places=14))
def test_a_decimal_is_written_exactly(number):
    assert Fraction(exact_text(Fraction(number))) == Fraction(number)
