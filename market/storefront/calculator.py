"""The price calculator: a plan, a guess for each kind of use, and what a month would cost.

Everything stands in the address, so a calculation can be sent to a colleague. The amount is computed by
the code that draws up bills; what cannot be read is answered at its field and stays as it was typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from market import billing, search
from market.catalog import Charge, Offering, Plan
from market.kit import quantity
from market.kit.refusal import Refusal
from market.storefront import prices
from market.web import errors, formats

LONGEST_NUMBER = 40
#: Beyond this nobody has a guess; it only keeps the page readable.
MOST_FEN = 10**14


@dataclass
class Guess:
    """One box: a kind of use, what stands in it, and what is wrong with it."""

    charge: Charge
    typed: str
    value: Decimal | None = None
    errors: list[str] = field(default_factory=list)
    type: str = "QuantityField"

    @property
    def id(self) -> str:
        """The box's id in the page."""
        return f"use-{self.charge.slug}"

    @property
    def name(self) -> str:
        """Its name in the address."""
        return self.charge.slug

    @property
    def label(self) -> str:
        """What is asked for."""
        return _("每月%(use)s", use=formats.local(self.charge, "name"))

    @property
    def unit(self) -> str:
        """What it is counted in."""
        return prices.unit_of(self.charge)

    @property
    def hint(self) -> str:
        """The provider's rule of thumb."""
        return formats.local(self.charge, "hint")


@dataclass
class Calculator:
    """One calculation. It can be walked like a form, so the error summary shows it."""

    plans: Sequence[Plan]
    plan: Plan | None
    guesses: list[Guess] = field(default_factory=list)
    estimate: billing.Estimate | None = None
    form_errors: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Guess]:
        return iter(self.guesses)

    @property
    def has_errors(self) -> bool:
        """Whether something must be changed before there is an amount."""
        return bool(self.form_errors or any(guess.errors for guess in self.guesses))

    @property
    def carried(self) -> dict[str, str]:
        """What stands in the address of this calculation."""
        return {guess.name: guess.typed for guess in self.guesses}

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The working, for `estimate`."""
        if self.estimate is None:
            return []
        return [_line(line) for line in self.estimate.lines]

    @property
    def total_fen(self) -> int | None:
        """A usual month with its share of nothing yearly: what every month's bill says."""
        return self.estimate.monthly_fen if self.estimate is not None else None


def calculate(offering: Offering, asked: Mapping[str, str], *, at: datetime) -> Calculator:
    """The calculation that `asked` (`plan` and a quantity by charge slug) describes."""
    plans = offering.live_plans
    if not plans:
        return Calculator(plans, None)
    wanted = asked.get("plan", "")
    plan = next((each for each in plans if each.slug == wanted), plans[0])
    calculator = Calculator(plans, plan, [_guess(charge, asked) for charge in plan.charges if charge.meter is not None])
    if wanted and plan.slug != wanted:
        calculator.form_errors.append(
            _("没有“%(wanted)s”这个套餐，可能已停售。下面按“%(plan)s”计算。", wanted=wanted[:40], plan=formats.local(plan, "name"))
        )  # fmt: skip
    if not any(guess.errors for guess in calculator.guesses):
        _price(calculator, plan, at)
    return calculator


def _price(calculator: Calculator, plan: Plan, at: datetime) -> None:
    quantities = {guess.name: guess.value or Decimal(0) for guess in calculator.guesses}
    estimate = billing.estimate(plan, quantities, at=at)
    if estimate.total_fen > MOST_FEN:
        calculator.form_errors.append(_("这样算出来超过一万亿元。请把用量改小一些。"))
    else:
        calculator.estimate = estimate


def _guess(charge: Charge, asked: Mapping[str, str]) -> Guess:
    """What stands in the address, else the provider's usual quantity."""
    if charge.slug not in asked:
        usual = search.usual(charge)
        return Guess(charge, quantity.text(usual), usual)
    guess = Guess(charge, asked[charge.slug][:LONGEST_NUMBER])
    written = asked[charge.slug].strip().replace(",", "").replace("，", "")
    if not written:
        guess.value = Decimal(0)
        return guess
    try:
        guess.value = quantity.parse(written)
    except Refusal as refusal:
        guess.errors.append(_("%(label)s：%(problem)s", label=guess.label, problem=errors.translate(refusal)))
        return guess
    if guess.value < 0:
        guess.errors.append(_("%(label)s不能小于 0", label=guess.label))
    return guess


def _line(line: billing.EstimateLine) -> dict[str, Any]:
    return {
        "label": formats.local(line.charge, "name"),
        "formula": line.formula(formats.language()),
        "fen": line.fen,
    }
