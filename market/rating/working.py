"""The working of an amount: every step with its own exact amount, which add up to the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from market.rating import amounts
from market.rating.proration import Share
from market.rating.steps import Step, StepKind
from market.rating.terms import Flat, Graduated, Metered, Package, Percentage, PerUnit, Terms, Tier, Volume
from market.rating.transactions import Transactions, Used

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Use:
    """The quantity after the allowance, within a share of the period."""

    used: Decimal
    allowance: Decimal
    share: Share
    #: What of the allowance belongs to the share, and what is beyond it.
    included: Fraction = field(init=False)
    billable: Fraction = field(init=False)

    def __post_init__(self) -> None:
        included = Fraction(self.allowance) * self.share.fraction if self.allowance else _NOTHING
        object.__setattr__(self, "included", included)
        object.__setattr__(self, "billable", max(_NOTHING, Fraction(self.used) - included))

    @property
    def days(self) -> str:
        """The share in days, where it is not the whole."""
        return "" if self.share.fraction == 1 else f"{self.share.days}/{self.share.full_days}"


def use(terms: Metered, used: Used, share: Share) -> Use:
    """What was used, made whole where the terms say so."""
    quantity = used.total if isinstance(used, Transactions) else used
    if terms.rounding:
        quantity = Decimal(amounts.whole(*quantity.as_integer_ratio(), terms.rounding))
    return Use(quantity, terms.included, share)


def steps(terms: Terms, used: Used, share: Share) -> tuple[Step, ...]:
    """The whole working."""
    if isinstance(terms, Flat):
        return (_flat(terms, share),)
    counted = use(terms, used, share)
    quantity = used.total if isinstance(used, Transactions) else used
    made_whole = [] if counted.used == quantity else [_rounded(quantity, counted.used)]
    priced = [*made_whole, *_priced(terms, counted, used)]
    return (*priced, *_limits(terms, sum((step.amount for step in priced), _NOTHING), counted))


def condensed(terms: Percentage, used: Used) -> Transactions:
    """The same transactions in at most three groups: at the least, in between, at the most."""
    groups = amounts.groups_of(used)
    if not terms.each:
        return Transactions.alike(sum(count for count, _ in groups), sum((total for _, total in groups), Decimal(0)))
    sorted_out: dict[StepKind, list[tuple[int, Decimal]]] = {kind: [] for kind in _OF_ONE}
    for group in groups:
        sorted_out[_kind(terms, *group)].append(group)
    return Transactions(tuple(_together(groups) for groups in sorted_out.values() if groups))


def _flat(terms: Flat, share: Share) -> Step:
    prorated = terms.interval != "once" and share.fraction != 1
    return Step(
        kind=StepKind.FLAT,
        amount=Fraction(terms.amount) * Fraction(terms.count) * (share.fraction if prorated else 1),
        quantity=Fraction(terms.count),
        unit_price=terms.amount,
        interval=terms.interval,
        days=f"{share.days}/{share.full_days}" if prorated else "",
    )


def _rounded(quantity: Decimal, whole: Decimal) -> Step:
    return Step(kind=StepKind.ROUNDED, amount=_NOTHING, quantity=Fraction(whole), used=quantity)


def _priced(terms: Metered, counted: Use, used: Used) -> Iterator[Step]:
    """First what was included, then what is priced; never an empty working."""
    if terms.included:
        yield Step(
            kind=StepKind.INCLUDED,
            amount=_NOTHING,
            quantity=counted.billable,
            used=counted.used,
            included=counted.allowance,
            days=counted.days,
        )
        if not counted.billable and not (isinstance(terms, Percentage) and terms.fee):
            return
    match terms:
        case PerUnit():
            yield _per_unit(terms, counted)
        case Graduated():
            yield from _graduated(terms, counted)
        case Volume():
            yield from _volume(terms, counted)
        case Package():
            yield _package(terms, counted)
        case Percentage():
            yield from _percentage(terms, counted, used)


def _per_unit(terms: PerUnit, counted: Use) -> Step:
    return Step(
        kind=StepKind.PER_UNIT,
        amount=counted.billable * Fraction(terms.unit_price),
        quantity=counted.billable,
        unit_price=terms.unit_price,
        used=counted.used if terms.included else None,
        included=counted.allowance if terms.included else None,
        days=counted.days if terms.included else "",
    )


def _graduated(terms: Graduated, counted: Use) -> Iterator[Step]:
    for number, tier, over, up_to in _bounds(terms.tiers, counted):
        if number > 1 and counted.billable <= over:
            return
        inside = (counted.billable if up_to is None else min(counted.billable, up_to)) - over
        yield _tier_step(StepKind.TIER, number, tier, over, up_to, inside)
        yield from _tier_fee(number, tier, counted)


def _volume(terms: Volume, counted: Use) -> Iterator[Step]:
    for number, tier, over, up_to in _bounds(terms.tiers, counted):
        if up_to is None or counted.billable <= up_to:
            yield _tier_step(StepKind.VOLUME, number, tier, over, up_to, counted.billable)
            yield from _tier_fee(number, tier, counted)
            return


def _bounds(
    tiers: tuple[Tier, ...], counted: Use
) -> Iterator[tuple[int, Tier, Fraction, Fraction | None]]:
    over = _NOTHING
    for number, tier in enumerate(tiers, start=1):
        up_to = None if tier.up_to is None else Fraction(tier.up_to) * counted.share.fraction
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


def _tier_fee(number: int, tier: Tier, counted: Use) -> Iterator[Step]:
    """A tier's fee is a fixed fee: due once anything is billable in the tier, and prorated."""
    if tier.flat and counted.billable:
        yield Step(
            kind=StepKind.TIER_FEE,
            amount=Fraction(tier.flat) * counted.share.fraction,
            unit_price=tier.flat,
            tier=number,
            days=counted.days,
        )


def _package(terms: Package, counted: Use) -> Step:
    begun = -(-counted.billable // Fraction(terms.package_size))
    return Step(
        kind=StepKind.PACKAGE,
        amount=begun * Fraction(terms.package_price),
        quantity=Fraction(begun),
        unit_price=terms.package_price,
        size=terms.package_size,
    )


# --- transactions --------------------------------------------------------------------------

#: Where one transaction can stand, in the order of the working.
_OF_ONE = (StepKind.FEE_MINIMUM, StepKind.PERCENTAGE, StepKind.FEE_MAXIMUM)


def _percentage(terms: Percentage, counted: Use, used: Used) -> Iterator[Step]:
    if not terms.each:
        count = sum(count for count, _ in amounts.groups_of(used))
        yield _part(terms, count, counted.billable)
        return
    groups = condensed(terms, used).groups
    for count, total in groups or ((0, Decimal(0)),):
        kind = _kind(terms, count, total) if count else StepKind.PERCENTAGE
        if kind is StepKind.PERCENTAGE:
            yield _part(terms, count, Fraction(total))
        else:
            price = terms.fee_minimum if kind is StepKind.FEE_MINIMUM else terms.fee_maximum
            yield Step(kind=kind, amount=Fraction(price or 0) * count, quantity=Fraction(total), unit_price=price, count=count)


def _part(terms: Percentage, count: int, total: Fraction) -> Step:
    return Step(
        kind=StepKind.PERCENTAGE,
        amount=Fraction(terms.fee) * count + Fraction(terms.percent) / 100 * total,
        quantity=total,
        unit_price=terms.fee,
        percent=terms.percent,
        count=count,
    )


def _kind(terms: Percentage, count: int, total: Decimal) -> StepKind:
    """Whether a group's transactions are at the least, at the most, or in between."""
    cost = terms.of_one(Fraction(total) / count)
    if terms.fee_maximum is not None and cost > Fraction(terms.fee_maximum):
        return StepKind.FEE_MAXIMUM
    return StepKind.FEE_MINIMUM if cost < Fraction(terms.fee_minimum) else StepKind.PERCENTAGE


def _together(groups: Iterable[tuple[int, Decimal]]) -> tuple[int, Decimal]:
    counts, totals = zip(*groups, strict=True)
    return sum(counts), sum(totals, Decimal(0))


# --- discount, least and most --------------------------------------------------------------


def _limits(terms: Metered, due: Fraction, counted: Use) -> Iterator[Step]:
    """What is taken off, and what is added or left out to keep the period's price within its bounds."""
    if terms.discount and due:
        off = due * Fraction(terms.discount) / 100
        yield Step(kind=StepKind.DISCOUNT, amount=-off, percent=terms.discount)
        due -= off
    least = Fraction(terms.minimum) * counted.share.fraction
    if due < least:
        yield Step(kind=StepKind.MINIMUM, amount=least - due, unit_price=terms.minimum, days=counted.days)
        due = least
    if terms.maximum is not None and due > (most := Fraction(terms.maximum) * counted.share.fraction):
        yield Step(kind=StepKind.MAXIMUM, amount=most - due, unit_price=terms.maximum, days=counted.days)
