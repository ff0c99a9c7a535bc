"""A contract in words: the terms as they were stored, so that what is read is what has the fingerprint.

Pure wording over the canonical form of `subscriptions.terms`; nothing of today's catalogue is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market import billing, rating
from market.catalog import Filter
from market.subscriptions import ContractKind
from market.web import agreements, formats

#: What brought a contract about.
KINDS = {
    ContractKind.ORDER: _l("下单时的合同"),
    ContractKind.CHANGE: _l("变更套餐时的合同"),
    ContractKind.PRICE: _l("改价以后的合同"),
}

Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Worded:
    """Terms section by section."""

    name: str
    plan: str
    subject: Rows
    promises: Rows
    prices: Rows
    leaving: Rows
    grace_days: int | None
    payment_days: int | None
    notice_days: int


def worded(terms: Mapping[str, Any], quantity: int | None = None) -> Worded:
    """Everything the terms say, in the reader's language."""
    facts, plan, rules = terms["facts"], terms["plan"], terms.get("rules", {})
    name = _("%(plan)s（第 %(version)s 版）", plan=formats.local(plan, "name"), version=plan["version"])
    rows = [(_("服务"), formats.local(terms, "name")), (_("套餐"), name)]
    rows.append((_("服务说明"), _("第 %(number)s 版", number=terms["revision"])))
    if sold := plan.get("quantity"):
        unit = formats.local(sold, "unit")
        many = formats.quantity(quantity, unit) if quantity else _("下单时填写，单位：%(unit)s", unit=unit)
        rows.append((_("数量"), many))
    if plan["trial_days"]:
        rows.append((_("免费试用"), _("开通后 %(days)s 天，到期自动停止", days=plan["trial_days"])))
    rows.append((_("多久开通"), formats.local(facts, "deadline_setup") or _("服务商未提供")))
    return Worded(
        name=formats.local(terms, "name"),
        plan=name,
        subject=rows,
        promises=agreements.promises(facts),
        prices=[(formats.local(charge, "name"), _price(charge, plan.get("quantity"))) for charge in terms["charges"]],
        leaving=agreements.leaving(facts),
        grace_days=rules.get("grace_days"),
        payment_days=rules.get("payment_days"),
        notice_days=rules.get("notice_days", 7),
    )


def _price(charge: Mapping[str, Any], sold: Mapping[str, Any] | None) -> str:
    meter, language = charge["meter"], formats.language()
    unit = formats.local(meter, "unit") if meter else formats.local(sold, "unit") if sold else ""
    only = next((Filter(name, tuple(values)) for name, values in charge["filter"].items()), None)
    priced = rating.parse(charge["terms"])
    part = [text] if (text := billing.picked(only, language)) else []
    return _("；").join([*part, *rating.describe(priced, unit, language)])
