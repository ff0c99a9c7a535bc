"""One way of rounding: half up, away from zero; and parts that add up."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kit.refusal import Refusal
from market.kit.rounding import half_up, largest_remainder, scaled


@pytest.mark.parametrize(
    ("exact", "expected"),
    [("0.5", 1), ("-0.5", -1), ("1.5", 2), ("2.5", 3), ("-2.5", -3), ("0.4999", 0), ("-1.4999", -1), ("7", 7)],
)
def test_a_half_goes_away_from_zero(exact, expected):
    assert half_up(Fraction(exact)) == expected


@given(st.fractions())
def test_a_credit_mirrors_its_charge(exact):
    assert half_up(-exact) == -half_up(exact)
    assert abs(half_up(exact) - exact) <= Fraction(1, 2)


@given(st.lists(st.fractions(), max_size=10))
def test_the_largest_remainders_are_rounded_up(ideals):
    total = half_up(sum(ideals, Fraction(0)))
    parts = largest_remainder(ideals, total)
    assert sum(parts) == total
    assert all(abs(part - ideal) <= 1 for part, ideal in zip(parts, ideals, strict=True))


def test_a_total_that_is_no_rounding_of_its_parts_is_a_mistake():
    with pytest.raises(ValueError, match="no rounding"):
        largest_remainder([Fraction(1), Fraction(2)], 9)


def test_long_numbers_keep_every_digit():
    assert f"{scaled(-(10**40 + 1), 6):f}" == "-1" + "0" * 34 + ".000001"


def test_a_refusal_fills_its_words():
    refusal = Refusal("最多 %(places)s 位小数", places=6)
    assert str(refusal) == "最多 6 位小数"
    assert (refusal.message, refusal.params, refusal.code) == ("最多 %(places)s 位小数", {"places": 6}, "invalid")
    assert str(Refusal("100%")) == "100%"
