"""Charge terms: what a priced line of a plan says, as typed values. `reading` reads and writes their JSON.

Each term keeps its numbers a second time as integer ratios, which is what `amounts` calculates with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Any, Final, Literal

from market.kit.quantity import round6

FlatInterval = Literal["month", "year", "once"]

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)

#: Numerator and denominator.
Ratio = tuple[int, int]


class Rounding(StrEnum):
    """How the quantity of a service period is made whole before anything is deducted from it or priced."""

    NONE = ""
    UP = "up"
    NEAREST = "nearest"
    DOWN = "down"


def _integers() -> Any:
    """A field that is worked out from the others and takes no part in comparing."""
    return field(init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Flat:
    """A fixed amount a month or year, or once; `count` times where the plan is sold by quantity."""

    amount: Decimal
    interval: FlatInterval
    count: Decimal = _ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What becomes of the price of a period's use, in this order.

    discount    percent taken off
    minimum     yuan a full period that are due at least
    maximum     yuan a full period that are due at most; None: no limit
    """

    discount: Decimal = _ZERO
    minimum: Decimal = _ZERO
    maximum: Decimal | None = None

    @property
    def limited(self) -> bool:
        """Whether any of it applies."""
        return bool(self.discount or self.minimum) or self.maximum is not None


@dataclass(frozen=True, slots=True)
class PerUnit(Limits):
    """One price for every unit beyond what is included."""

    unit_price: Decimal
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE
    integers: tuple[Ratio, Ratio, bool] = _integers()

    def __post_init__(self) -> None:
        _keep(self, (_ratio(self.included), _ratio(self.unit_price), _plain(self)))


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `up_to` (None: without end); `flat` is due once the tier is reached."""

    up_to: Decimal | None
    unit_price: Decimal
    flat: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers as integers: the bounds of all but the last in 1/`unit`, prices in 1/`price`, fees in 1/`fee`.

    `below` and `fees` say for each tier what all tiers below it, and all fees up to it, come to.
    """

    unit: int
    price: int
    fee: int
    bounds: tuple[int, ...]
    starts: tuple[int, ...]
    prices: tuple[int, ...]
    below: tuple[int, ...]
    flats: tuple[int, ...]
    fees: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Graduated(Limits):
    """Every unit at the price of the tier it falls in."""

    tiers: tuple[Tier, ...]
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE
    integers: tuple[Ratio, Ladder, bool] = _integers()

    def __post_init__(self) -> None:
        _keep(self, (_ratio(self.included), _ladder(self.tiers), _plain(self)))


@dataclass(frozen=True, slots=True)
class Volume(Limits):
    """All units at the price of the one tier that the whole quantity falls in."""

    tiers: tuple[Tier, ...]
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE
    integers: tuple[Ratio, Ladder, bool] = _integers()

    def __post_init__(self) -> None:
        _keep(self, (_ratio(self.included), _ladder(self.tiers), _plain(self)))


@dataclass(frozen=True, slots=True)
class Package(Limits):
    """Whole packages; a begun package counts."""

    package_size: Decimal
    package_price: Decimal
    included: Decimal = _ZERO
    rounding: Rounding = Rounding.NONE
    integers: tuple[Ratio, Ratio, Ratio, bool] = _integers()

    def __post_init__(self) -> None:
        numbers = _ratio(self.included), _ratio(self.package_size), _ratio(self.package_price)
        _keep(self, (*numbers, _plain(self)))


@dataclass(frozen=True, slots=True)
class Percentage(Limits):
    """A part of what transactions come to, and a fixed fee for each of them.

    A transaction costs `fee` and `percent` of its amount; at least `fee_minimum` and at most `fee_maximum`. What is
    included is deducted from what the transactions come to; the fixed fee is due for every one of them.
    """

    percent: Decimal
    fee: Decimal = _ZERO
    fee_minimum: Decimal = _ZERO
    fee_maximum: Decimal | None = None
    included: Decimal = _ZERO

    @property
    def rounding(self) -> Rounding:
        """Amounts of money are never made whole."""
        return Rounding.NONE

    @property
    def each(self) -> bool:
        """Whether the price of a transaction depends on its own amount, so that their sum is not enough."""
        return bool(self.fee_minimum) or self.fee_maximum is not None

    @property
    def bounds(self) -> tuple[int, ...]:
        """From which amounts on, in millionths, one transaction is priced by another rule: the least ends, the most begins."""
        if not self.percent:
            return ()
        least, most = self.fee_minimum - self.fee, None if self.fee_maximum is None else self.fee_maximum - self.fee
        found = [ceil(self._reaching(least))] if self.fee_minimum else []
        return (*found, floor(self._reaching(most)) + 1) if most is not None else tuple(found)

    def _reaching(self, part: Decimal) -> Fraction:
        """The amount in millionths of which the percentage is so much."""
        return Fraction(part) * 100 / Fraction(self.percent) * 1_000_000

    def of_one(self, amount: Fraction) -> Fraction:
        """What one transaction of this amount costs before least and most."""
        return Fraction(self.fee) + Fraction(self.percent) / 100 * amount


Metered = PerUnit | Graduated | Volume | Package | Percentage
Terms = Flat | Metered


def times(terms: Terms, units: Decimal) -> Terms:
    """The terms for so many units of a plan that is sold by quantity.

    Recurring fees and what is included are multiplied; a one-off fee, prices, least and most are not.
    """
    if units == 1:
        return terms
    if isinstance(terms, Flat):
        return terms if terms.interval == "once" else replace(terms, count=terms.count * units)
    return replace(terms, included=round6(Fraction(terms.included) * Fraction(units)))


def _keep(terms: Any, integers: tuple[Any, ...]) -> None:
    object.__setattr__(terms, "integers", integers)


def _ratio(number: Decimal) -> Ratio:
    return number.as_integer_ratio()


def _plain(terms: Any) -> bool:
    """Whether nothing is rounded before and nothing limited after."""
    return not terms.rounding and not terms.limited


def _ladder(tiers: tuple[Tier, ...]) -> Ladder:
    bounds = [tier.up_to for tier in tiers[:-1]]
    unit, price, fee = (
        lcm(*(_ratio(number)[1] for number in numbers))
        for numbers in ([bound or _ZERO for bound in bounds], [tier.unit_price for tier in tiers], [tier.flat for tier in tiers])
    )
    ends = [int(Fraction(bound or _ZERO) * unit) for bound in bounds]
    starts = [0, *ends]
    prices = [int(Fraction(tier.unit_price) * price) for tier in tiers]
    flats = [int(Fraction(tier.flat) * fee) for tier in tiers]
    below, fees = [0], [flats[0]] if flats else [0]
    for place, end in enumerate(ends):
        below.append(below[-1] + (end - starts[place]) * prices[place])
        fees.append(fees[-1] + flats[place + 1])
    return Ladder(
        unit, price, fee, tuple(ends), tuple(starts), tuple(prices), tuple(below), tuple(flats), tuple(fees)
    )
