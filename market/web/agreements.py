"""What a subscription agrees on, in words: prices charge by charge, promises, the way out.

Pure wording over catalogue rows, shared by the check page and the console.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import accounts, billing, catalog, rating
from market.catalog import OF_FIELD, Charge, Plan
from market.kit import period
from market.web import formats

Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Price:
    """One charge: its name, what its meter measures, and its price in one or more lines."""

    slug: str
    name: str
    lines: Sequence[str]
    metered: bool
    unit: str


def prices(plan: Plan) -> list[Price]:
    """Every charge of a plan with its price in words; charges and meters are loaded."""
    seat = formats.local(plan, "quantity_unit") if plan.quantity_unit_zh else ""
    return [_price(charge, seat) for charge in plan.charges]


def _price(charge: Charge, seat: str) -> Price:
    unit, terms = formats.local(charge.meter, "unit") if charge.meter else "", rating.parse(charge.terms)
    part = [text] if (text := billing.picked(charge.filter, formats.language())) else []
    lines = [*part, *rating.describe(terms, unit or seat, formats.language())]
    return Price(charge.slug, formats.local(charge, "name"), lines, charge.meter is not None, unit)


def promises(facts: Mapping[str, Any]) -> Rows:
    """What the provider promises: availability, data, support, fapiao."""
    rows: Rows = []
    if availability := facts.get("availability"):
        minutes = catalog.downtime_minutes(availability)
        rows.append(
            (
                _("可用性承诺"),
                _("%(percent)s%%，每月最多中断 %(minutes)s 分钟", percent=availability, minutes=minutes),
            )
        )
        rows.append((_("达不到时"), formats.local(facts, "availability_credit")))
    rows += [
        (_("数据存放地"), _places(facts.get("data_location", []))),
        (_("数据出境"), _choice("cross_border", facts.get("cross_border", ""))),
        (_("人工客服"), formats.local(facts, "support_hours")),
        (_("发票"), _("、").join(_choice("fapiao", kind) for kind in facts.get("fapiao", []))),
    ]
    return [(label, value or _("服务商未提供")) for label, value in rows]


def leaving(facts: Mapping[str, Any], ended_at: datetime | None = None) -> Rows:
    """How to leave, in days, or in dates once the end is known."""
    return [
        (_("数据怎么带走"), formats.local(facts, "export_format") or _("服务商未提供")),
        (_("导出数据"), _until(facts.get("export_days"), ended_at, _l("到 %(date)s"))),
        (_("彻底删除"), _until(facts.get("deletion_days"), ended_at, _l("最晚 %(date)s"))),
        (_("退出费用"), _fee(str(facts.get("exit_fee") or "0"))),
    ]


def last_day(end: datetime) -> datetime:
    """An instant on the last day before an end: an end at midnight closes the day before it."""
    return end - timedelta(microseconds=1)


def days_left(end: datetime, now: datetime) -> int:
    """How many days remain, today counted."""
    return (period.local_day(last_day(end)) - period.local_day(now)).days + 1


def _until(days: int | None, ended_at: datetime | None, dated: LazyString) -> str:
    if days is None:
        return _("服务商未提供")
    if ended_at is None:
        return _("停用后 %(days)s 天内", days=days)
    return str(dated) % {"date": formats.date(last_day(ended_at) + timedelta(days=days))}


def _fee(yuan: str) -> str:
    return _("不收费") if not float(yuan) else formats.unit_price(yuan)


def _places(codes: Sequence[str]) -> str:
    known = {city.code: city for city in accounts.cities()}
    names = [formats.local(known[code], "name") for code in codes if code in known]
    names += [_("国内其他省份")] * ("cn" in codes) + [_("境外")] * ("other" in codes)
    return _("、").join(names)


def _choice(fact: str, value: str) -> str:
    found = next((choice for choice in OF_FIELD[fact].choices if choice.value == value), None)
    return formats.local(found._asdict(), "label") if found else ""
