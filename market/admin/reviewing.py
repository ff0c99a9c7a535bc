"""What a reviewer sees of a revision: the facts side by side, the plans with their prices, the checklist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from market import billing, catalog, rating, subscriptions
from market.catalog import Charge, OfferingRevision, Plan, PlanChange
from market.kit.period import local_day
from market.kit.refusal import Refusal
from market.web import facts, formats

# --- words -------------------------------------------------------------------------------


Piece = tuple[catalog.Mark, str]


@dataclass(frozen=True)
class Row:
    """One field: how it read, how it reads, and both in pieces with what differs marked."""

    field: str
    label: str
    language: str
    old: str
    new: str

    @property
    def changed(self) -> bool:
        """Whether there is anything to compare."""
        return self.old != self.new

    @property
    def pieces(self) -> tuple[list[Piece], list[Piece]]:
        """Old and new text cut where they differ; a line break is never part of a mark."""
        old, new = catalog.marked(self.old, self.new)
        return list(_by_lines(old)), list(_by_lines(new))


@dataclass(frozen=True)
class Group:
    """The fields of one section, changed ones apart from the rest."""

    slug: str
    title: str
    changed: list[Row]
    same: list[Row]


def groups(revision: OfferingRevision, live: OfferingRevision | None) -> list[Group]:
    """Every fact of a revision beside the live one, section by section."""
    known = facts.names()
    before: Mapping[str, Any] = live.facts if live is not None and live is not revision else {}
    found = []
    for section in catalog.SECTIONS:
        rows = [
            Row(name, facts.label(fact, name), _language(fact.bilingual, name),
                facts.text(fact, before.get(name), known), facts.text(fact, revision.facts.get(name), known))
            for fact in section.facts
            for name in fact.fields
        ]  # fmt: skip
        title = section.title_en if formats.language() == "en" else section.title_zh
        found.append(Group(section.slug, title, [r for r in rows if r.changed], [r for r in rows if not r.changed]))
    return found


def _by_lines(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for mark, text in pieces:
        for place, line in enumerate(text.split("\n")):
            if place:
                yield "same", "\n"
            if line:
                yield mark, line


def _language(bilingual: bool, field: str) -> str:
    if not bilingual:
        return ""
    return "en" if field.endswith("_en") else "zh-CN"


# --- plans -------------------------------------------------------------------------------


@dataclass(frozen=True)
class PriceRow:
    """One charge in words: what it said, what it says."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class PlanView:
    """A plan as it will be, beside the version on sale, with an example bill and whom it touches."""

    change: PlanChange
    rows: list[PriceRow]
    estimate: billing.Estimate | None
    before_fen: int | None
    subscribers: int

    @property
    def plan(self) -> Plan:
        """The version that will be on sale."""
        return self.change.after

    @property
    def field(self) -> str:
        """What comments about it are anchored to."""
        return f"plans.{self.plan.slug}"

    @property
    def example_lines(self) -> list[dict[str, Any]]:
        """The example bill's lines as the estimate table takes them."""
        return [
            {"label": formats.local(line.charge, "name"), "formula": line.formula(formats.language()), "fen": line.fen}
            for line in (self.estimate.lines if self.estimate else ())
        ]

    @property
    def difference_fen(self) -> int | None:
        """What the example bill changes by; None when it cannot be compared."""
        if self.estimate is None or self.before_fen is None:
            return None
        return self.estimate.total_fen - self.before_fen


def plan_views(revision: OfferingRevision) -> list[PlanView]:
    """Every plan on sale after approval; `subscribers` counts the firms on the version it replaces."""
    changes = catalog.plan_changes(revision.offering)
    users = subscriptions.running_by_plan(change.before.id for change in changes if change.before)
    return [
        PlanView(
            change,
            [PriceRow(*_row(each.before, each.after, change)) for each in change.charges],
            _estimate(change.after, change.after),
            _total(change.before, change.after),
            users.get(change.before.id, 0) if change.before else 0,
        )
        for change in changes
    ]


def _row(before: Charge | None, after: Charge | None, change: PlanChange) -> tuple[str, str, str]:
    named = after or before
    return formats.local(named, "name"), _price(before, change.before), _price(after, change.after)


def _price(charge: Charge | None, plan: Plan | None) -> str:
    if charge is None:
        return ""
    unit = formats.local(charge.meter, "unit") if charge.meter else formats.local(plan, "quantity_unit") if plan else ""
    try:
        words = rating.describe(rating.parse(charge.terms), unit, formats.language())
    except Refusal:
        return _("价格读不懂")
    tax = _("含税 %(rate)s", rate=formats.percent(Decimal(charge.tax_rate)))
    part = [text] if (text := billing.picked(charge.filter, formats.language())) else []
    return "\n".join([*part, *words, tax])


def _estimate(plan: Plan, typical: Plan) -> billing.Estimate | None:
    """A month of `plan` at the use that `typical` calls usual; None when it cannot be rated."""
    usual = {charge.slug: Decimal(charge.typical) for charge in typical.charges}
    try:
        return billing.estimate(plan, usual)
    except Refusal:
        return None


def _total(before: Plan | None, after: Plan) -> int | None:
    worked = _estimate(before, after) if before is not None and before is not after else None
    return worked.total_fen if worked else None


# --- checklist ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One thing to look at; `ok` is None where only a person can tell."""

    label: str
    ok: bool | None
    note: str = ""


def checklist(revision: OfferingRevision, plans: Sequence[PlanView], now: datetime) -> list[Check]:
    """What the machine can check, then what only the reviewer can."""
    missing = catalog.missing(revision)
    gaps = formats.language() == "en"
    return [
        Check(_("必填内容齐全，中英文都有"), not missing, _("、").join(m.label_en if gaps else m.label_zh for m in missing)),
        Check(_("每个收费项目都能算出金额"), all(plan.estimate is not None for plan in plans)),
        _certificates(revision, local_day(now)),
        Check(_("退出条件写清：导出 %(days)s 天，退出费 %(fee)s", days=revision.facts.get("export_days") or 0,
                fee=formats.unit_price(revision.facts.get("exit_fee") or "0")), True),
        _prices(plans),
        Check(_("文字说的是结果，不用形容词，老板看得懂"), None),
        Check(_("“不适合”写的是真实的限制"), None),
    ]  # fmt: skip


def _certificates(revision: OfferingRevision, today: date) -> Check:
    held = revision.facts.get("certificates") or []
    over = [one["number"] for one in held if one.get("valid_until") and date.fromisoformat(str(one["valid_until"])) < today]
    if not held:
        return Check(_("没有填写资质证书，请确认这类服务不需要"), None)
    label = _("%(count)s 张资质证书都在有效期内，编号需对照原件", count=len(held))
    return Check(label, not over, _("已过期：%(numbers)s", numbers=_("、").join(over)) if over else "")


def _prices(plans: Sequence[PlanView]) -> Check:
    touched = [plan for plan in plans if plan.change.price_changed]
    if not touched:
        return Check(_("没有在售套餐改价"), True)
    firms = sum(plan.subscribers for plan in touched)
    names = _("、").join(formats.local(plan.plan, "name") for plan in touched)
    note = names if not firms else _("%(names)s。%(firms)s 家企业在用旧版，旧版价格不变", names=names, firms=firms)
    return Check(_("有在售套餐改价，请核对"), None, note)


