"""Steps: the working of a rated amount, exact, small enough to be stored with a bill line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from operator import attrgetter
from typing import Any

from market.kit import quantity as quantities
from market.rating.numbers import fraction_text


class StepKind(StrEnum):
    """What one step does."""

    FLAT = "flat"
    ROUNDED = "rounded"
    INCLUDED = "included"
    PER_UNIT = "per_unit"
    TIER = "tier"
    VOLUME = "volume"
    TIER_FEE = "tier_fee"
    PACKAGE = "package"
    PERCENTAGE = "percentage"
    FEE_MINIMUM = "fee_minimum"
    FEE_MAXIMUM = "fee_maximum"
    DISCOUNT = "discount"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


#: What changes the sum of the steps before.
LIMITS = frozenset({StepKind.DISCOUNT, StepKind.MINIMUM, StepKind.MAXIMUM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One term of the sum: `amount` is exact yuan, the rest says how it came about.

    quantity    units priced by this step; for `included`, units beyond the allowance; for `rounded`, whole units;
                of transactions what they come to, in yuan
    unit_price  yuan per unit, package, transaction, or (flat, tier_fee, minimum, maximum) of a full period
    used        the whole quantity of the period, where an allowance was deducted; for `rounded`, before rounding
    included    the allowance of a full period
    tier        1, 2, …, with the bounds `over` (exclusive) and `up_to` (inclusive, None: open), already prorated
    size        units in one package
    interval    month, year or once, for a flat fee
    count       transactions
    percent     of their amount; for `discount`, of the steps before
    days        `20/31` when the period is a part of a full one, else empty
    """

    kind: StepKind
    amount: Fraction
    quantity: Fraction | None = None
    unit_price: Decimal | None = None
    used: Decimal | None = None
    included: Decimal | None = None
    tier: int | None = None
    over: Fraction | None = None
    up_to: Fraction | None = None
    size: Decimal | None = None
    interval: str = ""
    days: str = ""
    count: int | None = None
    percent: Decimal | None = None

    @property
    def priced(self) -> bool:
        """Whether it has a price; others only say how the quantity came about."""
        return self.kind not in (StepKind.ROUNDED, StepKind.INCLUDED)

    def dump(self) -> dict[str, Any]:
        """A JSON object without empty entries; numbers are decimal text, or `10000/31` where a decimal never ends."""
        return {
            name: _WRITTEN[type(value)](value)
            for name, value in zip(_NAMES, _values(self), strict=True)
            if value is not None and not (type(value) is str and not value)
        }

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> Step:
        """The step that `dump` wrote."""
        return cls(**{name: _READ[name](value) for name, value in raw.items()})


def dump_steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Steps as a JSON array."""
    return [step.dump() for step in steps]


def load_steps(raw: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps that `dump_steps` wrote."""
    return tuple(Step.load(row) for row in raw)


_READ: Mapping[str, Any] = {
    "kind": StepKind,
    "amount": Fraction,
    "quantity": Fraction,
    "unit_price": Decimal,
    "used": Decimal,
    "included": Decimal,
    "tier": int,
    "over": Fraction,
    "up_to": Fraction,
    "size": Decimal,
    "interval": str,
    "days": str,
    "count": int,
    "percent": Decimal,
}

_NAMES = tuple(field.name for field in fields(Step))
_values = attrgetter(*_NAMES)
#: How each kind of value is written, by its very type: asking whether a value is a fraction takes as long as writing it.
_WRITTEN: Mapping[type, Callable[[Any], str | int]] = {
    Fraction: fraction_text,
    Decimal: quantities.text,
    StepKind: attrgetter("value"),
    int: int,
    str: str,
}
