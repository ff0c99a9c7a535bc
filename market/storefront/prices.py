"""Prices in words, for cards and key facts: what it starts at, what that includes, what more costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from market import rating, search
from market.catalog import Charge, Offering, Plan, Sold, SoldCharge, SoldPlan
from market.kit import money
from market.web import formats
from market.web.translation import gettext as _

_MOST_NOTES = 2


@dataclass(frozen=True)
class StartingPrice:
    """`amount` and `per` stand side by side: ¥99 and /月起; `notes` say what is included and what more costs."""

    plan: Plan | SoldPlan
    amount: str
    per: str
    notes: tuple[str, ...]
    #: The fixed fee in fen, for machines; None where only use is paid for.
    fixed_fen: int | None

    @property
    def note(self) -> str:
        """The notes in one line."""
        return _("；").join(self.notes)


def starting_price(offering: Offering | Sold, *, cents: bool = False) -> StartingPrice | None:
    """Where the prices of an offering start; `cents=False` drops .00, for cards only. None without plans."""
    plans: Sequence[Plan | SoldPlan] = offering.live_plans
    plan = search.starting_plan(plans)
    if plan is None or not plan.charges:
        return None
    terms: list[tuple[Charge | SoldCharge, rating.Terms]] = [(charge, rating.parse(charge.terms)) for charge in plan.charges]
    flats = [each for _charge, each in terms if isinstance(each, rating.Flat)]
    used = [(charge, each) for charge, each in terms if not isinstance(each, rating.Flat)]
    for interval, per in (("month", _("/月起")), ("year", _("/年起"))):
        fee = _fee(flats, interval)
        if fee:
            amount = formats.money(fee, cents=cents)
            return StartingPrice(plan, amount, per, _notes(flats, used, without=interval), fee)
    if used:
        amount, per = _usage_start(*used[0])
        notes = (_free_of_fees(used[0][1]), *conditions(used[0][1]), *_notes(flats, used[1:]))
        return StartingPrice(plan, amount if cents else amount.removesuffix(".00"), per, notes, None)
    once = _fee(flats, "once")
    return StartingPrice(plan, formats.money(once, cents=cents), _("（一次性）"), (_("不按用量另外收费"),), once)


def plan_price(plan: Plan) -> str:
    """A plan's price in the fewest words, beside its name: ¥49.00/月, ¥1,188.00/年, 按用量."""
    flats = [terms for terms in map(_terms, plan.charges) if isinstance(terms, rating.Flat)]
    for interval, text in (
        ("month", _("%(price)s/月")),
        ("year", _("%(price)s/年")),
        ("once", _("%(price)s（一次性）")),
    ):
        fee = _fee(flats, interval)
        if fee and not (interval == "once" and len(flats) < len(plan.charges)):
            return text % {"price": formats.money(fee)}
    return _("按用量付费")


def short_price(terms: rating.Terms, unit: str) -> str:
    """What use beyond the included quantity costs: ¥0.50/GB, ¥0.10/10,000 次; tiers by their first one."""
    match terms:
        case rating.PerUnit():
            return _per_unit(terms.unit_price, unit)
        case rating.Package():
            size = formats.quantity(terms.package_size, unit)
            return _("%(price)s/%(unit)s", price=rating.price_text(terms.package_price), unit=size)
        case rating.Graduated() | rating.Volume():
            first = terms.tiers[0]
            text = _per_unit(first.unit_price, unit)
            if first.flat:
                return _("%(price)s，另加 %(fee)s", price=text, fee=rating.price_text(first.flat))
            return _("%(price)s，用得多更便宜", price=text) if _falls(terms) else text
        case rating.Percentage():
            return _share_of_amounts(terms)
        case rating.Flat():
            return rating.price_text(terms.amount)


def conditions(terms: rating.Terms) -> list[str]:
    """What a price is brought down to or up to in the end: discount, and a period's least and most."""
    if isinstance(terms, rating.Flat):
        return []
    said = [_("优惠 %(percent)s", percent=rating.percent_text(terms.discount))] if terms.discount else []
    if terms.minimum:
        said.append(_("每月至少 %(price)s", price=rating.price_text(terms.minimum)))
    if terms.maximum is not None:
        said.append(_("每月最多 %(price)s", price=rating.price_text(terms.maximum)))
    return said


def unit_of(charge: Charge | SoldCharge) -> str:
    """The unit that a charge is priced in, in the visitor's language; empty for a fixed fee."""
    return formats.local(charge.meter, "unit") if charge.meter is not None else ""


def _terms(charge: Charge) -> rating.Terms:
    return rating.parse(charge.terms)


def _fee(flats: list[rating.Flat], interval: str) -> int:
    return sum(money.fen(flat.amount) for flat in flats if flat.interval == interval)


def _per_unit(price: Decimal, unit: str) -> str:
    return _("%(price)s/%(unit)s", price=rating.price_text(price), unit=unit)


def _share_of_amounts(terms: rating.Percentage) -> str:
    """交易金额的 0.6% + ¥0.10/笔; one half alone where the other costs nothing."""
    percent, fee = rating.percent_text(terms.percent), rating.price_text(terms.fee)
    if not terms.percent:
        return _("%(price)s/笔", price=fee)
    if not terms.fee:
        return _("交易金额的 %(percent)s", percent=percent)
    return _("交易金额的 %(percent)s + %(price)s/笔", percent=percent, price=fee)


def _usage_start(charge: Charge | SoldCharge, terms: Any) -> tuple[str, str]:
    """A price of use as a large figure and what follows it."""
    unit = unit_of(charge)
    if isinstance(terms, rating.Percentage):
        if not terms.percent:
            return rating.price_text(terms.fee), _("/笔")
        after = _("的交易金额，另加 %(fee)s/笔", fee=rating.price_text(terms.fee)) if terms.fee else _("的交易金额")
        return rating.percent_text(terms.percent), after
    if isinstance(terms, rating.Package):
        size = formats.quantity(terms.package_size, unit)
        return rating.price_text(terms.package_price), _("/%(unit)s起", unit=size)
    price = terms.unit_price if isinstance(terms, rating.PerUnit) else terms.tiers[0].unit_price
    return rating.price_text(price), _("/%(unit)s起", unit=unit)


def _free_of_fees(terms: Any) -> str:
    if isinstance(terms, rating.Graduated | rating.Volume) and _falls(terms):
        return _("没有月费，用得多更便宜")
    return _("没有月费，用多少付多少")


def _falls(terms: rating.Graduated | rating.Volume) -> bool:
    return terms.tiers[-1].unit_price < terms.tiers[0].unit_price


def _notes(
    flats: list[rating.Flat], used: list[tuple[Charge | SoldCharge, Any]], *, without: str = ""
) -> tuple[str, ...]:
    """What is included and what more costs, at most two kinds of use; then fees that come on top."""
    notes = [_use(charge, terms) for charge, terms in used[:_MOST_NOTES]]
    if not used and without:
        notes.append(_("不按用量另外收费"))
    for interval, text in (("year", _("另收每年 %(fee)s")), ("once", _("另收一次性 %(fee)s"))):
        fee = _fee(flats, interval)
        if fee and interval != without:
            notes.append(text % {"fee": formats.money(fee)})
    return tuple(notes)


def _use(charge: Charge | SoldCharge, terms: Any) -> str:
    """One kind of use by its name: two of them may well be counted in the same unit."""
    name, unit = formats.local(charge, "name"), unit_of(charge)
    price = _("，").join([short_price(terms, unit), *conditions(terms)])
    if terms.included:
        included = formats.quantity(terms.included, unit)
        return _("%(name)s含 %(included)s，超出 %(price)s", name=name, included=included, price=price)
    return _("%(name)s %(price)s", name=name, price=price)
