"""The working in words, as a bill, a page and a letter print it."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import rating
from market.rating import Flat, Share, Transactions
from market.rating.phrases import EN, ZH
from market.rating.steps import StepKind
from tests.rating.examples import ANY_USE, graduated, monthly, package, per_unit, percentage, volume

TWENTY_DAYS = Share(Fraction(20, 31), 20, 31)
TIERED = graduated(("1000", "0.1", "5"), (None, "0.0125"))


def lines(terms, quantity, unit="GB", locale="zh", share=Fraction(1)):
    return rating.explain(rating.rate(terms, Decimal(quantity), share=share).steps, unit, locale)


@pytest.mark.parametrize(
    ("terms", "quantity", "expected"),
    [
        (per_unit("0.5"), "286", ["286 GB × ¥0.50 = ¥143.00"]),
        (per_unit("0.5", included="500"), "486", ["套餐内 500 GB，未超出"]),
        (per_unit("0.5", included="200"), "486", ["套餐内 200 GB，超出 286 GB", "286 GB × ¥0.50 = ¥143.00"]),
        (per_unit("0.01"), "150.15", ["150.15 GB × ¥0.01 = ¥1.5015", "合计 ¥1.5015，四舍五入为 ¥1.50"]),
        (monthly("99"), "1", ["1 个月 × ¥99.00 = ¥99.00"]),
        (Flat(Decimal("999"), "year"), "1", ["1 年 × ¥999.00 = ¥999.00"]),
        (Flat(Decimal("5000"), "once"), "1", ["一次性 ¥5,000.00"]),
        (
            TIERED,
            "1600",
            [
                "第 1 档（0–1,000 GB）：1,000 GB × ¥0.10 = ¥100.00",
                "第 1 档固定费 ¥5.00",
                "第 2 档（超过 1,000 GB）：600 GB × ¥0.0125 = ¥7.50",
                "合计 ¥112.50",
            ],
        ),
        (volume(("15", "10"), (None, "5")), "16", ["全部按第 2 档（超过 15 GB）：16 GB × ¥5.00 = ¥80.00"]),
        (volume((None, "5")), "16", ["全部按第 1 档（不限量）：16 GB × ¥5.00 = ¥80.00"]),
        (package("1000", "5"), "2500", ["3 包 × ¥5.00（每包 1,000 GB）= ¥15.00"]),
    ],
)
def test_a_working_is_read_in_chinese(terms, quantity, expected):
    assert list(lines(terms, quantity)) == expected


@pytest.mark.parametrize(
    ("terms", "quantity", "expected"),
    [
        (per_unit("0.5", included="500"), "486", ["500 GB included, not exceeded"]),
        (monthly("99"), "1", ["1 month × ¥99.00 = ¥99.00"]),
        (
            TIERED,
            "1600",
            [
                "Tier 1 (0–1,000 GB): 1,000 GB × ¥0.10 = ¥100.00",
                "Tier 1 fee ¥5.00",
                "Tier 2 (over 1,000 GB): 600 GB × ¥0.0125 = ¥7.50",
                "Total ¥112.50",
            ],
        ),
        (package("1000", "5"), "2500", ["3 × ¥5.00 (packages of 1,000 GB) = ¥15.00"]),
    ],
)
def test_a_working_is_read_in_english(terms, quantity, expected):
    assert list(lines(terms, quantity, locale="en")) == expected


def test_a_part_of_a_month_shows_its_days():
    assert lines(monthly("99"), "1", share=TWENTY_DAYS) == (
        "¥99.00 × 20/31 天 ≈ ¥63.87096774",
        "合计 ≈ ¥63.87096774，四舍五入为 ¥63.87",
    )
    assert lines(monthly("99"), "1", locale="en", share=TWENTY_DAYS)[0] == "¥99.00 × 20/31 days ≈ ¥63.87096774"


def test_a_prorated_allowance_is_shown_as_the_days_it_comes_from():
    assert lines(per_unit("0.12", included="500"), "486", share=TWENTY_DAYS)[:2] == (
        "套餐内 500 GB × 20/31 天，超出 ≈ 163.419355 GB",
        "（486 − 500 × 20/31）GB × ¥0.12 ≈ ¥19.61032258",
    )
    assert lines(per_unit("0.12", included="310"), "486", share=TWENTY_DAYS)[:2] == (
        "套餐内 310 GB × 20/31 天，超出 286 GB",
        "286 GB × ¥0.12 = ¥34.32",
    )


@pytest.mark.parametrize(
    ("bounds", "share", "quantity", "ranges"),
    [
        (("1000", "10000"), Share(Fraction(11, 31), 11, 31), "5000", ["0–≈ 354.84 条", "≈ 354.84–3,548.39 条", "超过 ≈ 3,548.39 条"]),
        (("1000", "3100"), Share(Fraction(1, 31), 1, 31), "200", ["0–≈ 32.26 条", "≈ 32.26–100 条", "超过 100 条"]),
        (("310", "620.5"), Share(Fraction(1, 2), 15, 30), "400", ["0–155 条", "155–310.25 条", "超过 310.25 条"]),
        (("0.01", "31"), Share(Fraction(1, 31), 1, 31), "2", ["0–≈ 0.000323 条", "≈ 0.000323–1 条", "超过 1 条"]),
    ],
)
def test_bounds_cut_by_days_are_rounded_for_the_eye(bounds, share, quantity, ranges):
    terms = graduated((bounds[0], "0.1"), (bounds[1], "0.08"), (None, "0.05"))
    steps = rating.rate(terms, Decimal(quantity), share=share).steps
    for step, said in zip(steps, ranges, strict=True):
        assert f"（{said}）" in rating.formula(step, "条")
    assert sum(step.quantity for step in steps) == Decimal(quantity)


def test_quantities_stay_as_exact_when_bounds_are_rounded():
    terms = graduated(("1000", "0.1"), (None, "0.08"))
    first = rating.rate(terms, Decimal(5000), share=Share(Fraction(11, 31), 11, 31)).steps[0]
    assert rating.formula(first, "条") == "第 1 档（0–≈ 354.84 条）：≈ 354.83871 条 × ¥0.10"
    assert rating.formula(first, "msgs", "en") == "Tier 1 (0–≈ 354.84 msgs): ≈ 354.83871 msgs × ¥0.10"


def test_a_step_without_a_unit_reads_without_a_gap():
    assert rating.formula(rating.rate(per_unit("0.5"), Decimal(3)).steps[0]) == "3 × ¥0.50"


@pytest.mark.parametrize(
    ("terms", "zh", "en"),
    [
        (monthly("99"), ["¥99.00/月/GB"], ["¥99.00/month per GB"]),
        (Flat(Decimal("5000"), "once"), ["¥5,000.00（一次性）"], ["¥5,000.00 once"]),
        (per_unit("0.5", included="200"), ["¥0.50/GB", "每期含 200 GB"], ["¥0.50/GB", "200 GB included per period"]),
        (
            TIERED,
            ["0–1,000 GB：¥0.10/GB，另加 ¥5.00", "超过 1,000 GB：¥0.0125/GB"],
            ["0–1,000 GB: ¥0.10/GB plus ¥5.00", "over 1,000 GB: ¥0.0125/GB"],
        ),
        (package("1000", "5"), ["¥5.00/包（每包 1,000 GB）"], ["¥5.00 per package of 1,000 GB"]),
    ],
)
def test_prices_are_described_in_both_languages(terms, zh, en):
    assert list(rating.describe(terms, "GB", "zh_Hans_CN")) == zh
    assert list(rating.describe(terms, "GB", "en")) == en


def test_volume_prices_say_that_the_whole_quantity_counts():
    assert rating.describe(volume(("15", "10"), (None, "5")), "GB")[-1] == "全部按用量所在一档计价"


@pytest.mark.parametrize(
    ("price", "text"),
    [("0.5", "¥0.50"), ("0.0125", "¥0.0125"), ("1234", "¥1,234.00"), ("-0.5", "−¥0.50"), ("0", "¥0.00")],
)
def test_a_price_shows_all_its_decimals_and_at_least_two(price, text):
    assert rating.price_text(Decimal(price)) == text


@pytest.mark.parametrize(("number", "text"), [("1000.5", "1,000.5"), ("-0.5", "−0.5"), ("0", "0"), ("12", "12")])
def test_numbers_are_grouped(number, text):
    assert rating.number_text(Decimal(number)) == text


def test_both_languages_have_every_phrase():
    assert set(ZH) == set(EN)


PAYMENTS = Transactions.of({Decimal(10): 3, Decimal(200): 2, Decimal(5000): 1})


@pytest.mark.parametrize(
    ("terms", "used", "zh", "en"),
    [
        (
            percentage("0.6", "0.1"), Transactions.alike(1204, Decimal(88000)),
            ["1,204 笔 × ¥0.10 + 0.6% × ¥88,000.00 = ¥648.40"], ["1,204 transactions × ¥0.10 + 0.6% × ¥88,000.00 = ¥648.40"],
        ),
        (percentage("0.6"), Transactions.alike(1, Decimal(100)), ["0.6% × ¥100.00 = ¥0.60"], ["0.6% × ¥100.00 = ¥0.60"]),
        (
            percentage("1", least="0.5", most="10"), PAYMENTS,
            ["3 笔 × ¥0.50（每笔至少，共 ¥30.00）= ¥1.50", "1% × ¥400.00 = ¥4.00", "1 笔 × ¥10.00（每笔最多，共 ¥5,000.00）= ¥10.00", "合计 ¥15.50"],
            ["3 transactions × ¥0.50 (least for each, ¥30.00 in all) = ¥1.50", "1% × ¥400.00 = ¥4.00",
             "1 transaction × ¥10.00 (most for each, ¥5,000.00 in all) = ¥10.00", "Total ¥15.50"],
        ),
        (
            replace(per_unit("0.5"), discount=Decimal(10), maximum=Decimal(100)), Decimal(286),
            ["286 GB × ¥0.50 = ¥143.00", "优惠 10%：−¥14.30", "每期最多收 ¥100.00：−¥28.70", "合计 ¥100.00"],
            ["286 GB × ¥0.50 = ¥143.00", "10% off: −¥14.30", "Down to the maximum of ¥100.00: −¥28.70", "Total ¥100.00"],
        ),
        (
            replace(per_unit("0.5", included="10"), minimum=Decimal(100)), Decimal(3),
            ["套餐内 10 GB，未超出", "补足每期至少收的 ¥100.00：¥100.00"], ["10 GB included, not exceeded", "Up to the minimum of ¥100.00: ¥100.00"],
        ),
    ],
)  # fmt: skip
def test_transactions_discounts_and_limits_are_worked_in_words(terms, used, zh, en):
    steps = rating.rate(terms, used).steps
    assert list(rating.explain(steps, "GB")) == zh
    assert list(rating.explain(steps, "GB", "en")) == en


def test_fees_of_a_plan_by_quantity_say_how_many():
    steps = rating.rate(rating.times(monthly("99"), Decimal(5)), Decimal(1), share=TWENTY_DAYS).steps
    assert rating.formula(steps[0], "席") == "5 席 × ¥99.00 × 20/31 天"
    assert rating.formula(rating.rate(rating.times(monthly("99"), Decimal(5)), Decimal(1)).steps[0], "seat", "en") == "5 seats × 1 month × ¥99.00"


def test_a_price_with_conditions_names_every_one():
    terms = percentage("0.6", "0.1", "0.2", "25", discount="10", minimum="30", maximum="500")
    assert rating.describe(terms, "元") == (
        "交易金额的 0.6%，每笔另加 ¥0.10", "每笔至少收 ¥0.20，最多收 ¥25.00", "优惠 10%", "每期至少收 ¥30.00", "每期最多收 ¥500.00",
    )  # fmt: skip
    assert rating.describe(percentage("0", "0.1"), "CNY", "en") == ("¥0.10 per transaction",)


@given(ANY_USE, st.sampled_from([Fraction(1), Fraction(1, 2), TWENTY_DAYS]))
def test_every_working_can_be_said_in_both_languages(terms_and_use, share):
    terms, used = terms_and_use
    rated = rating.rate(terms, used, share=share)
    for locale in ("zh", "en"):
        said = rating.explain(rated.steps, "次", locale)
        assert len(said) >= len(rated.steps)
        assert all(line and "{" not in line and "None" not in line for line in said)
        assert rating.describe(terms, "次", locale)
    assert all(step.kind in StepKind for step in rated.steps)
