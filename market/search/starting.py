"""Where an offering's prices start: the plan that a card names, and what it costs in a usual month."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from market import rating
from market.kit import money

_MONTHS = 12


class Priced(Protocol):
    """A charge, as far as its price goes."""

    @property
    def terms(self) -> Any: ...

    @property
    def typical(self) -> str: ...

    @property
    def typical_count(self) -> int: ...


class Offer(Protocol):
    """A plan, as far as its price goes."""

    @property
    def charges(self) -> Sequence[Priced]: ...


AnyOffer = TypeVar("AnyOffer", bound=Offer)


def starting_plan(plans: Iterable[AnyOffer]) -> AnyOffer | None:
    """The plan with the lowest fixed fee a month; a plan that is paid once comes after all that recur.

    Among equals it is the first one in the provider's order. None without plans.
    """
    return min(plans, key=_fixed, default=None)


def usual_month_fen(plan: Offer) -> int:
    """What a month costs at the quantities the calculator starts with: a yearly fee by its twelfth, one-off fees not."""
    return money.fen(sum((monthly(charge) for charge in plan.charges), Fraction(0)))


def _fixed(plan: Offer) -> tuple[bool, Fraction]:
    """Whether nothing recurs, and the fixed fee of a month; terms of use are not read, for there are many."""
    fees = [rating.parse(charge.terms) for charge in plan.charges if charge.terms["model"] == "flat"]
    flats = [terms for terms in fees if isinstance(terms, rating.Flat)]
    recurs = len(flats) < len(plan.charges) or any(terms.interval != "once" for terms in flats)
    return not recurs, sum((_of_month(terms) for terms in flats), Fraction(0))


def _of_month(terms: rating.Flat) -> Fraction:
    shares = {"month": Fraction(1), "year": Fraction(1, _MONTHS), "once": Fraction(0)}
    return Fraction(terms.amount) * shares[terms.interval]


def monthly(charge: Priced, quantity: Decimal | None = None) -> Fraction:
    """What a month of a charge costs for a quantity, exactly; for the usual one without."""
    terms = rating.parse(charge.terms)
    if isinstance(terms, rating.Flat):
        return _of_month(terms)
    amount = usual(charge) if quantity is None else quantity
    used: rating.Used = amount
    if isinstance(terms, rating.Percentage):
        used = rating.Transactions.alike(charge.typical_count or 1, amount)
    return rating.rate(terms, used).exact


def usual(charge: Priced) -> Decimal:
    """The quantity a month that the provider calls usual; 0 where it says nothing readable."""
    try:
        return max(Decimal(charge.typical or "0"), Decimal(0))
    except InvalidOperation:
        return Decimal(0)
