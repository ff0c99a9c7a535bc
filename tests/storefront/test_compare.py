"""Services side by side: one usage, each priced by its own charges; and addresses that nobody would have made up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from market import db
from market.catalog import Aggregation, Offering, OfferingStatus, TimeBase
from tests.builders.accounts import a_city
from tests.builders.catalog import a_meter, a_plan, an_offering, complete_facts
from tests.support.pages import text_of


def offer(slug: str, name: str, *, unit: str = "GB", use: str = "存放空间", status: OfferingStatus = OfferingStatus.LIVE, **plan: Any) -> Offering:
    """A service with one plan, charged by what is kept on average."""
    offering = an_offering(slug=slug, plans=False, status=status, facts=complete_facts(name_zh=name, name_en=slug))
    meter = a_meter(
        offering.provider, "space", name_zh=use, name_en="Space", unit_zh=unit, unit_en=unit,
        aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD,
    )  # fmt: skip
    a_plan(offering, **({"monthly": "99.00", "per_unit": "0.50", "included": "200", "meter": meter} | plan))
    return offering


@pytest.fixture
def two(app) -> None:
    """¥99 with 200 GB and ¥0.50/GB beyond; ¥0.20/GB without a fee, counted in TB and called otherwise."""
    with db.transaction():
        a_city()
        offer("backup", "示例备份")
        offer("archive", "示例归档", unit="TB", use="归档容量", monthly=None, per_unit="200.00", included="0")


def cells(page: Any, label: str) -> list[str]:
    """What the services say in a row."""
    row = next(row for row in page.all("tr") if text_of(row).startswith(label))
    return [text_of(cell) for cell in row.iter("td")]


def test_one_usage_is_priced_by_each_services_own_charges_and_units(client, two):
    page = client.page("/compare/?s=backup&s=archive&u.level.GB=800")
    monthly = cells(page, "每月账单")
    assert "¥399.00" in monthly[0] and "¥160.00" in monthly[1]
    year = cells(page, "第一年一共")
    assert "¥4,788.00" in year[0] and "¥1,920.00" in year[1] and "最低" in year[1] and "最低" not in year[0]
    assert "示例备份：存放空间；示例归档：归档容量" in page.text
    assert "s=backup&s=archive&u.level.GB=800" in page.text


def test_what_differs_is_marked_and_the_rest_can_be_left_out(client, two):
    everything = client.page("/compare/?s=backup&s=archive").text
    assert "退出费用" in everything and "不同" in everything
    assert "退出费用" not in text_of(client.page("/compare/?s=backup&s=archive&only=1").one("table"))


def test_a_usage_nobody_can_read_is_said_at_its_box(client, two):
    page = client.page("/compare/?s=backup&s=archive&u.level.GB=many", status=422)
    assert "每月存放空间" in page.text and "算不出来" in page.text


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("", 200, "在服务列表里勾选"),
        ("?s=backup", 200, "再选 1 到 3 项就能比"),
        ("?s=backup&s=backup", 200, "只比一次"),
        ("?s=nobody", 404, "没有找到“nobody”"),
        ("?s=backup&s=archive&s=nobody", 200, "没有找到“nobody”"),
        ("?s=backup&s=archive&s=gone", 200, "“停售服务”现在不能新订阅"),
        ("?s=%F0%9F%98%80&s=%27%20OR%201=1&s=&s=backup&s=archive", 200, "第一年一共"),
        ("?" + "&".join(f"s=s{number}" for number in range(300)), 404, "没有找到"),
    ],
)
def test_whatever_the_address_says_there_is_a_useful_page(client, two, address, status, said):
    with db.transaction():
        offer("gone", "停售服务", status=OfferingStatus.RETIRED)
    assert said in client.page(f"/compare/{address}", status=status).text


def test_at_most_four_are_compared_and_the_fifth_is_named(client, two):
    with db.transaction():
        for number in range(3):
            offer(f"more-{number}", f"示例服务{number}")
    page = client.page("/compare/?s=backup&s=archive&s=more-0&s=more-1&s=more-2")
    assert "一次最多比 4 项，“示例服务2”没有放进来" in page.text and len(cells(page, "第一年一共")) == 4


def test_the_plan_that_costs_least_is_taken_unless_one_is_named(client, two):
    with db.transaction():
        offering = db.session.query(Offering).filter_by(slug="backup").one()
        a_plan(offering, slug="large", name_zh="大包", monthly="150.00")
    assert "按“大包”算" in client.page("/compare/?s=backup&s=archive&u.level.GB=800").text
    assert "按“大包”算" not in client.page("/compare/?s=backup&s=archive&u.level.GB=10").text
    assert "按“大包”算" in client.page("/compare/?s=backup&s=archive&u.level.GB=10&p.backup=large").text


def test_the_comparison_agrees_with_the_calculator(client, two):
    figure = "¥324.00"  # 99 + (650 − 200) × 0.50
    assert Decimal("99") + (650 - 200) * Decimal("0.5") == Decimal("324")
    assert figure in client.page("/compare/?s=backup&s=archive&u.level.GB=650").text
    usage = client.page("/offerings/backup").one("input", inputmode="decimal").get("name")
    assert figure in client.page(f"/offerings/backup?{usage}=650").text
