"""The size rules of 2011: every bound of every industry, and laws that hold for all of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.accounts import SizeClass, sizes
from market.accounts.sizes import ORDER, WAN_FEN, size_of, words

TODAY = date(2026, 11, 20)
#: As printed: staff, revenue and assets (ten thousand yuan), each large | medium | small.
TABLE = """
agriculture          -             20000|500|50      -
manufacturing        1000|300|20   40000|2000|300    -
construction         -             80000|6000|300    80000|5000|300
wholesale            200|20|5      40000|5000|1000   -
retail               300|50|10     20000|500|100     -
transport            1000|300|20   30000|3000|200    -
warehousing          200|100|20    30000|1000|100    -
post                 1000|300|20   30000|2000|100    -
lodging              300|100|10    10000|2000|100    -
catering             300|100|10    10000|2000|100    -
telecommunications   2000|100|10   100000|1000|100   -
software             300|100|10    10000|1000|50     -
real-estate          -             200000|1000|100   10000|5000|2000
property-management  1000|300|100  5000|1000|500     -
business-services    300|100|10    -                 120000|8000|100
other                300|100|10    -                 -
"""
PLENTY = {"staff": 10**9, "revenue_fen": 10**15, "assets_fen": 10**15}
ROWS = [line.split() for line in TABLE.strip().splitlines()]
BOUNDS = [
    pytest.param(slug, figure, int(bound) * (1 if figure == "staff" else WAN_FEN), size, id=f"{slug} {figure} {size}")
    for slug, *columns in ROWS
    for figure, column in zip(PLENTY, columns, strict=True)
    if column != "-"
    for bound, size in zip(column.split("|"), reversed(ORDER), strict=False)
]
INDUSTRIES = st.sampled_from([row[0] for row in ROWS])
FIGURE = st.one_of(st.none(), st.integers(0, 2 * 10**12))
FIRM = st.fixed_dictionaries(dict.fromkeys(PLENTY, st.integers(0, 2 * 10**12)))


def of(industry: str | None, **figures: Any) -> sizes.Size:
    return size_of(industry, **{**dict.fromkeys(PLENTY), **figures}, on=TODAY)


def test_the_table_is_whole() -> None:
    assert {row[0] for row in ROWS} == set(sizes.industries(TODAY))


@pytest.mark.parametrize(("industry", "figure", "bound", "size"), BOUNDS)
def test_a_bound_belongs_to_the_class_above_it(industry: str, figure: str, bound: int, size: SizeClass) -> None:
    assert of(industry, **PLENTY | {figure: bound}).size is size
    assert of(industry, **PLENTY | {figure: bound - 1}).size is ORDER[ORDER.index(size) - 1]


@given(INDUSTRIES, FIRM, st.sampled_from(list(PLENTY)), st.integers(0, 10**12))
def test_growing_never_makes_a_firm_smaller(industry: str, firm: dict[str, int], figure: str, more: int) -> None:
    before, after = of(industry, **firm).size, of(industry, **firm | {figure: firm[figure] + more}).size
    assert before and after and ORDER.index(after) >= ORDER.index(before)


@given(INDUSTRIES, FIRM)
def test_the_lowest_figure_decides(industry: str, firm: dict[str, int]) -> None:
    found = of(industry, **firm)
    assert found.size is min((said for _, said in found.figures.values()), key=ORDER.index)
    assert all(of(industry, **PLENTY | {_name(measure): value}).size is said for measure, (value, said) in found.figures.items())


@given(INDUSTRIES, st.fixed_dictionaries(dict.fromkeys(PLENTY, FIGURE)))
def test_only_what_the_industry_asks_for_is_missed(industry: str, firm: dict[str, int | None]) -> None:
    found = of(industry, **firm)
    asked = sizes.industries(TODAY)[industry].measures
    assert found.missing == tuple(measure for measure in asked if firm[_name(measure)] is None)
    assert (found.size is None) == bool(found.missing)
    assert words(found) and words(found, "en").isascii() is ("¥" not in words(found, "en"))


def _name(measure: str) -> str:
    return measure if measure == "staff" else f"{measure}_fen"


@pytest.mark.parametrize(
    ("industry", "figures", "zh", "en"),
    [
        ("software", {"staff": 120, "revenue_fen": 900 * WAN_FEN}, "员工 120 人达到中型，营业收入 900 万元为小型，按规则取小型",
         "120 staff says medium, revenue of ¥9,000,000 says small; by the rules the lower one counts: small"),
        ("software", {"staff": 9, "revenue_fen": 12_345_600}, "员工 9 人为微型，营业收入 12.3456 万元为微型，所以是微型",
         "9 staff says micro, revenue of ¥123,456 says micro, so micro"),
        ("other", {"staff": 1200}, "员工 1,200 人为大型", "1,200 staff says large"),
        ("construction", {"staff": 5}, "还缺年营业收入、资产总额，填了就能算出企业规模", "Still needed to work out the size: yearly revenue, total assets"),
        (None, {}, "还缺行业，填了就能算出企业规模", "Still needed to work out the size: industry"),
        ("alchemy", {"staff": 5}, "还缺行业，填了就能算出企业规模", "Still needed to work out the size: industry"),
    ],
)  # fmt: skip
def test_the_reason_is_a_sentence(industry: str | None, figures: dict[str, int], zh: str, en: str) -> None:
    found = of(industry, **figures)
    assert (words(found), words(found, "en")) == (zh, en)


def test_a_rule_set_counts_from_its_day() -> None:
    assert sizes.rules_on(TODAY).slug == sizes.rules_on(date(2011, 6, 18)).slug == "2011-300"
    assert sizes.rules_on(date(2000, 1, 1)) is sizes.EDITIONS[0]
    assert list(sizes.EDITIONS) == sorted(sizes.EDITIONS, key=lambda rules: rules.since)
