"""What a plan costs for a guess of monthly use: the calculator's, the check page's and the example bill's figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from market import rating
from market.billing.wording import picked
from market.catalog.guesses import guessed_use
from market.catalog.models import Charge, Plan
from market.kit import period as periods
from market.subscriptions.span import trial_end


@dataclass(frozen=True, slots=True)
class EstimateLine:
    """One charge for a full month (year, once); `charge` has name, meter and unit.

    `seat_zh` and `seat_en` are what the plan is sold by the number of, where a fee counts them.
    """

    charge: Charge
    terms: rating.Terms
    rated: rating.Rated
    seat_zh: str = ""
    seat_en: str = ""

    @property
    def fen(self) -> int:
        """The amount, rounded as on a bill."""
        return self.rated.fen

    @property
    def steps(self) -> tuple[rating.Step, ...]:
        """The working; `rating.formula` and `rating.explain` put it in words."""
        return self.rated.steps

    @property
    def interval(self) -> str:
        """How often the amount is due: `month`, `year` or `once`."""
        return self.terms.interval if isinstance(self.terms, rating.Flat) else "month"

    def formula(self, locale: str = "zh") -> str:
        """The working in one line, without the amount."""
        meter, english = self.charge.meter, locale.startswith("en")
        unit = (meter.unit_en if english else meter.unit_zh) if meter else self.seat_en if english else self.seat_zh
        separator = "; " if locale.startswith("en") else "；"
        part = [text] if (text := picked(self.charge.filter, locale)) else []
        return separator.join([*part, *(rating.formula(step, unit, locale) for step in self.steps)])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A full month of a plan, tax included, in fen.

    `total_fen` is the month's bill in which yearly and one-off fees fall too: the first one without a trial.
    `today_fen` is what is due on subscribing: nothing, because every charge stands on the month's bill.
    `next_charge_on` is the local day on which the first month that costs something ends and its bill is drawn up.
    """

    lines: tuple[EstimateLine, ...]
    next_charge_on: date | None = None
    today_fen: int = 0

    @property
    def total_fen(self) -> int:
        """All lines."""
        return sum(line.fen for line in self.lines)

    @property
    def monthly_fen(self) -> int:
        """What every month costs."""
        return self._of("month")

    @property
    def yearly_fen(self) -> int:
        """What every year costs beside that."""
        return self._of("year")

    @property
    def once_fen(self) -> int:
        """What is paid only once."""
        return self._of("once")

    def _of(self, interval: str) -> int:
        return sum(line.fen for line in self.lines if line.interval == interval)


def estimate(
    plan: Plan, quantities: Mapping[str, Decimal], *, at: datetime | None = None, units: int | None = None
) -> Estimate:
    """A full month of `plan` for these quantities by charge slug; a missing one counts as 0.

    `units` is the number of a plan that is sold by one (seats …), without it the fewest that can be had.
    Where a percentage is taken, the number of transactions may stand beside as `<slug>.count`; without it there are
    as many as the charge calls usual for such an amount. Needs `plan.charges` with their meters. With `at` it also
    says when the first charge comes.
    """
    by_number = bool(plan.quantity_unit_zh)
    many = Decimal(units or (plan.quantity_minimum if by_number else 1))
    seat = (plan.quantity_unit_zh, plan.quantity_unit_en) if by_number else ("", "")
    lines = tuple(_line(charge, quantities, many, seat) for charge in plan.charges)
    return Estimate(lines, _next_charge_on(plan, at) if at else None)


def _line(charge: Charge, quantities: Mapping[str, Decimal], units: Decimal, seat: tuple[str, str]) -> EstimateLine:
    terms = rating.times(rating.parse(charge.terms), units)
    return EstimateLine(charge, terms, rating.rate(terms, guessed_use(charge, quantities)), *seat)


def _next_charge_on(plan: Plan, at: datetime) -> date:
    paid_from = trial_end(at, plan.trial_days) if plan.trial_days else at
    return periods.local_day(periods.month_of(paid_from).end)
