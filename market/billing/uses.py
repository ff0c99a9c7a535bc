"""What was used, month by month, in a form that any provider's charges can be held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from market.billing.dues import Due
from market.catalog import Filter, Meter
from market.catalog.measures import Counting, Measure, converted, in_units_of
from market.kit.period import Period
from market.kit.quantity import round6
from market.rating import Transactions

_YEAR_DAYS = 365
#: What is more in more days.
_BY_DAYS = frozenset({Counting.AMOUNT, Counting.LEVEL})


class Source(StrEnum):
    """Where a quantity comes from."""

    MEASURED = "measured"
    LISTED = "listed"
    GUESSED = "guessed"


class Stretch(NamedTuple):
    """Days on end: whether it was paused on them, and how many were held, where it was sold by today's unit."""

    days: Period
    paused: bool = False
    held: int | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """A billing month, the days of it that are compared, and what held on them; without stretches it simply ran."""

    whole: Period
    paid: Period
    stretches: tuple[Stretch, ...] = ()

    def running(self, service: Period) -> int:
        """On how many of these days it was not paused."""
        rested = (one.days.clip(service) for one in self.stretches if one.paused)
        return service.days - sum(days.days for days in rested if days)

    def share(self, service: Period) -> Fraction:
        """Those days as a part of the whole month."""
        return Fraction(self.running(service), self.whole.days)


@dataclass(frozen=True, slots=True)
class Used:
    """One kind of use: a quantity for each month, in the units of `meter`, or of the measure where there is none.

    `priced`: it costs money today, so a service that does not count it cannot be compared. `parts` are the quantities of
    stretches of days within a month, where it was paused. `transactions` are months and stretches one by one, as far as
    prices on this meter need it; empty where nobody has looked.
    """

    measure: Measure
    quantities: tuple[Decimal, ...]
    source: Source
    meter: Meter | None = None
    only: Filter | None = None
    priced: bool = True
    parts: Mapping[Period, Decimal] = field(default_factory=dict)
    transactions: Mapping[Period, Transactions] = field(default_factory=dict)

    @property
    def something(self) -> bool:
        """Whether there was any."""
        return any(self.quantities)

    def told_to(self, meter: Meter, number: int, month: Month, service: Period) -> Decimal:
        """What that meter, of the same measure, would have said of these days in the month of this number."""
        quantity = self._on(service, number, month)
        if self.meter is None:
            return in_units_of(meter, Fraction(quantity), month.whole)
        return quantity if self.meter.id == meter.id else converted(quantity, self.meter, meter, month.whole)

    def _on(self, service: Period, number: int, month: Month) -> Decimal:
        """A guess is one of a whole month; of days that are not paid for, and of paused ones, it says nothing."""
        quantity = self.quantities[number]
        if self.source is not Source.GUESSED:
            return quantity if service == month.paid else self.parts[service]
        if self.measure.counting in _BY_DAYS:
            return round6(Fraction(quantity) * month.share(service))
        return quantity if month.running(service) else Decimal(0)


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
    #: What is due month by month by plan and number, as far as it is known already.
    dues: Mapping[tuple[int, int], Sequence[Sequence[Due]]] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """How many days are compared."""
        return sum(month.paid.days for month in self.months)

    @property
    def paused_days(self) -> int:
        """On how many of them it was paused."""
        return self.days - sum(month.running(month.paid) for month in self.months)

    @property
    def running(self) -> Fraction:
        """The part of the days on which it was not paused."""
        return 1 - Fraction(self.paused_days, self.days) if self.days else Fraction(1)

    @property
    def renumbered(self) -> bool:
        """Whether it was held in different numbers."""
        return len({stretch.held for month in self.months for stretch in month.stretches}) > 1

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
