"""Rating: from terms and what was used to an exact amount, with its working for whoever asks."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from market.kit import quantity as quantities
from market.rating import amounts, working
from market.rating.proration import WHOLE, Share
from market.rating.steps import Step
from market.rating.terms import Flat, Percentage, Terms
from market.rating.transactions import Transactions, Used


class Rated:
    """An amount and how it came about.

    `exact` and `fen` are there at once; the working (`steps`, which add up to `exact`) and what it says of the
    quantity are worked out when they are asked for.
    """

    __slots__ = ("_due", "_parts", "_share", "terms", "used")

    def __init__(self, terms: Terms, used: Used, share: Fraction | Share, due: int, parts: int) -> None:
        self.terms, self.used, self._share, self._due, self._parts = terms, used, share, due, parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rated):
            return NotImplemented
        return (self.terms, self.used, self.share) == (other.terms, other.used, other.share)

    def __hash__(self) -> int:
        return hash((self.terms, self.used, self.share))

    def __repr__(self) -> str:
        return f"Rated({self.terms}, {self.used}, {self.fen} fen)"

    @property
    def exact(self) -> Fraction:
        """Yuan, unrounded."""
        return Fraction(self._due, self._parts)

    @property
    def fen(self) -> int:
        """The line amount: the one rounding, half up, as `money.fen` does; amounts are not negative."""
        return (200 * self._due + self._parts) // (2 * self._parts)

    @property
    def share(self) -> Share:
        """The part of a full period that was rated."""
        return _share(self._share)

    @property
    def quantity(self) -> Decimal:
        """What was rated: whole units where the terms round; of transactions what they came to; 1 of a fee."""
        return Decimal(1) if isinstance(self.terms, Flat) else working.use(self.terms, self.used, self.share).used

    @property
    def included(self) -> Decimal:
        """What was included, for reading, to six places; the steps hold the exact number."""
        if isinstance(self.terms, Flat):
            return Decimal(0)
        return quantities.round6(working.use(self.terms, self.used, self.share).included)

    @property
    def billable(self) -> Decimal:
        """What was used beyond that, for reading, to six places."""
        if isinstance(self.terms, Flat):
            return Decimal(1)
        return quantities.round6(working.use(self.terms, self.used, self.share).billable)

    @property
    def transactions(self) -> Transactions | None:
        """Of a percentage: the transactions in as few groups as give this amount again, three at most."""
        return working.condensed(self.terms, self.used) if isinstance(self.terms, Percentage) else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The working; never empty."""
        return working.steps(self.terms, self.used, self.share)


def rate(terms: Terms, used: Used, *, share: Fraction | Share = WHOLE.fraction) -> Rated:
    """What use costs under `terms`, where `share` is the part of a full period that is rated.

    The share scales recurring fees, the included quantity, tier bounds, and what is due at least and at most;
    never unit prices, packages, transactions or a one-off fee. Where the terms round, the quantity is made whole
    first. A fee ignores what was used. A percentage takes `Transactions`; a quantity alone counts as one of them.
    ValueError for a negative quantity.
    """
    if (used.total if isinstance(used, Transactions) else used) < 0:
        raise ValueError("a quantity to be rated is not negative; corrections are deducted before")
    fraction = share.fraction if isinstance(share, Share) else share
    over, under = fraction.numerator, fraction.denominator
    if over < 0:
        raise ValueError("a share is not negative")
    return Rated(terms, used, share, *amounts.amount(terms, used, over, under))


def _share(share: Fraction | Share) -> Share:
    return share if isinstance(share, Share) else Share(share, share.numerator, share.denominator)
