"""In which numbers a plan is sold (seats, GB of capacity …): read and checked, for forms and seed files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from market.catalog.facts import Problem
from market.catalog.models import Plan

MOST_UNITS = 1_000_000
LONGEST_UNIT = 20


def columns(raw: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The plan's columns from `unit_zh`, `unit_en`, `minimum`, `maximum`, `step`; without a unit it is not sold by number.

    What is wrong is added to `problems`, by column.
    """
    unit_zh, unit_en = (str(raw.get(name) or "").strip() for name in ("unit_zh", "unit_en"))
    numbers = {name: _whole(raw.get(name), name, problems) for name in ("minimum", "maximum", "step")}
    problems.extend(_unit_problems(unit_zh, unit_en, any(numbers.values())))
    least, most = numbers["minimum"] or 1, numbers["maximum"]
    if most is not None and most < least:
        problems.append(Problem("quantity_maximum", "最多的数量不能少于最少的 %(least)s。", {"least": least}))
    return {
        "quantity_unit_zh": unit_zh, "quantity_unit_en": unit_en, "quantity_minimum": least, "quantity_maximum": most,
        "quantity_step": numbers["step"] or 1,
    }  # fmt: skip


def snapshot(plan: Plan) -> dict[str, Any]:
    """What the audit trail remembers of it; nothing where the plan is not sold by number."""
    if not plan.quantity_unit_zh:
        return {}
    numbers = [plan.quantity_minimum, plan.quantity_maximum, plan.quantity_step]
    return {"quantity": {"unit": plan.quantity_unit_zh, "minimum, maximum, step": numbers}}


def _whole(value: Any, name: str, problems: list[Problem]) -> int | None:
    typed = str(value or "").strip()
    if not typed:
        return None
    if typed.isascii() and typed.isdigit() and 0 < int(typed[:12]) <= MOST_UNITS:
        return int(typed)
    problems.append(Problem(f"quantity_{name}", "填 1 到 1,000,000 的整数。", {}))
    return None


def _unit_problems(unit_zh: str, unit_en: str, numbered: bool) -> Iterator[Problem]:
    for name, unit, other in (("unit_zh", unit_zh, unit_en), ("unit_en", unit_en, unit_zh)):
        if not unit and (other or (numbered and name == "unit_zh")):
            yield Problem(f"quantity_{name}", "写明按什么计数，例如 席（seat）。不按数量卖就都留空。", {})
        if len(unit) > LONGEST_UNIT:
            yield Problem(f"quantity_{name}", "最多 %(most)s 个字。", {"most": LONGEST_UNIT})
