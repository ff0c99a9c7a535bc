"""Quantities are exact decimals with at most six places."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kit import quantity

QUANTITIES = st.decimals(-(10**12) + 1, 10**12 - 1, places=6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.5", "12.5"),
        (3, "3"),
        (0, "0"),
        ("-0", "0"),
        ("0.000001", "0.000001"),
        ("1.2000000000", "1.2"),
        ("1e3", "1000"),
        ("5E-6", "0.000005"),
        ("999999999999.999999", "999999999999.999999"),
        (Decimal("0e-99"), "0"),
        (" 7 ", "7"),
        ("-4.5", "-4.5"),
    ],
)
def test_numbers_are_read_exactly_and_written_plainly(value, expected):
    assert quantity.text(quantity.parse(value)) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("NaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        (Decimal("sNaN"), "not_a_number"),
        (Decimal("-Infinity"), "not_a_number"),
        (True, "not_a_number"),
        (None, "not_a_number"),
        (1.5, "not_a_number"),
        (float("nan"), "not_a_number"),
        ([1], "not_a_number"),
        ({}, "not_a_number"),
        ("", "not_a_number"),
        ("１２", "not_a_number"),
        ("1_000", "not_a_number"),
        ("1,000", "not_a_number"),
        ("0x10", "not_a_number"),
        ("1e9999999999", "not_a_number"),
        ("1000000000000", "too_large"),
        (-(10**12), "too_large"),
        (Decimal("1e999999"), "too_large"),
        ("9" * 5000, "too_large"),
        ("0.0000001", "too_many_decimals"),
        ("1e-999999999", "too_many_decimals"),
        ("0." + "1" * 5000, "too_many_decimals"),
        (Decimal("0.1234560000000000000000000000000001"), "too_many_decimals"),
    ],
)
def test_what_is_no_quantity_is_refused_with_a_code(value, code):
    with pytest.raises(quantity.InvalidQuantity) as refusal:
        quantity.parse(value)
    assert refusal.value.code == code
    assert len(str(refusal.value)) < 100


def test_json_numbers_are_read_without_passing_through_floats():
    raw = json.loads('{"value": 123456789012.123456}', parse_float=Decimal)
    assert quantity.text(quantity.parse(raw["value"])) == "123456789012.123456"


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        (Fraction(1, 3), "0.333333"),
        (Fraction(2, 3), "0.666667"),
        (Fraction(5, 10**7), "0.000001"),
        (Fraction(-5, 10**7), "-0.000001"),
        (Fraction(4, 10**7), "0"),
        (Fraction(10**11), "100000000000"),
        (Fraction(10**30, 3), "3" * 30 + ".333333"),
    ],
)
def test_six_places_half_up(exact, expected):
    assert quantity.text(quantity.round6(exact)) == expected


@given(QUANTITIES)
def test_a_written_quantity_is_read_back(number):
    assert quantity.parse(quantity.text(number)) == number
    assert quantity.round6(Fraction(number)) == number


@given(st.fractions())
def test_rounding_moves_a_quantity_by_half_a_millionth_at_most(exact):
    assert abs(Fraction(quantity.round6(exact)) - exact) <= Fraction(1, 2 * 10**6)


@pytest.mark.parametrize(
    ("written", "unit", "text"),
    [
        ("1", "order", "1 order"), ("20", "order", "20 orders"), ("0", "hour", "0 hours"), ("1.5", "GB·hour", "1.5 GB·hours"),
        ("20", "GB", "20 GB"), ("20", "次", "20 次"), ("20", "GB·小时", "20 GB·小时"), ("2", "visits", "2 visits"),
        ("3", "entry", "3 entries"), ("3", "day", "3 days"), ("3", "batch", "3 batches"), ("5", "person", "5 people"),
        ("5", "fapiao", "5 fapiao"), ("8.475", "1,000 visits", "8.475 × 1,000 visits"), ("1", "seats", "1 seat"), ("1", "GB·hours", "1 GB·hour"),
        ("1", "entries", "1 entry"), ("1", "batches", "1 batch"), ("1", "bus", "1 bus"), ("1", "access", "1 access"), ("7", "", "7"),
    ],
)  # fmt: skip
def test_a_unit_follows_its_number(written: str, unit: str, text: str) -> None:
    assert quantity.measure(written, unit) == text
