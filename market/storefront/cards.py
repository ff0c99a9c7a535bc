"""Offerings as cards and as eight key facts: what the templates' macros draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from flask import url_for

from market import catalog, quality, recommended, resources
from market.accounts import City
from market.catalog import Offering, Sold
from market.kit import period as periods
from market.recommended import Entry
from market.search import Query
from market.storefront import matches, places, prices
from market.web import formats
from market.web.translation import gettext as _

_MOST_FACTS = 6


def today() -> date:
    """The local day of this request."""
    return periods.local_day(resources.clock.now())


def cards(
    offerings: Iterable[Offering | Sold], asked: Query | None = None, month_fen: Mapping[int, int] | None = None
) -> list[dict[str, Any]]:
    """Cards in the order given: three look-ups, however many there are.

    What was asked for is marked in them; `month_fen` says what a month costs for the visitor's own usage.
    """
    listed = list(offerings)
    if not listed:
        return []
    on, cities = today(), places.cities()
    entries = recommended.listed_for([offering.id for offering in listed], on)
    said = quality.summaries([offering.id for offering in listed])
    drawn = [card(offering, entries.get(offering.id), cities, on, asked) for offering in listed]
    for offering, each in zip(listed, drawn, strict=True):
        each["rating"] = said.get(offering.id)
        if month_fen and offering.id in month_fen:
            each["mine"] = formats.money(month_fen[offering.id])
    return drawn


def card(
    offering: Offering | Sold, entry: Entry | None, cities: Mapping[str, City], on: date, asked: Query | None = None
) -> dict[str, Any]:
    """One card for `offering_card`; everything it needs is loaded."""
    facts = catalog.shown_facts(offering)
    start = prices.starting_price(offering)
    return {
        "url": url_for("storefront.offerings.show", slug=offering.slug),
        "slug": offering.slug,
        "name": matches.marked(formats.local(facts, "name"), asked),
        "provider": formats.local(offering.provider, "name"),
        "benefit": matches.marked(formats.local(facts, "tagline"), asked),
        "why": matches.why(offering, facts, asked),
        "tile": offering.category.tile,
        "icon": offering.category.icon,
        "price": start.amount if start else _("暂无套餐"),
        "per": start.per if start else "",
        "price_note": start.note if start else "",
        "facts": _short_facts(offering, facts, cities, on),
        "verified": offering.provider.verified_at is not None,
        "recommended": _("推荐目录") if entry else "",
        "paused": "" if catalog.can_be_bought(offering) else _("现在不能新订阅"),
    }


def _short_facts(
    offering: Offering | Sold, facts: Mapping[str, Any], cities: Mapping[str, City], on: date
) -> list[tuple[str, str, bool]]:
    """At most six things an owner looks for first."""
    trial = max((plan.trial_days for plan in offering.live_plans), default=0)
    papers = places.short_names(facts["certificates"], on)
    candidates = (
        ("circle-check", _("免费试用 %(days)d 天", days=trial) if trial else "", True),
        ("map-pin", places.place_names(facts["data_location"], cities), False),
        ("certificate", papers[0] if papers else "", False),
        ("list-check", _("可用性 %(percent)s%%", percent=facts["availability"]) if facts["availability"] else "", False),
        ("headset", formats.local(facts, "support_hours"), False),
        ("clock", formats.local(facts, "deadline_setup"), False),
    )  # fmt: skip
    return [each for each in candidates if each[1]][:_MOST_FACTS]


def key_facts(offering: Offering, cities: Mapping[str, City], on: date) -> list[dict[str, Any]]:
    """The eight facts of an offering, always these, always in this order."""
    facts = catalog.shown_revision(offering).facts
    return [
        _price(offering),
        _trial(offering),
        _availability(facts),
        _place(facts, cities),
        _papers(facts, on),
        _fapiao(offering, facts),
        _payment(facts),
        _support(facts),
    ]


def _fact(icon: str, label: str, value: str, note: str = "", url: str = "") -> dict[str, Any]:
    return {"icon": icon, "label": label, "value": value, "note": note, "url": url}


def _price(offering: Offering) -> dict[str, Any]:
    start = prices.starting_price(offering, cents=True)
    if start is None:
        return _fact("receipt", _("起步价"), "")
    return _fact("receipt", _("起步价"), start.amount + start.per, start.notes[0] if start.notes else "")


def _trial(offering: Offering) -> dict[str, Any]:
    days = max((plan.trial_days for plan in offering.live_plans), default=0)
    if not days:
        return _fact("clock", _("免费试用"), _("没有试用"), _("可以先订一个月，随时退订"))
    return _fact("clock", _("免费试用"), _("%(days)d 天，无需付款", days=days), _("到期自动停用，不扣费"))


def _availability(facts: Mapping[str, Any]) -> dict[str, Any]:
    label, promised = _("可用性承诺"), facts["availability"]
    if not promised:
        return _fact("list-check", label, _("没有承诺"))
    minutes = catalog.downtime_minutes(promised)
    note = _("每月最多中断 %(minutes)d 分钟", minutes=minutes)
    return _fact("list-check", label, f"{promised}%", note, "#promises")


def _place(facts: Mapping[str, Any], cities: Mapping[str, City]) -> dict[str, Any]:
    crossing = catalog.choice_of(catalog.OF_FIELD["cross_border"].choices, facts["cross_border"])
    note = formats.local(crossing._asdict(), "label")
    return _fact("map-pin", _("数据存放地"), places.place_names(facts["data_location"], cities), note)


def _papers(facts: Mapping[str, Any], on: date) -> dict[str, Any]:
    held = places.short_names(facts["certificates"], on)[:2]
    label = _("合规证明")
    if not held:
        return _fact("certificate", label, "")
    return _fact("certificate", label, _("、").join(held), _("查看证书与有效期"), "#certificates")


def _fapiao(offering: Offering, facts: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"special": _("专票"), "ordinary": _("普票")}
    value = _("、").join(kinds[kind] for kind in facts["fapiao"] if kind in kinds)
    rates = sorted({charge.tax_rate for plan in offering.live_plans for charge in plan.charges})
    percent = _("、").join(formats.percent(float(rate)) for rate in rates)
    note = _("价格含税，税率 %(percent)s", percent=percent) if rates else ""
    return _fact("file-invoice", _("发票"), value, note)


def _payment(facts: Mapping[str, Any]) -> dict[str, Any]:
    # Whatever else a provider takes elsewhere: bills of this marketplace are paid by bank transfer.
    value = _("对公转账") if "bank_transfer" in facts["payment_methods"] else ""
    days = resources.settings.payment_days
    return _fact("building-bank", _("付款方式"), value, _("先用后付，出账后 %(days)d 天内付清", days=days))


def _support(facts: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [catalog.choice_of(catalog.OF_FIELD["support_channels"].choices, way) for way in facts["support_channels"]]
    note = _("、").join(formats.local(choice._asdict(), "label") for choice in chosen)
    return _fact("headset", _("人工客服"), formats.local(facts, "support_hours"), note)
