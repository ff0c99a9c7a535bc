"""The working of an amount in words: `286 GB × ¥0.50`, in Chinese and in English.

Pure strings, so that page, PDF, e-mail and tour print the same formula. Signs are the typographic × − ≈.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from market.kit import money
from market.kit import quantity as quantities
from market.kit.rounding import half_up
from market.rating.numbers import decimal_places, exact_text
from market.rating.phrases import EN, ZH
from market.rating.steps import LIMITS, Step, StepKind
from market.rating.terms import Flat, Graduated, Metered, Package, Percentage, PerUnit, Terms, Tier, Volume

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
            return _flat(words, step, unit)
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
        case StepKind.PERCENTAGE:
            return _percentage(words, step)
        case StepKind.FEE_MINIMUM | StepKind.FEE_MAXIMUM:
            return words[step.kind.value].format(
                count=_transactions(words, step), price=price_text(step.unit_price), total=_exact_price(step.quantity or Fraction(0))
            )
        case StepKind.DISCOUNT:
            return words["discount"].format(percent=percent_text(step.percent))
        case StepKind.MINIMUM | StepKind.MAXIMUM:
            return _fee(words, step.kind.value, step)


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
    """The price in words, a line each: `¥0.50/GB`, `每期含 200 GB`; tiers one by one.

    The unit of a fixed fee is what a plan is sold by the number of: `¥30.00/月/席`; one-off fees are due but once.
    """
    words = _words(locale)
    if isinstance(terms, Flat):
        price = words[f"price.{terms.interval}"].format(price=price_text(terms.amount))
        return (words["price.each"].format(price=price, unit=unit) if unit and terms.interval != "once" else price,)
    return (*_price(words, terms, unit), *_conditions(words, terms, unit))


def price_text(price: Decimal | Fraction | None) -> str:
    """`¥0.50`, `¥0.0125`, `¥1,234.00`: all decimals, at least two."""
    exact = Fraction(price or 0)
    whole, _, decimals = exact_text(abs(exact)).partition(".")
    return f"{'−' if exact < 0 else ''}¥{int(whole):,}.{decimals.ljust(2, '0')}"


def percent_text(percent: Decimal | None) -> str:
    """`0.6%`."""
    return f"{number_text(percent)}%"


def number_text(number: Decimal | Fraction | None) -> str:
    """`1,000.5`; ≈ before what needs more than six places."""
    exact = Fraction(number or 0)
    places = decimal_places(exact)
    whole, point, decimals = quantities.text(quantities.round6(abs(exact))).partition(".")
    approximate = "" if places is not None and places <= quantities.PLACES else _ABOUT
    return f"{approximate}{'−' if exact < 0 else ''}{int(whole):,}{point}{decimals}"


def _words(locale: str) -> Mapping[str, str]:
    return EN if locale.lower().startswith("en") else ZH


def _measured(number: Decimal | Fraction | None, unit: str) -> str:
    return quantities.measure(number_text(number), unit)


def _price(words: Mapping[str, str], terms: Metered, unit: str) -> list[str]:
    match terms:
        case PerUnit():
            return [words["price.unit"].format(price=price_text(terms.unit_price), unit=unit)]
        case Graduated():
            return _tier_prices(words, terms.tiers, unit)
        case Volume():
            return [*_tier_prices(words, terms.tiers, unit), words["price.volume"]]
        case Package():
            size, price = _measured(terms.package_size, unit), price_text(terms.package_price)
            return [words["price.package"].format(price=price, size=size)]
        case Percentage():
            return list(_of_transactions(words, terms))


def _of_transactions(words: Mapping[str, str], terms: Percentage) -> Iterator[str]:
    key = "price.percentage.both" if terms.fee and terms.percent else "price.percentage.fee" if terms.fee else "price.percentage"
    yield words[key].format(percent=percent_text(terms.percent), fee=price_text(terms.fee))
    least, most = price_text(terms.fee_minimum), price_text(terms.fee_maximum)
    if terms.fee_minimum and terms.fee_maximum is not None:
        yield words["price.fee_between"].format(least=least, most=most)
    elif terms.fee_minimum:
        yield words["price.fee_minimum"].format(price=least)
    elif terms.fee_maximum is not None:
        yield words["price.fee_maximum"].format(price=most)


def _conditions(words: Mapping[str, str], terms: Metered, unit: str) -> Iterator[str]:
    """What holds beside the price: allowance, rounding, discount, least and most."""
    if terms.included:
        yield words["price.included"].format(included=_measured(terms.included, unit))
    if terms.rounding:
        yield words[f"price.round.{terms.rounding.value}"]
    if terms.discount:
        yield words["price.discount"].format(percent=percent_text(terms.discount))
    if terms.minimum:
        yield words["price.minimum"].format(price=price_text(terms.minimum))
    if terms.maximum is not None:
        yield words["price.maximum"].format(price=price_text(terms.maximum))


def _flat(words: Mapping[str, str], step: Step, unit: str) -> str:
    """A fee; of a plan that is sold by quantity so many times."""
    if step.quantity == 1:
        return _fee(words, f"flat.{step.interval}", step)
    key = "flat.counted" if step.days else f"flat.counted.{step.interval}"
    price = price_text(step.unit_price)
    if step.days:
        price = words["fee.part"].format(price=price, days=step.days)
    return words[key].format(quantity=_measured(step.quantity, unit), price=price)


def _percentage(words: Mapping[str, str], step: Step) -> str:
    """`1,204 笔 × ¥0.10 + 0.6% × ¥88,000.00`, without the half that costs nothing."""
    key = "percentage.both" if step.unit_price and step.percent else "percentage.fee" if step.unit_price else "percentage"
    return words[key].format(
        count=_transactions(words, step),
        price=price_text(step.unit_price),
        percent=percent_text(step.percent),
        total=_exact_price(step.quantity or Fraction(0)),
    )


def _transactions(words: Mapping[str, str], step: Step) -> str:
    """So many; English has a singular."""
    text = words["transactions"].format(count=number_text(Decimal(step.count or 0)))
    return text.removesuffix("s") if step.count == 1 else text


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
    if step.kind in LIMITS:
        return _words(locale)["limited"].format(how=how, amount=amount)
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
