"""Charge terms: read from JSON, refused in words, written back unchanged."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import rating
from market.rating import InvalidTerms
from tests.rating.examples import ANY_TERMS, graduated, monthly, package, per_unit, percentage, volume

OPEN = {"up_to": None, "unit_price": "0.05"}


def graduated_of(*rows, **more):
    return {"model": "graduated", "tiers": list(rows), **more}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"model": "flat", "interval": "month", "amount": "99.00"}, monthly("99")),
        ({"model": "per_unit", "unit_price": "0.12", "included": "500"}, per_unit("0.12", included="500")),
        ({"model": "per_unit", "unit_price": " 0.00000001 "}, per_unit("0.00000001")),
        ({"model": "per_unit", "unit_price": "1", "included": ""}, per_unit("1")),
        (
            graduated_of({"up_to": "1000", "unit_price": "0.1", "flat": "0"}, OPEN),
            graduated(("1000", "0.1"), (None, "0.05")),
        ),
        (
            {"model": "volume", "tiers": [{"up_to": "15", "unit_price": "10", "flat": "3"}, OPEN], "included": "2"},
            volume(("15", "10", "3"), (None, "0.05"), included="2"),
        ),
        ({"model": "package", "package_size": "1000", "package_price": "5.00"}, package("1000", "5")),
        (
            {"model": "percentage", "percent": "0.6", "fee": "0.1", "fee_minimum": "0.2", "fee_maximum": "25", "discount": "10"},
            percentage("0.6", "0.1", "0.2", "25", discount="10"),
        ),
        ({"model": "percentage", "percent": "0.6", "minimum": "10.00", "maximum": ""}, percentage("0.6", minimum="10")),
    ],
)
def test_terms_are_read_from_json(raw, expected):
    assert rating.parse(raw) == expected


@pytest.mark.parametrize(
    ("raw", "field", "words"),
    [
        ({}, "model", "未知的计费方式"),
        ({"model": "per_head"}, "model", "未知的计费方式：per_head"),
        ({"model": "percentage"}, "percent", "请填写"),
        ({"model": "percentage", "percent": "100.1"}, "percent", "不能超过 100"),
        ({"model": "percentage", "percent": "1", "rounding": "up"}, "rounding", "没有“rounding”"),
        ({"model": "percentage", "percent": "1", "fee_maximum": "0"}, "fee_maximum", "须大于 0"),
        ({"model": "percentage", "percent": "1", "fee_minimum": "2", "fee_maximum": "1"}, "fee_maximum", "不能少于每笔至少收的 2 元"),
        ({"model": "percentage", "percent": "1", "fee_minimum": "2", "included": "5"}, "included", "哪几笔"),
        ({"model": "per_unit", "unit_price": "1", "discount": "101"}, "discount", "不能超过 100"),
        ({"model": "per_unit", "unit_price": "1", "minimum": "5", "maximum": "4.99"}, "maximum", "不能少于每期至少收的 5.00 元"),
        ({"model": "per_unit", "unit_price": "1", "maximum": "0"}, "maximum", "须大于 0"),
        ({"model": "flat", "interval": "month", "amount": "9", "minimum": "1"}, "minimum", "没有“minimum”"),
        ({"model": ["flat"]}, "model", "未知的计费方式"),
        ([], "", "须是一个对象"),
        ({"model": "flat", "amount": "9"}, "interval", "按月"),
        ({"model": "flat", "amount": "9", "interval": "week"}, "interval", "按月"),
        ({"model": "flat", "amount": "9", "interval": []}, "interval", "按月"),
        ({"model": "flat", "interval": "month"}, "amount", "请填写"),
        ({"model": "flat", "interval": "month", "amount": "9.999"}, "amount", "最多 2 位小数"),
        ({"model": "flat", "interval": "month", "amount": "9", "included": "1"}, "included", "没有“included”"),
        ({"model": "per_unit"}, "unit_price", "请填写"),
        ({"model": "per_unit", "unit_price": "-1"}, "unit_price", "不能小于 0"),
        ({"model": "per_unit", "unit_price": 0.12}, "unit_price", "十进制数字文本"),
        ({"model": "per_unit", "unit_price": "1e3"}, "unit_price", "十进制数字文本"),
        ({"model": "per_unit", "unit_price": "NaN"}, "unit_price", "十进制数字文本"),
        ({"model": "per_unit", "unit_price": "0.123456789"}, "unit_price", "最多 8 位小数"),
        ({"model": "per_unit", "unit_price": "1000000000"}, "unit_price", "太大"),
        ({"model": "per_unit", "unit_price": "1", "included": "0.0000001"}, "included", "最多 6 位小数"),
        ({"model": "per_unit", "unit_price": "1", "interval": "month"}, "interval", "没有“interval”"),
        ({"model": "package", "package_size": "0", "package_price": "1"}, "package_size", "大于 0"),
        ({"model": "package", "package_size": "10"}, "package_price", "请填写"),
        (graduated_of(), "tiers", "至少填写一档"),
        ({"model": "volume"}, "tiers", "至少填写一档"),
        ({"model": "volume", "tiers": "none"}, "tiers", "至少填写一档"),
        (graduated_of(*[OPEN] * 21), "tiers", "最多 20 档"),
        (graduated_of("1"), "tiers.0", "上限和单价"),
        (graduated_of({"up_to": "10", "unit_price": "1"}), "tiers.0.up_to", "最后一档不能有上限"),
        (graduated_of(OPEN, OPEN), "tiers.0.up_to", "第 1 档缺少上限"),
        (graduated_of({"up_to": "0", "unit_price": "1"}, OPEN), "tiers.0.up_to", "须大于 0"),
        (
            graduated_of({"up_to": "10", "unit_price": "1"}, {"up_to": "10", "unit_price": "1"}, OPEN),
            "tiers.1.up_to",
            "第 2 档的上限须大于 10，否则与前一档重叠",
        ),
        (graduated_of({"up_to": "10"}, OPEN), "tiers.0.unit_price", "请填写"),
        (graduated_of({"up_to": "10", "unit_price": "1", "from": "2"}, OPEN), "tiers.0.from", "没有“from”"),
        (graduated_of({"up_to": "10", "unit_price": "1", "flat": "0.001"}, OPEN), "tiers.0.flat", "最多 2 位小数"),
    ],
)
def test_terms_that_cannot_be_rated_are_refused_by_field_and_in_words(raw, field, words):
    with pytest.raises(InvalidTerms) as refusal:
        rating.parse(raw)
    assert refusal.value.field == field
    assert words in str(refusal.value)


@given(ANY_TERMS)
def test_terms_come_back_from_storage_as_they_were(terms):
    stored = json.loads(json.dumps(rating.dump(terms)))
    assert rating.parse(stored) == terms
    assert rating.model_of(terms) == stored["model"]
    assert stored["model"] in rating.MODELS


def test_stored_terms_are_plain_decimal_text():
    assert rating.dump(rating.parse(graduated_of({"up_to": "1000.0", "unit_price": "0.10"}, OPEN))) == {
        "model": "graduated",
        "tiers": [
            {"up_to": "1000", "unit_price": "0.1", "flat": "0.00"},
            {"up_to": None, "unit_price": "0.05", "flat": "0.00"},
        ],
        "included": "0",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(rating.MODELS),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["model", "tiers", "amount", "interval", "unit_price", "up_to"]), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_either_terms_or_refused(raw):
    try:
        terms = rating.parse(raw)
    except InvalidTerms as refusal:
        assert str(refusal)
        assert str(rating.problems(raw)[0]) == str(refusal)
    else:
        assert rating.rate(terms, Decimal(1)).fen >= 0
        assert not rating.problems(raw)


def test_every_wrong_number_is_found_and_a_wrong_bound_ends_the_list():
    rows = [{"up_to": "10", "unit_price": "x", "flat": "-1"}, {"up_to": "5", "unit_price": ""}, {"up_to": "5", "unit_price": "1"}]
    found = rating.problems(graduated_of(*rows, included="y"))
    assert [each.field for each in found] == ["tiers.0.unit_price", "tiers.0.flat", "tiers.1.unit_price", "tiers.1.up_to"]
    package = {"model": "package", "package_size": "0", "package_price": "", "included": "y"}
    assert [each.field for each in rating.problems(package)] == ["package_size", "package_price", "included"]
    assert [each.field for each in rating.problems({"model": "none"})] == ["model"]
