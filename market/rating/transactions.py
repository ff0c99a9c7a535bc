"""Transactions: what a percentage is taken of. Not a sum alone: a fee, a least and a most are due for each one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from market.kit import quantity

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

    @property
    def count(self) -> int:
        """How many."""
        return sum(count for count, _ in self.groups)

    @property
    def total(self) -> Decimal:
        """What they came to."""
        return sum((total for _, total in self.groups), _ZERO)

    def dump(self) -> list[list[str]]:
        """A JSON array that `load` reads back."""
        return [[str(count), quantity.text(total)] for count, total in self.groups]

    @classmethod
    def load(cls, raw: Iterable[Iterable[str]]) -> Self:
        """The transactions that `dump` wrote."""
        return cls(tuple((int(count), Decimal(total)) for count, total in raw))


#: What terms are applied to: a quantity, or the transactions of a percentage.
Used = Decimal | Transactions
