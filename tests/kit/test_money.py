"""Money is integer fen: rounded once, split without loss, written the way a bill wants it."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kit import money

FEN = st.integers(min_value=-(10**13), max_value=10**13)
RATES = st.sampled_from([Decimal(rate) for rate in ("0", "0.01", "0.03", "0.06", "0.09", "0.13")])


@pytest.mark.parametrize(
    ("exact", "expected"),
    [
        (Decimal("1.5015"), 150),
        (Decimal("0.005"), 1),
        (Decimal("-0.005"), -1),
        (Decimal("0.0049999999"), 0),
        (Decimal("2.675"), 268),
        (Fraction(1, 3), 33),
        (Fraction(-2, 3), -67),
        (Fraction(0), 0),
        (7, 700),
    ],
)
def test_exact_yuan_become_fen_half_up_and_away_from_zero(exact, expected):
    assert money.fen(exact) == expected


def test_a_float_is_never_money():
    with pytest.raises(TypeError):
        money.fen(1.1)


def test_fen_are_read_as_yuan_with_two_decimals():
    assert str(money.yuan(123450)) == "1234.50"
    assert [money.text(fen) for fen in (-123456, 5, 0, 100)] == ["-1,234.56", "0.05", "0.00", "1.00"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1,234.56", 123456), ("¥99", 9900), (" ￥ 0.5 ", 50), ("-3.20", -320), ("1234567", 123456700), ("0", 0)],
)
def test_written_amounts_are_read(written, expected):
    assert money.parse_yuan(written) == expected


@pytest.mark.parametrize("written", ["", "  ", "1,23", "1.234", "1e3", "NaN", "12元", "１２", ".5", "9" * 30, "--1"])
def test_what_is_no_amount_is_refused_in_words(written):
    with pytest.raises(money.InvalidAmount) as refusal:
        money.parse_yuan(written)
    assert str(refusal.value)
    assert refusal.value.code == "invalid_amount"


@given(FEN)
def test_a_written_amount_is_read_back(amount):
    assert money.parse_yuan(money.text(amount)) == amount


def test_one_yuan_split_three_ways_is_34_33_33():
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]
    assert money.split(-100, [1, 1, 1]) == [-34, -33, -33]


def test_a_part_without_weight_gets_nothing():
    assert money.split(101, [0, 2, 1]) == [0, 67, 34]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 5]])
def test_weights_that_cannot_share_anything_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        money.split(100, weights)


@given(FEN, st.lists(st.decimals(0, 10**6, places=3), min_size=1, max_size=12).filter(any))
def test_parts_add_up_and_lie_within_a_fen_of_their_share(total, weights):
    parts = money.split(total, weights)
    whole = sum(Fraction(weight) for weight in weights)
    assert sum(parts) == total
    assert all(
        abs(part - total * Fraction(weight) / whole) < 1 for part, weight in zip(parts, weights, strict=True)
    )


@pytest.mark.parametrize(
    ("gross", "rate", "expected"),
    [
        (15000, "0.06", (14151, 849)),
        (-15000, "0.06", (-14151, -849)),
        (9900, "0.06", (9340, 560)),
        (10000, "0", (10000, 0)),
        (1, "0.06", (1, 0)),
        (10300, "0.03", (10000, 300)),
    ],
)
def test_a_gross_amount_becomes_net_and_tax(gross, rate, expected):
    assert money.net_and_tax(gross, Decimal(rate)) == expected


@given(FEN, RATES)
def test_net_and_tax_add_up_and_have_the_sign_of_the_gross(gross, rate):
    net, tax = money.net_and_tax(gross, rate)
    assert net + tax == gross
    assert net * gross >= 0
    assert tax * gross >= 0


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("214.36", "贰佰壹拾肆元叁角陆分"),
        ("0", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("0.56", "伍角陆分"),
        ("1", "壹元整"),
        ("10", "壹拾元整"),
        ("10.05", "壹拾元零伍分"),
        ("100.50", "壹佰元零伍角整"),
        ("101.50", "壹佰零壹元伍角整"),
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "壹拾万柒仟元零伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("10001", "壹万零壹元整"),
        ("10010", "壹万零壹拾元整"),
        ("100000", "壹拾万元整"),
        ("1000100", "壹佰万零壹佰元整"),
        ("10000000", "壹仟万元整"),
        ("100000000", "壹亿元整"),
        ("100000001", "壹亿零壹元整"),
        ("105000000", "壹亿零伍佰万元整"),
        ("110000000", "壹亿壹仟万元整"),
        ("1000000000000", "壹万亿元整"),
        ("1000500000000", "壹万零伍亿元整"),
        ("1000050000000", "壹万亿零伍仟万元整"),
        ("9999999999999999.99", "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        ("-100", "负壹佰元整"),
        ("-0.01", "负壹分"),
    ],
)
def test_amounts_are_written_in_capital_numerals(amount, expected):
    assert money.capital(int(Decimal(amount) * 100)) == "人民币" + expected


def test_capital_numerals_end_before_ten_thousand_trillion():
    with pytest.raises(ValueError, match="capital"):
        money.capital(10**18)


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_capital_numerals_never_double_a_zero_and_read_back_to_the_amount(amount):
    words = money.capital(amount)
    assert "零零" not in words
    assert _read_capital(words) == amount


def _read_capital(words: str) -> int:
    digits = {word: value for value, word in enumerate("零壹贰叁肆伍陆柒捌玖")}
    places = {"拾": 10, "佰": 100, "仟": 1000}
    total, section, digit = 0, 0, 0
    for sign in words.removeprefix("人民币").removesuffix("整"):
        if sign in digits:
            digit = digits[sign]
        elif sign in places:
            section, digit = section + digit * places[sign], 0
        elif sign == "万":
            total, section, digit = total + (section + digit) * 10**4, 0, 0
        elif sign == "亿":
            total, section, digit = (total + section + digit) * 10**8, 0, 0
        elif sign == "元":
            total, section, digit = (total + section + digit) * 100, 0, 0
        else:
            total, digit = total + digit * {"角": 10, "分": 1}[sign], 0
    return total
