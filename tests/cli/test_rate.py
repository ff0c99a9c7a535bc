"""`market rate`: a plan and a file of usage, rated without a database; what is wrong is named by file, line and field."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from market.cli import main
from market.config import ROOT

TILL = ROOT / "catalog_seed/providers/sample-pay/shop-till.toml"
PLAN = """
[[plans]]
slug = "basic"
charges = [
  { name_zh = "月费", name_en = "Monthly fee", terms = { model = "flat", interval = "month", amount = "99.00" } },
  { meter = "disk", name_en = "Disk", terms = { model = "per_unit", unit_price = "0.30", included = "100" } },
]
[[meters]]
slug = "disk"
name_zh = "磁盘"
name_en = "Disk"
event_type = "disk.used"
value_property = "gb"
aggregation = "time_weighted"
time_base = "period"
unit_zh = "GB"
unit_en = "GB"
"""


def rate(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["rate", *map(str, arguments)])


def test_the_usual_month_of_a_plan_of_the_catalogue_is_rated_with_its_working() -> None:
    done = rate(TILL, "--plan", "by-takings", "--lang", "en")
    assert done.output == (
        "By takings · by-takings\n  Software fee (takings)  ¥112.08\n"
        "    1,204 transactions × ¥0.02 + 0.1% × ¥88,000.00 = ¥112.08\n  Total ¥112.08\n"
    )
    assert "Choose one with --plan: single, market-stall, by-takings, chain-yearly." in rate(TILL).output


def test_a_reading_is_carried_into_the_next_month_and_a_part_of_it_prorated(tmp_path: Path) -> None:
    plan, usage = tmp_path / "plan.toml", tmp_path / "usage.csv"
    plan.write_text(PLAN)
    usage.write_text("id,type,subject,time,value\na,disk.used,x,2026-10-11T00:00:00+08:00,310\n")
    told = json.loads(rate(plan, usage, "--json").output)["months"]
    assert [(month["month"], month["lines"][1]["quantity"], month["total_fen"]) for month in told] == [("2026-10", "210", 9900 + 3300)]
    november = json.loads(rate(plan, usage, "--month", "2026-11", "--days", "15/30", "--units", "2", "--json").output)["months"][0]
    assert [line["fen"] for line in november["lines"]] == [9900, (310 - 100) * 30]


def test_a_plain_table_of_quantities_is_enough(tmp_path: Path) -> None:
    usage = tmp_path / "usage.csv"
    usage.write_text("charge,quantity,count\ntakings,50,3\ntakings,9000\n")
    assert "1 笔 × ¥2.00（每笔最多，共 ¥9,000.00）= ¥2.00" in rate(TILL, usage, "--plan", "by-takings").output


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    plan, usage = tmp_path / "plan.toml", tmp_path / "usage.csv"
    plan.write_text(PLAN.replace('amount = "99.00"', 'amont = "99.00"').replace('unit_price = "0.30"', 'unit_price = "-0.30"'))
    done = rate(plan)
    assert done.exit_code == 1
    assert "plan.toml: plans[0].charges[0].terms.amont: 此处没有“amont”这一项" in done.output
    assert "plan.toml: plans[0].charges[1].terms.unit_price: 不能小于 0" in done.output
    usage.write_text("charge,quantity,count\ntaking,1,1\ntakings,-3,1\ntakings,x,0.5\n")
    done = rate(TILL, usage, "--plan", "by-takings")
    assert done.exit_code == 1
    assert [line.split(": ")[1:3] for line in done.output.removeprefix("Error: ").splitlines()] == [
        ["line 2", "charge"], ["line 3", "quantity"], ["line 4", "quantity"], ["line 4", "count"],
    ]  # fmt: skip
    usage.write_text("id,type,subject,time,value\na,till.sale,x,2026-10-01T08:00:00+08:00,1\na,till.sale,x,2026-10-01T08:00:00+08:00,2\nb,no,x,2026-10-01,1\n")
    done = rate(TILL, usage, "--plan", "by-takings")
    assert "usage.csv: line 3: 编号 a 前面已经用过" in done.output and "usage.csv: line 4: time 没有写时区" in done.output
    assert "--days" in rate(TILL, "--plan", "single", "--days", "31").output
