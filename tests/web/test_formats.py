"""Numbers and times are written one way in each language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from market import resources
from market.config import Settings
from market.kit import period
from market.web import formats, locale
from tests.support.clock import FakeClock

NOON = datetime(2026, 11, 22, 6, 0, 5, tzinfo=UTC)  # 14:00:05 in Guangdong


@pytest.fixture(params=["zh", "en"])
def both(request: pytest.FixtureRequest, write: Callable[[str], Any]) -> str:
    write(request.param)
    return str(request.param)


@pytest.fixture
def write(tmp_path: Any) -> Iterator[Callable[[str], None]]:
    """`write("en")`: from now on in English."""
    settings = Settings(data_dir=tmp_path, database_url="sqlite:///unused.db", secret_key="k" * 40)
    resources.install(settings, with_clock=FakeClock(NOON))
    app = Flask("formats")
    app.config["SESSION_COOKIE_SECURE"] = False
    locale.init_app(app)
    contexts = []

    def in_language(language: str) -> None:
        if contexts:
            contexts.pop().pop()
        contexts.append(app.test_request_context(f"/?lang={language}"))
        contexts[0].push()

    yield in_language
    contexts.pop().pop()


@pytest.mark.parametrize(
    ("fen", "text"),
    [(123456, "¥1,234.56"), (0, "¥0.00"), (-2000, "−¥20.00"), (1, "¥0.01"), (10**12, "¥10,000,000,000.00")],
)
def test_money_has_two_decimals_and_a_true_minus(both: str, fen: int, text: str) -> None:
    assert formats.money(fen) == text
    assert formats.money_plain(fen) == text.replace("¥", "")


def test_whole_yuan_drop_their_cents_only_when_asked(both: str) -> None:
    assert formats.money(9900, cents=False) == "¥99"
    assert formats.money(9950, cents=False) == "¥99.50"


@pytest.mark.parametrize(
    ("price", "text"), [("0.0125", "¥0.0125"), ("99", "¥99.00"), ("0.00000001", "¥0.00000001")]
)
def test_a_unit_price_shows_all_its_decimals(both: str, price: str, text: str) -> None:
    assert formats.unit_price(price) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("1234.500000", "1,234.5"), ("0.000001", "0.000001"), ("1E+3", "1,000"), ("-3", "−3"), ("12345678901234567890", "12,345,678,901,234,567,890")],
)  # fmt: skip
def test_a_quantity_is_exact_and_has_no_idle_zeros(both: str, value: str, text: str) -> None:
    assert formats.quantity(Decimal(value), "GB") == f"{text} GB"


def test_dates_and_times_are_those_of_guangdong(write: Callable[[str], None]) -> None:
    late = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)
    write("zh")
    assert formats.datetime(late) == "2026年11月1日 00:30"
    assert formats.date(late) == "2026年11月1日"
    assert formats.clock(late) == "00:30"
    assert formats.stamp(late) == "2026-11-01 00:30:00 +08:00"
    assert formats.iso(late) == "2026-11-01T00:30+08:00"
    write("en")
    assert formats.datetime(late) == "1 Nov 2026, 00:30"
    assert formats.date(late) == "1 Nov 2026"
    assert formats.stamp(late) == "2026-11-01 00:30:00 +08:00"


def test_a_short_date_leaves_out_this_year_only(write: Callable[[str], None]) -> None:
    write("zh")
    assert formats.date(date(2026, 3, 1), short=True) == "3月1日"
    assert formats.date(date(2025, 3, 1), short=True) == "2025年3月1日"
    write("en")
    assert formats.date(date(2026, 3, 1), short=True) == "1 Mar"


@pytest.mark.parametrize(
    "value", ["2026-10", date(2026, 10, 31), period.month("2026-10"), datetime(2026, 9, 30, 16, tzinfo=UTC)]
)
def test_a_month_is_named_from_whatever_lies_in_it(write: Callable[[str], None], value: Any) -> None:
    write("zh")
    assert formats.month(value) == "2026年10月"
    write("en")
    assert formats.month(value) == "Oct 2026"


def test_only_the_last_day_is_told_as_ago(write: Callable[[str], None]) -> None:
    write("zh")
    assert formats.relative(NOON - timedelta(minutes=5)) == "5分钟前"
    assert formats.relative(NOON - timedelta(days=2)) == "2026年11月20日 14:00"
    write("en")
    assert formats.relative(NOON - timedelta(minutes=5)) == "5 minutes ago"


def test_large_amounts_are_in_wan_or_in_millions(write: Callable[[str], None]) -> None:
    write("zh")
    assert formats.money_large(1_234_500_000) == "1,234.5 万元"
    write("en")
    assert formats.money_large(1_235_000_000) == "¥12.35 M"


def test_a_share_has_at_most_one_decimal(both: str) -> None:
    assert [formats.percent(Decimal(text)) for text in ("0.1234", "1", "0.5")] == ["12.3%", "100%", "50%"]


def test_a_file_has_bytes_and_then_units_that_need_no_word(write: Callable[[str], None]) -> None:
    write("zh")
    assert [formats.filesize(count) for count in (129, 1300)] == ["129 字节", "1.3 kB"]


def test_what_is_not_known_is_said_in_words(write: Callable[[str], None]) -> None:
    write("zh")
    filters = (
        formats.money,
        formats.quantity,
        formats.date,
        formats.datetime,
        formats.month,
        formats.relative,
    )
    assert {filter(None) for filter in filters} == {"暂无数据"}


def test_a_text_falls_back_to_the_other_language(write: Callable[[str], None]) -> None:
    both_names, one_name = (
        SimpleNamespace(name_zh="广州", name_en="Guangzhou"),
        {"name_zh": "广州", "name_en": ""},
    )
    write("en")
    assert formats.local(both_names, "name") == "Guangzhou"
    assert formats.local(one_name, "name") == "广州"
    write("zh")
    assert formats.local(both_names, "name") == "广州"


def test_sentences_stand_apart_as_their_language_has_it(write: Callable[[str], None]) -> None:
    write("en")
    assert formats.sentences("It waits.", "", "Nothing is stopped.") == "It waits. Nothing is stopped."
    write("zh")
    assert formats.sentences("在等。", "不停用。") == "在等。不停用。"
