"""What an offering promises and how one leaves it, as rows of name and value."""

from __future__ import annotations

from market import catalog
from market.catalog import Offering
from market.kit import money
from market.web import formats
from market.web.translation import gettext as _

Rows = list[tuple[str, str]]


def promise_rows(offering: Offering, places: str) -> Rows:
    """Availability and what happens if it is missed; where data is; who answers."""
    facts = catalog.shown_revision(offering).facts
    rows = [(_("可用性承诺"), _availability(facts["availability"]))]
    if facts["availability"]:
        rows.append((_("达不到怎么赔"), formats.local(facts, "availability_credit")))
    rows += [
        (_("数据存放地"), _with_note(places, formats.local(facts, "data_location_note"))),
        (_("数据出境"), _with_note(_choice("cross_border", facts["cross_border"]), formats.local(facts, "cross_border_note"))),
        (_("服务层次"), _choice("service_layer", facts["service_layer"])),
        (_("人工客服"), _with_note(formats.local(facts, "support_hours"), _choices("support_channels", facts["support_channels"]))),
        (_("可开发票"), _choices("fapiao", facts["fapiao"])),
    ]  # fmt: skip
    return _told(rows)


def exit_rows(offering: Offering) -> Rows:
    """How one leaves, what it costs, and what becomes of the data."""
    facts = catalog.shown_revision(offering).facts
    return _told([
        (_("怎么停用"), _("在控制台停用，可选马上停或用到月底")),
        (_("退出费用"), _fee(facts["exit_fee"])),
        (_("数据怎么带走"), formats.local(facts, "export_format")),
        (_("停用后还能导出"), _days(facts["export_days"])),
        (_("彻底删除"), _("停用后 %(days)d 天内", days=facts["deletion_days"]) if facts["deletion_days"] is not None else "")
    ])  # fmt: skip


def _told(rows: Rows) -> Rows:
    """A draft may lack any of them; "none" would be a promise nobody made."""
    return [(label, value or _("服务商未提供")) for label, value in rows]


def _fee(yuan: str) -> str:
    if not yuan:
        return ""
    fen = money.parse_yuan(yuan)
    return formats.money(fen) if fen else _("¥0.00，不收")


def _availability(percent: str) -> str:
    if not percent:
        return _("没有承诺")
    minutes = catalog.downtime_minutes(percent)
    return _("%(percent)s%%，每月（30 天）最多中断 %(minutes)d 分钟", percent=percent, minutes=minutes)


def _days(days: int | None) -> str:
    return "" if days is None else _("%(days)d 天", days=days)


def _with_note(text: str, note: str) -> str:
    return _("%(text)s（%(note)s）", text=text, note=note) if text and note else text or note


def _choice(key: str, value: str) -> str:
    return formats.local(catalog.choice_of(catalog.OF_FIELD[key].choices, value)._asdict(), "label")


def _choices(key: str, values: list[str]) -> str:
    return _("、").join(_choice(key, value) for value in values)
