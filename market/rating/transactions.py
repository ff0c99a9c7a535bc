"""Transactions: what a percentage is taken of. Not a sum alone: a fee, a least and a most are due for each one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from market.kit import quantity
from market.kit.rounding import half_up

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Transactions:
    """How many there were and what they came to, in yuan, in groups that are priced alike.

    Groups are (count, total). One group is right where nothing is due at least or at most for each transaction;
    otherwise there is one for each amount. Of these `rating.rate` needs three at most, see `Rated.transactions`.
    """

    groups: tuple[tuple[int, Decimal], ...] = ()

    @classmethod
    def alike(cls, count: int, total: Decimal) -> Self:
        """So many of the same amount."""
        return cls(((count, total),) if count else ())

    @classmethod
    def of(cls, amounts: Mapping[Decimal, int]) -> Self:
        """By amount, smallest first, how often it occurred."""
        return cls(tuple((count, amount * count) for amount, count in sorted(amounts.items()) if count))

    @classmethod
    def together(cls, parts: Iterable[Transactions]) -> Self:
        """All of several."""
        return cls(tuple(group for part in parts for group in part.groups))

    @classmethod
    def guessed(cls, total: Decimal, count: int | None, usual_total: Decimal, usual_count: int) -> Self:
        """Transactions of one size: as many as somebody says, else as is usual for what they come to, at least one."""
        if count is None:
            ratio = Fraction(usual_count) / Fraction(usual_total) if usual_total else Fraction(0)
            count = half_up(Fraction(total) * ratio)
        return cls.alike(max(count, 1) if total else count, total)

    @property
    def count(self) -> int:
        """How many."""
        return sum(count for count, _ in self.groups)

    @property
    def total(self) -> Decimal:
        """What they came to."""
        return sum((total for _, total in self.groups), _ZERO)

    def grown(self, factor: Fraction) -> Transactions:
        """So many times as many of the same amounts, to whole ones."""
        grown = ((half_up(count * factor), count, total) for count, total in self.groups)
        return Transactions(tuple((many, quantity.round6(Fraction(total) * many / count)) for many, count, total in grown if many))

    def dump(self) -> list[list[str]]:
        """A JSON array that `load` reads back."""
        return [[str(count), quantity.text(total)] for count, total in self.groups]

    @classmethod
    def load(cls, raw: Iterable[Iterable[str]]) -> Self:
        """The transactions that `dump` wrote."""
        return cls(tuple((int(count), Decimal(total)) for count, total in raw))


#: What terms are applied to: a quantity, or the transactions of a percentage.
Used = Decimal | Transactions
