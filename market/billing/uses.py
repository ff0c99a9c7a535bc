"""What was used, month by month, in a form that any provider's charges can be held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from market.catalog import Filter, Meter
from market.catalog.measures import Measure, converted, in_units_of
from market.kit.period import Period
from market.rating import Transactions

_YEAR_DAYS = 365


class Source(StrEnum):
    """Where a quantity comes from."""

    MEASURED = "measured"
    LISTED = "listed"
    GUESSED = "guessed"


@dataclass(frozen=True, slots=True)
class Month:
    """A billing month, and the days of it that are compared."""

    whole: Period
    paid: Period


@dataclass(frozen=True, slots=True)
class Used:
    """One kind of use: a quantity for each month, in the units of `meter`, or of the measure where there is none.

    `priced`: it costs money today, so a service that does not count it cannot be compared. `transactions` are the same
    month by month, one by one as far as prices on this meter need it; empty where nobody has looked.
    """

    measure: Measure
    quantities: tuple[Decimal, ...]
    source: Source
    meter: Meter | None = None
    only: Filter | None = None
    priced: bool = True
    transactions: tuple[Transactions, ...] = ()

    @property
    def something(self) -> bool:
        """Whether there was any."""
        return any(self.quantities)

    def told_to(self, meter: Meter, number: int, whole: Period) -> Decimal:
        """What that meter, of the same measure, would have said in the month of this number."""
        quantity = self.quantities[number]
        if self.meter is None:
            return in_units_of(meter, Fraction(quantity), whole)
        return quantity if self.meter.id == meter.id else converted(quantity, self.meter, meter, whole)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, month by month, oldest first; `offering_id` is where it was measured.

    `held` is the number in which the plan in use is sold, with its unit in Chinese and in English. `guesses` are monthly quantities by `Gap.key`.
    """

    months: tuple[Month, ...]
    used: tuple[Used, ...]
    offering_id: int | None = None
    held: tuple[int, str, str] | None = None
    guesses: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """How many days are compared."""
        return sum(month.paid.days for month in self.months)

    @property
    def per_year(self) -> Fraction:
        """How many times these months fit into a year: by months if they are whole, else by days."""
        if not self.months:
            return Fraction(0)
        whole = all(month.paid == month.whole for month in self.months)
        return Fraction(12, len(self.months)) if whole else Fraction(_YEAR_DAYS, self.days)

    def guessing(self, guesses: Mapping[str, Decimal]) -> Usage:
        """The same with what somebody thinks of the rest."""
        return replace(self, guesses={**self.guesses, **guesses})
