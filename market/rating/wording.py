"""The working of an amount in words: `286 GB × ¥0.50`, in Chinese and in English.

Pure strings, so that page, PDF, e-mail and tour print the same formula. Signs are the typographic × − ≈.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from market.kit import money
from market.kit import quantity as quantities
from market.kit.rounding import half_up
from market.rating.numbers import decimal_places, exact_text
from market.rating.steps import Step, StepKind
from market.rating.terms import Flat, Graduated, Package, PerUnit, Terms, Tier, Volume

_ZH: Final[Mapping[str, str]] = {
    "flat.month": "1 个月 × {price}",
    "flat.year": "1 年 × {price}",
    "flat.once": "一次性 {price}",
    "fee.part": "{price} × {days} 天",
    "rounded": "用量 {used}，取整为 {quantity}",
    "included.within": "套餐内 {included}，未超出",
    "included.over": "套餐内 {included}，超出 {quantity}",
    "included.part": "{included} × {days} 天",
    "units": "{quantity} × {price}",
    "units.part": "（{used} − {included} × {days}）{unit} × {price}",
    "tier": "第 {tier} 档（{range}）：{quantity} × {price}",
    "volume": "全部按第 {tier} 档（{range}）：{quantity} × {price}",
    "tier_fee": "第 {tier} 档固定费 {price}",
    "range.between": "{over}–{up_to}",
    "range.over": "超过 {over}",
    "range.all": "不限量",
    "package": "{quantity} 包 × {price}（每包 {size}）",
    "sum": "合计 {amount}",
    "sum.rounded": "合计 {amount}，四舍五入为 {rounded}",
    "price.month": "{price}/月",
    "price.year": "{price}/年",
    "price.once": "{price}（一次性）",
    "price.unit": "{price}/{unit}",
    "price.package": "{price}/包（每包 {size}）",
    "price.tier": "{range}：{price}/{unit}",
    "price.tier_fee": "{range}：{price}/{unit}，另加 {fee}",
    "price.volume": "全部按用量所在一档计价",
    "price.included": "每期含 {included}",
    "price.round.up": "不满 1 个单位按 1 个算",
    "price.round.nearest": "用量四舍五入到整数",
    "price.round.down": "不满 1 个单位的不算",
}
_EN: Final[Mapping[str, str]] = {
    "flat.month": "1 month × {price}",
    "flat.year": "1 year × {price}",
    "flat.once": "once {price}",
    "fee.part": "{price} × {days} days",
    "rounded": "{used} used, rounded to {quantity}",
    "included.within": "{included} included, not exceeded",
    "included.over": "{included} included, exceeded by {quantity}",
    "included.part": "{included} × {days} days",
    "units": "{quantity} × {price}",
    "units.part": "({used} − {included} × {days}) {unit} × {price}",
    "tier": "Tier {tier} ({range}): {quantity} × {price}",
    "volume": "All at tier {tier} ({range}): {quantity} × {price}",
    "tier_fee": "Tier {tier} fee {price}",
    "range.between": "{over}–{up_to}",
    "range.over": "over {over}",
    "range.all": "any quantity",
    "package": "{quantity} × {price} (packages of {size})",
    "sum": "Total {amount}",
    "sum.rounded": "Total {amount}, rounded to {rounded}",
    "price.month": "{price}/month",
    "price.year": "{price}/year",
    "price.once": "{price} once",
    "price.unit": "{price}/{unit}",
    "price.package": "{price} per package of {size}",
    "price.tier": "{range}: {price}/{unit}",
    "price.tier_fee": "{range}: {price}/{unit} plus {fee}",
    "price.volume": "the whole quantity at the price of its tier",
    "price.included": "{included} included per period",
    "price.round.up": "part of a unit counts as a whole one",
    "price.round.nearest": "rounded to the nearest whole unit",
    "price.round.down": "part of a unit does not count",
}
_MOST_PLACES: Final = 8
_BOUND_PLACES: Final = 2
_ABOUT: Final = "≈ "


def formula(step: Step, unit: str = "", locale: str = "zh") -> str:
    """How one step comes to its amount, without the amount: `286 GB × ¥0.50`.

    `unit` is the meter's unit in the same language. What a decimal cannot say exactly is marked ≈, or written
    as the days it comes from.
    """
    words = _words(locale)
    match step.kind:
        case StepKind.FLAT:
            return _fee(words, f"flat.{step.interval}", step)
        case StepKind.ROUNDED:
            return words["rounded"].format(used=_measured(step.used, unit), quantity=_measured(step.quantity, unit))
        case StepKind.INCLUDED:
            return _included(words, step, unit)
        case StepKind.PER_UNIT:
            return _per_unit(words, step, unit)
        case StepKind.TIER | StepKind.VOLUME:
            return words[step.kind.value].format(
                tier=step.tier,
                range=_range(words, step.over, step.up_to, unit),
                quantity=_measured(step.quantity, unit),
                price=price_text(step.unit_price),
            )
        case StepKind.TIER_FEE:
            return _fee(words, "tier_fee", step)
        case StepKind.PACKAGE:
            return words["package"].format(
                quantity=number_text(step.quantity),
                price=price_text(step.unit_price),
                size=_measured(step.size, unit),
            )


def explain(steps: Sequence[Step], unit: str = "", locale: str = "zh") -> tuple[str, ...]:
    """The whole working, a line a step (`286 GB × ¥0.50 = ¥143.00`), and the sum where it is not plain to see."""
    words = _words(locale)
    lines = [_worked(step, unit, locale) for step in steps]
    exact = sum((step.amount for step in steps), Fraction(0))
    amount, rounded = _exact_price(exact), f"¥{money.text(money.fen(exact))}"
    priced = sum(step.priced for step in steps)
    if amount != rounded:
        lines.append(words["sum.rounded"].format(amount=amount, rounded=rounded))
    elif priced > 1:
        lines.append(words["sum"].format(amount=amount))
    return tuple(lines)


def describe(terms: Terms, unit: str = "", locale: str = "zh") -> tuple[str, ...]:
    """The price in words, a line each: `¥0.50/GB`, `每期含 200 GB`; tiers one by one."""
    words = _words(locale)
    match terms:
        case Flat():
            return (words[f"price.{terms.interval}"].format(price=price_text(terms.amount)),)
        case PerUnit():
            lines = [words["price.unit"].format(price=price_text(terms.unit_price), unit=unit)]
        case Graduated():
            lines = _tier_prices(words, terms.tiers, unit)
        case Volume():
            lines = [*_tier_prices(words, terms.tiers, unit), words["price.volume"]]
        case Package():
            size, price = _measured(terms.package_size, unit), price_text(terms.package_price)
            lines = [words["price.package"].format(price=price, size=size)]
    if terms.included:
        lines.append(words["price.included"].format(included=_measured(terms.included, unit)))
    if terms.rounding:
        lines.append(words[f"price.round.{terms.rounding.value}"])
    return tuple(lines)


def price_text(price: Decimal | Fraction | None) -> str:
    """`¥0.50`, `¥0.0125`, `¥1,234.00`: all decimals, at least two."""
    exact = Fraction(price or 0)
    whole, _, decimals = exact_text(abs(exact)).partition(".")
    return f"{'−' if exact < 0 else ''}¥{int(whole):,}.{decimals.ljust(2, '0')}"


def number_text(number: Decimal | Fraction | None) -> str:
    """`1,000.5`; ≈ before what needs more than six places."""
    exact = Fraction(number or 0)
    places = decimal_places(exact)
    whole, point, decimals = quantities.text(quantities.round6(abs(exact))).partition(".")
    approximate = "" if places is not None and places <= quantities.PLACES else _ABOUT
    return f"{approximate}{'−' if exact < 0 else ''}{int(whole):,}{point}{decimals}"


def _words(locale: str) -> Mapping[str, str]:
    return _EN if locale.lower().startswith("en") else _ZH


def _measured(number: Decimal | Fraction | None, unit: str) -> str:
    return quantities.measure(number_text(number), unit)


def _fee(words: Mapping[str, str], key: str, step: Step) -> str:
    price = price_text(step.unit_price)
    if not step.days:
        return words[key].format(price=price, tier=step.tier)
    prorated = words["fee.part"].format(price=price, days=step.days)
    return prorated if step.kind is StepKind.FLAT else words[key].format(price=prorated, tier=step.tier)


def _included(words: Mapping[str, str], step: Step, unit: str) -> str:
    included = _measured(step.included, unit)
    if step.days:
        included = words["included.part"].format(included=included, days=step.days)
    key = "included.over" if step.quantity else "included.within"
    return words[key].format(included=included, quantity=_measured(step.quantity, unit))


def _per_unit(words: Mapping[str, str], step: Step, unit: str) -> str:
    price, places = price_text(step.unit_price), decimal_places(step.quantity or Fraction(0))
    if step.days and (places is None or places > quantities.PLACES):
        return words["units.part"].format(
            used=number_text(step.used),
            included=number_text(step.included),
            days=step.days,
            unit=unit,
            price=price,
        )
    return words["units"].format(quantity=_measured(step.quantity, unit), price=price)


def _range(
    words: Mapping[str, str], over: Decimal | Fraction | None, up_to: Decimal | Fraction | None, unit: str
) -> str:
    """The bounds of a tier, for the eye: one ≈ stands for both. Quantities and prices stay as exact as they are."""
    if up_to is None:
        return words["range.over"].format(over=quantities.measure(_bound(over), unit)) if over else words["range.all"]
    start, end = _bound(over), _bound(up_to)
    if start.startswith(_ABOUT):
        end = end.removeprefix(_ABOUT)
    return words["range.between"].format(over=start, up_to=quantities.measure(end, unit))


def _bound(number: Decimal | Fraction | None) -> str:
    """A bound; one from 1 on that needs more than six places is rounded to two, since days cut it anywhere."""
    exact = Fraction(number or 0)
    text = number_text(exact)
    if exact < 1 or not text.startswith(_ABOUT):
        return text
    return _ABOUT + number_text(Fraction(half_up(exact * 10**_BOUND_PLACES), 10**_BOUND_PLACES))


def _tier_prices(words: Mapping[str, str], tiers: Sequence[Tier], unit: str) -> list[str]:
    lines, over = [], Decimal(0)
    for tier in tiers:
        key = "price.tier_fee" if tier.flat else "price.tier"
        lines.append(
            words[key].format(
                range=_range(words, over, tier.up_to, unit),
                price=price_text(tier.unit_price),
                unit=unit,
                fee=price_text(tier.flat),
            )
        )
        over = tier.up_to or over
    return lines


def _worked(step: Step, unit: str, locale: str) -> str:
    """The formula and what it comes to; a fee without a factor is its own amount."""
    if not step.priced:
        return formula(step, unit, locale)
    how, amount = formula(step, unit, locale), _exact_price(step.amount)
    if "×" not in how:
        return how
    gap = "" if how.endswith("）") else " "
    return f"{how}{gap}{'' if amount.startswith('≈') else '= '}{amount}"


def _exact_price(exact: Fraction) -> str:
    """The amount with all its decimals, or ≈ to eight places where they are more or never end."""
    places = decimal_places(exact)
    if places is not None and places <= _MOST_PLACES:
        return price_text(exact)
    return f"≈ {price_text(Fraction(half_up(exact * 10**_MOST_PLACES), 10**_MOST_PLACES))}"
