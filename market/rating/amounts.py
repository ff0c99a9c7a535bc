"""What a quantity costs, as one fraction of integers: the arithmetic alone, without its working.

Bills are drawn up, meters replayed and guesses priced with this; `working` says the same step by step for whoever
asks. Nothing is rounded: numerator and denominator are whole, and only `Rated.fen` rounds.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from math import lcm

from market.rating.terms import (
    Flat,
    Graduated,
    Ladder,
    Package,
    Percentage,
    PerUnit,
    Ratio,
    Rounding,
    Terms,
    Volume,
)
from market.rating.transactions import Transactions, Used


def amount(terms: Terms, used: Used, over: int, under: int) -> Ratio:
    """Yuan as (numerator, denominator), in the share `over` ÷ `under` of a full period."""
    if isinstance(terms, Percentage):
        return _limited(terms, *_percentage(terms, used, over, under), over, under)
    if isinstance(terms, Flat):
        return _flat(terms, over, under)
    quantity = used.total if isinstance(used, Transactions) else used
    number, unit = quantity.as_integer_ratio()
    if terms.rounding:
        number, unit = whole(number, unit, terms.rounding), 1
    (included, size), *_, plain = terms.integers
    if included:
        # number/unit less included/size × over/under, over one denominator
        number = number * size * under - included * over * unit
        unit = unit * size * under
        if number < 0:
            number = 0
    match terms:
        case PerUnit():
            price, cent = terms.integers[1]
            due, parts = number * price, unit * cent
        case Graduated():
            due, parts = _graduated(terms.integers[1], number, unit, over, under)
        case Volume():
            due, parts = _volume(terms.integers[1], number, unit, over, under)
        case Package():
            due, parts = _package(terms, number, unit)
    return (due, parts) if plain else _limited(terms, due, parts, over, under)


def whole(number: int, unit: int, rounding: Rounding) -> int:
    """A quantity that is not negative, made whole."""
    match rounding:
        case Rounding.UP:
            return -(-number // unit)
        case Rounding.NEAREST:
            return (2 * number + unit) // (2 * unit)
        case _:
            return number // unit


def _flat(terms: Flat, over: int, under: int) -> Ratio:
    number, unit = terms.amount.as_integer_ratio()
    count, part = terms.count.as_integer_ratio()
    if terms.interval == "once":
        return number * count, unit * part
    return number * count * over, unit * part * under


def _place(ladder: Ladder, number: int, unit: int, over: int, under: int) -> int:
    """The tier that the last of `number`/`unit` units falls in; bounds scale with the share."""
    if not over:
        return len(ladder.bounds) if number else 0
    reached = -(-number * ladder.unit * under // (unit * over))
    return bisect_left(ladder.bounds, reached)


def _graduated(ladder: Ladder, number: int, unit: int, over: int, under: int) -> Ratio:
    place = _place(ladder, number, unit, over, under)
    price = ladder.prices[place]
    # below + price × (number/unit − start × share), over unit × ladder.unit × under × ladder.price
    due = price * number * ladder.unit * under + (ladder.below[place] - price * ladder.starts[place]) * over * unit
    return _with_fee(ladder, ladder.fees[place], due, unit * ladder.unit * under, number, over, under)


def _volume(ladder: Ladder, number: int, unit: int, over: int, under: int) -> Ratio:
    place = _place(ladder, number, unit, over, under)
    return _with_fee(ladder, ladder.flats[place], ladder.prices[place] * number, unit, number, over, under)


def _with_fee(ladder: Ladder, fee: int, due: int, unit: int, number: int, over: int, under: int) -> Ratio:
    parts = unit * ladder.price
    if not fee or not number:
        return due, parts
    return due * ladder.fee * under + fee * over * parts, parts * ladder.fee * under


def _package(terms: Package, number: int, unit: int) -> Ratio:
    _, (size, cut), (price, cent), _ = terms.integers
    return -(-number * cut // (unit * size)) * price, cent


def _percentage(terms: Percentage, used: Used, over: int, under: int) -> Ratio:
    groups = groups_of(used)
    if terms.each:
        return _each(terms, groups)
    count = sum(count for count, _ in groups)
    number, unit = sum((total for _, total in groups), Decimal(0)).as_integer_ratio()
    included, size = terms.included.as_integer_ratio()
    number, unit = max(number * size * under - included * over * unit, 0), unit * size * under
    percent, hundred = terms.percent.as_integer_ratio()
    fee, cent = terms.fee.as_integer_ratio()
    return number * percent * cent + count * fee * unit * hundred * 100, unit * hundred * 100 * cent


def _each(terms: Percentage, groups: tuple[tuple[int, Decimal], ...]) -> Ratio:
    """A group's transactions are all at the least, all at the most, or all between: what is true of their mean."""
    totals = [total.as_integer_ratio() for _, total in groups]
    unit = lcm(*(part for _, part in totals))
    rules = terms.percent / 100, terms.fee, terms.fee_minimum, terms.fee_maximum or terms.fee_minimum
    yuan = lcm(*(rule.as_integer_ratio()[1] for rule in rules))
    percent, fee, least, most = (int(rule * yuan) for rule in rules)
    due = 0
    for (count, _), (number, part) in zip(groups, totals, strict=True):
        cost = max(percent * number * (unit // part) + fee * count * unit, least * count * unit)
        due += cost if terms.fee_maximum is None else min(cost, most * count * unit)
    return due, yuan * unit


def groups_of(used: Used) -> tuple[tuple[int, Decimal], ...]:
    """A quantity alone is taken for one transaction."""
    if isinstance(used, Transactions):
        return used.groups
    return ((1, used),) if used else ()


def _limited(
    terms: PerUnit | Graduated | Volume | Package | Percentage, due: int, parts: int, over: int, under: int
) -> Ratio:
    """The price of use after discount, least and most; the last two scale with the share."""
    if terms.discount:
        percent, hundred = terms.discount.as_integer_ratio()
        due, parts = due * (hundred * 100 - percent), parts * hundred * 100
    if terms.minimum:
        least, cent = terms.minimum.as_integer_ratio()
        if due * cent * under < least * over * parts:
            due, parts = least * over, cent * under
    if terms.maximum is not None:
        most, cent = terms.maximum.as_integer_ratio()
        if due * cent * under > most * over * parts:
            due, parts = most * over, cent * under
    return due, parts
