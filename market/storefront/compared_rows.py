"""The rows of a comparison: price for the same use first, then what each service says of the same things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from market import billing, catalog, quality, rating
from market.catalog import Charge, Offering
from market.recommended import Entry
from market.storefront import cards, places, terms
from market.storefront.compared_use import Box, Priced, Usage
from market.storefront.prices import conditions, short_price, unit_of
from market.web import formats


@dataclass(frozen=True)
class Cell:
    """What a service says of one thing: lines, and perhaps an amount before them."""

    lines: Sequence[str]
    amount: str = ""
    best: bool = False
    missing: bool = False


@dataclass(frozen=True)
class Row:
    """One thing, said by every service."""

    label: str
    cells: Sequence[Cell]
    note: str = ""
    total: bool = False

    @property
    def different(self) -> bool:
        """Whether they do not all say the same."""
        return len({(tuple(cell.lines), cell.amount) for cell in self.cells}) > 1


@dataclass(frozen=True)
class Group:
    """Rows under one heading."""

    title: str
    rows: Sequence[Row]


def groups(
    offerings: Sequence[Offering], entries: dict[int, Entry], known: dict[int, quality.Summary]
) -> list[Group]:
    """Everything but the prices, in a fixed order."""
    on, cities = cards.today(), places.cities()
    facts = [catalog.shown_revision(offering).facts for offering in offerings]
    key = [{fact["label"]: fact for fact in cards.key_facts(offering, cities, on)} for offering in offerings]
    where = [places.place_names(each["data_location"], cities) for each in facts]
    promises = [dict(terms.promise_rows(offering, place)) for offering, place in zip(offerings, where, strict=True)]
    exits = [dict(terms.exit_rows(offering)) for offering in offerings]

    def told(label: str, of: Sequence[dict[str, str]]) -> Row:
        return _row(label, [each.get(label, "") for each in of])

    def fact(label: str) -> Row:
        return _row(label, [[each[label]["value"], each[label]["note"]] for each in key])

    papers = [_("、").join(places.short_names(each["certificates"], on)) for each in facts]
    credit = _row(_("达不到怎么赔"), [each.get(_("达不到怎么赔"), "") or _("没有承诺") for each in promises])
    return [
        Group(_("试用与退出"), [fact(_("免费试用")), *(told(label, exits) for label in exits[0])]),
        Group(_("服务承诺"), [told(_("可用性承诺"), promises), credit, _row(_("多久能用上"), _local(facts, "deadline_setup"))]),
        Group(_("数据与合规"), [
            told(_("数据存放地"), promises), told(_("数据出境"), promises), told(_("服务层次"), promises),
            _row(_("有效的证书"), [each or _("没有登记证书") for each in papers]),
        ]),
        Group(_("客服"), [fact(_("人工客服"))]),
        Group(_("付款与发票"), [fact(_("付款方式")), fact(_("发票"))]),
        Group(_("别人怎么看"), [
            _row(_("客户评价"), [_rated(known.get(offering.id)) for offering in offerings]),
            _row(_("推荐目录"), [_listed(entries.get(offering.id)) for offering in offerings]),
        ]),
        Group(_("适合谁"), [_row(_("不适合"), _lists(facts, "not_for")), _row(_("能帮您做什么"), _lists(facts, "benefits"))]),
    ]  # fmt: skip


def _row(label: str, said: Sequence[str | Sequence[str]]) -> Row:
    """Plain words; where a service says nothing, that is said."""
    cells = []
    for each in said:
        lines = [line for line in ([each] if isinstance(each, str) else each) if line]
        cells.append(Cell(lines or [_("服务商未提供")], missing=not lines))
    return Row(label, cells)


def _local(facts: Sequence[dict[str, object]], name: str) -> list[str]:
    return [str(formats.local(each, name) or "") for each in facts]


def _lists(facts: Sequence[dict[str, object]], name: str) -> list[list[str]]:
    return [list(formats.local(each, name) or []) for each in facts]


def _rated(summary: quality.Summary | None) -> str:
    if summary is None:
        return _("还没有企业写评价")
    if summary.count == 1:
        return _("%(mean)s 星，1 条评价", mean=summary.mean)
    return _("%(mean)s 星，%(count)s 条评价", mean=summary.mean, count=summary.count)


def _listed(entry: Entry | None) -> list[str]:
    return [formats.local(entry.edition, "name"), formats.local(entry, "reason")] if entry else [_("不在推荐目录里")]


# --- price -------------------------------------------------------------------------------


def prices(chosen: Sequence[Priced | None], usage: Usage) -> Group:
    """What each service costs for the usage that was typed."""
    rows = [
        Row(_("第一年一共"), _amounts(chosen, lambda one: one.year_fen, best=True), _("12 个月，加上年费和一次性费用"), total=True),
        Row(_("每月账单"), _amounts(chosen, lambda one: one.estimate.monthly_fen), _("按上面填的用量，价格含税")),
    ]
    if any(one and one.estimate.yearly_fen for one in chosen):
        rows.append(Row(_("另付每年"), _amounts(chosen, lambda one: one.estimate.yearly_fen)))
    if any(one and one.estimate.once_fen for one in chosen):
        rows.append(Row(_("另付一次性费用"), _amounts(chosen, lambda one: one.estimate.once_fen)))
    rows.append(Row(_("固定费用"), [_fees(one) for one in chosen]))
    measured = [box for box in usage if box.measure is not None]
    rows += [Row(box.label, [_use(one, usage, box) for one in chosen], box.hint) for box in measured]
    return Group(_("价格"), rows)


def _amounts(chosen: Sequence[Priced | None], amount: Callable[[Priced], int], *, best: bool = False) -> list[Cell]:
    found = [amount(one) if one else None for one in chosen]
    told = [fen for fen in found if fen is not None]
    least = min(told, default=None)
    lowest = best and len(set(told)) > 1
    return [
        Cell([_("没有可订阅的套餐，或用量写得不对")], missing=True) if fen is None else Cell([], formats.money(fen), lowest and fen == least)
        for fen in found
    ]


def _fees(one: Priced | None) -> Cell:
    if one is None:
        return Cell([_("算不出来")], missing=True)
    lines = [line for line in one.estimate.lines if line.charge.meter is None]
    if not lines:
        return Cell([_("没有固定费用")])
    return Cell([_said(line) for line in lines])


def _use(one: Priced | None, usage: Usage, box: Box) -> Cell:
    """What this use costs here: the amount, the working, and the price."""
    if one is None:
        return Cell([_("算不出来")], missing=True)
    lines = [line for line in one.estimate.lines if usage.box_of(line.charge) is box]
    if not lines:
        return Cell([_("这项不单独收费")])
    return Cell([text for line in lines for text in (line.formula(formats.language()), _price(line.charge))],
                formats.money(sum(line.fen for line in lines)))  # fmt: skip


def _said(line: billing.EstimateLine) -> str:
    return _("%(name)s %(amount)s", name=formats.local(line.charge, "name"), amount=formats.money(line.fen))


def _price(charge: Charge) -> str:
    parsed, unit = rating.parse(charge.terms), unit_of(charge)
    price = _("，").join([short_price(parsed, unit), *conditions(parsed)])
    included = getattr(parsed, "included", 0)
    if included:
        return _("含 %(included)s，超出 %(price)s", included=formats.quantity(included, unit), price=price)
    return price
