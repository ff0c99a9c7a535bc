"""The price table of an offering: plans side by side, every charge, also one that costs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from market import billing, rating, subscriptions
from market.catalog import Charge, Plan
from market.storefront import prices
from market.web import formats
from market.web.translation import gettext as _

_UNIT_LEFT_OUT = re.compile(r"/(?=[，\s]|$)")


@dataclass(frozen=True)
class PriceRow:
    """What each plan says about one thing; a cell is one line or several."""

    label: str
    note: str
    cells: Sequence[tuple[str, ...]]


def price_rows(plans: Sequence[Plan]) -> list[PriceRow]:
    """Fees first, then use by kind, in which numbers it can be had, and the trial."""
    keys = dict.fromkeys(_key(charge) for plan in plans for charge in plan.charges)
    rows: list[PriceRow] = []
    for key in sorted(keys, key=lambda key: key[0] != "fee"):
        charges = [next((c for c in plan.charges if _key(c) == key), None) for plan in plans]
        rows += _fee_rows(charges, plans) if key[0] == "fee" else _use_rows(charges)
    if any(plan.quantity_unit_zh for plan in plans):
        rows.append(PriceRow(_("能订多少"), "", [_numbers(plan) for plan in plans]))
    trials = [_("%(days)d 天", days=plan.trial_days) if plan.trial_days else _("无") for plan in plans]
    rows.append(PriceRow(_("免费试用"), "", [(text,) for text in trials]))
    return rows


def _numbers(plan: Plan) -> tuple[str, ...]:
    """In which numbers a plan can be had, so that one that is too small is seen at once."""
    unit, low, most = formats.local(plan, "quantity_unit"), plan.quantity_minimum, subscriptions.most_of(plan)
    if not unit:
        return (_("不按数量卖"),)
    if most is None:
        told = _("%(low)s 起", low=formats.quantity(low, unit))
    else:
        told = _("%(low)s 到 %(high)s", low=low, high=formats.quantity(most, unit))
    return (told, *([_("每次加 %(step)s", step=plan.quantity_step)] if plan.quantity_step > 1 else []))


def has_tiers(plans: Sequence[Plan]) -> bool:
    """Whether a note on how tiers count is needed."""
    return any(charge.terms["model"] in ("graduated", "volume") for plan in plans for charge in plan.charges)


def _key(charge: Charge) -> tuple[str, str]:
    """Charges of different plans with the same key stand in one row."""
    if charge.meter is None:
        return ("fee", f"{charge.terms['interval']} {charge.name_zh}")
    return ("use", f"{charge.meter.slug} {charge.filter or ''}")


def _fee_rows(charges: Sequence[Charge | None], plans: Sequence[Plan]) -> Iterator[PriceRow]:
    known = next(charge for charge in charges if charge is not None)
    units = [formats.local(plan, "quantity_unit") for plan in plans]
    cells = [
        rating.describe(rating.parse(charge.terms), unit, formats.language()) if charge else (_("无"),)
        for charge, unit in zip(charges, units, strict=True)
    ]
    yield PriceRow(formats.local(known, "name"), "", cells)


def _use_rows(charges: Sequence[Charge | None]) -> Iterator[PriceRow]:
    known = next(charge for charge in charges if charge is not None)
    name, unit = formats.local(known, "name"), prices.unit_of(known)
    picked = billing.picked(known.filter, formats.language())
    terms = [rating.parse(charge.terms) if charge else None for charge in charges]
    if any(isinstance(each, rating.Percentage) for each in terms):
        note = _("按每笔交易的金额计")
        yield PriceRow(name, _noted(picked, note), [_whole_price(each, unit) for each in terms])
    elif any(_allowance(each) for each in terms):
        included = [(_included(each, unit),) for each in terms]
        yield PriceRow(name, _noted(picked, _("每月包含")), included)
        yield PriceRow(name, _noted(picked, _("超出以后，按 %(unit)s 计", unit=unit)), [_price(each) for each in terms])
    else:
        yield PriceRow(name, _noted(picked, _("按 %(unit)s 计", unit=unit)), [_price(each) for each in terms])


def _whole_price(terms: rating.Terms | None, unit: str) -> tuple[str, ...]:
    """All that a price says, with its allowance."""
    return (_("无"),) if terms is None else rating.describe(terms, unit, formats.language())


def _noted(picked: str, note: str) -> str:
    return _("%(picked)s，%(note)s", picked=picked, note=note) if picked else note


def _included(terms: rating.Terms | None, unit: str) -> str:
    allowance = _allowance(terms)
    return formats.quantity(allowance, unit) if allowance else _("无")


def _allowance(terms: rating.Terms | None) -> Decimal:
    """How much use a price includes; a fixed fee includes none, and neither does a plan without the charge."""
    return Decimal(0) if terms is None or isinstance(terms, rating.Flat) else terms.included


def _price(terms: rating.Terms | None) -> tuple[str, ...]:
    """The price of use in words, a line a tier; the unit stands once, at the head of the row."""
    if terms is None or isinstance(terms, rating.Flat):
        return (_("无"),)
    lines = rating.describe(replace(terms, included=Decimal(0)), "", formats.language())
    return tuple(_UNIT_LEFT_OUT.sub("", line) for line in lines)
