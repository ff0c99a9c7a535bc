"""Rating: from terms and a quantity to an exact amount with its working."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from market.kit import money
from market.kit import quantity as quantities
from market.kit.rounding import half_up
from market.rating.proration import WHOLE, Share
from market.rating.steps import Step, StepKind
from market.rating.terms import Flat, Graduated, Package, PerUnit, Rounding, Terms, Tier, Volume

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Rated:
    """An amount and how it came about; the steps add up to it exactly.

    `quantity` is what was rated: whole units where the terms round. `included` and `billable` are for reading, to
    six places; the steps hold the exact numbers.
    """

    quantity: Decimal
    included: Decimal
    billable: Decimal
    steps: tuple[Step, ...]

    @property
    def exact(self) -> Fraction:
        """Yuan, unrounded."""
        return sum((step.amount for step in self.steps), _NOTHING)

    @property
    def fen(self) -> int:
        """The line amount: the one rounding, half up."""
        return money.fen(self.exact)


@dataclass(frozen=True, slots=True)
class _Use:
    """The quantity after the allowance, within a share of the period."""

    used: Decimal
    allowance: Decimal
    share: Share

    @property
    def included(self) -> Fraction:
        return Fraction(self.allowance) * self.share.fraction

    @property
    def billable(self) -> Fraction:
        return max(_NOTHING, Fraction(self.used) - self.included)

    @property
    def days(self) -> str:
        return "" if self.share.fraction == 1 else f"{self.share.days}/{self.share.full_days}"


def rate(terms: Terms, quantity: Decimal, *, share: Fraction | Share = WHOLE.fraction) -> Rated:
    """What `quantity` costs under `terms`, where `share` is the part of a full period that is rated.

    The share scales recurring fees, the included quantity and tier bounds; never unit prices, packages or
    a one-off fee. Where the terms round, the quantity is made whole first. A flat charge ignores the quantity: it
    counts as 1. ValueError for a negative quantity.
    """
    if quantity < 0:
        raise ValueError("a quantity to be rated is not negative; corrections are deducted before")
    part = share if isinstance(share, Share) else Share(share, share.numerator, share.denominator)
    if part.fraction < 0:
        raise ValueError("a share is not negative")
    if isinstance(terms, Flat):
        return Rated(Decimal(1), Decimal(0), Decimal(1), (_flat(terms, part),))
    use = _Use(_whole(quantity, terms.rounding), terms.included, part)
    made_whole = [] if use.used == quantity else [_rounded(quantity, use.used)]
    return _rated(use, (*made_whole, *_steps(terms, use)))


def _rated(use: _Use, steps: tuple[Step, ...]) -> Rated:
    return Rated(use.used, quantities.round6(use.included), quantities.round6(use.billable), steps)


def _whole(quantity: Decimal, rounding: Rounding) -> Decimal:
    exact = Fraction(quantity)
    match rounding:
        case Rounding.NONE:
            return quantity
        case Rounding.UP:
            return Decimal(-(-exact // 1))
        case Rounding.NEAREST:
            return Decimal(half_up(exact))
        case Rounding.DOWN:
            return Decimal(exact // 1)


def _rounded(quantity: Decimal, whole: Decimal) -> Step:
    return Step(kind=StepKind.ROUNDED, amount=_NOTHING, quantity=Fraction(whole), used=quantity)


def _flat(terms: Flat, part: Share) -> Step:
    prorated = terms.interval != "once" and part.fraction != 1
    return Step(
        kind=StepKind.FLAT,
        amount=Fraction(terms.amount) * (part.fraction if prorated else 1),
        quantity=Fraction(1),
        unit_price=terms.amount,
        interval=terms.interval,
        days=f"{part.days}/{part.full_days}" if prorated else "",
    )


def _steps(terms: PerUnit | Graduated | Volume | Package, use: _Use) -> Iterator[Step]:
    """First what was included, then what is priced; never an empty working."""
    if terms.included:
        yield Step(
            kind=StepKind.INCLUDED,
            amount=_NOTHING,
            quantity=use.billable,
            used=use.used,
            included=use.allowance,
            days=use.days,
        )
        if not use.billable:
            return
    match terms:
        case PerUnit():
            yield _per_unit(terms, use)
        case Graduated():
            yield from _graduated(terms, use)
        case Volume():
            yield from _volume(terms, use)
        case Package():
            yield _package(terms, use)


def _per_unit(terms: PerUnit, use: _Use) -> Step:
    return Step(
        kind=StepKind.PER_UNIT,
        amount=use.billable * Fraction(terms.unit_price),
        quantity=use.billable,
        unit_price=terms.unit_price,
        used=use.used if terms.included else None,
        included=use.allowance if terms.included else None,
        days=use.days if terms.included else "",
    )


def _graduated(terms: Graduated, use: _Use) -> Iterator[Step]:
    for number, tier, over, up_to in _bounds(terms.tiers, use):
        if number > 1 and use.billable <= over:
            return
        inside = (use.billable if up_to is None else min(use.billable, up_to)) - over
        yield _tier_step(StepKind.TIER, number, tier, over, up_to, inside)
        yield from _tier_fee(number, tier, use)


def _volume(terms: Volume, use: _Use) -> Iterator[Step]:
    for number, tier, over, up_to in _bounds(terms.tiers, use):
        if up_to is None or use.billable <= up_to:
            yield _tier_step(StepKind.VOLUME, number, tier, over, up_to, use.billable)
            yield from _tier_fee(number, tier, use)
            return


def _bounds(
    tiers: tuple[Tier, ...], use: _Use
) -> Iterator[tuple[int, Tier, Fraction, Fraction | None]]:
    over = _NOTHING
    for number, tier in enumerate(tiers, start=1):
        up_to = None if tier.up_to is None else Fraction(tier.up_to) * use.share.fraction
        yield number, tier, over, up_to
        over = up_to if up_to is not None else over


def _tier_step(
    kind: StepKind, number: int, tier: Tier, over: Fraction, up_to: Fraction | None, inside: Fraction
) -> Step:
    return Step(
        kind=kind,
        amount=inside * Fraction(tier.unit_price),
        quantity=inside,
        unit_price=tier.unit_price,
        tier=number,
        over=over,
        up_to=up_to,
    )


def _tier_fee(number: int, tier: Tier, use: _Use) -> Iterator[Step]:
    """A tier's fee is a fixed fee: due once anything is billable in the tier, and prorated."""
    if tier.flat and use.billable:
        yield Step(
            kind=StepKind.TIER_FEE,
            amount=Fraction(tier.flat) * use.share.fraction,
            unit_price=tier.flat,
            tier=number,
            days=use.days,
        )


def _package(terms: Package, use: _Use) -> Step:
    begun = -(-use.billable // Fraction(terms.package_size))
    return Step(
        kind=StepKind.PACKAGE,
        amount=begun * Fraction(terms.package_price),
        quantity=Fraction(begun),
        unit_price=terms.package_price,
        size=terms.package_size,
    )
