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

from market import billing, catalog, search, subscriptions
from market.catalog import Charge, Offering, Plan
from market.kit import quantity
from market.kit.quantity import plural
from market.kit.refusal import Refusal
from market.storefront import prices
from market.web import errors, formats

LONGEST_NUMBER = 40
#: Where the address says how many of a plan; no charge has such a slug.
UNITS = "plan.quantity"
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
        """What is asked for; where a percentage is taken that is not what the charge is called."""
        name = formats.local(self.charge, "name")
        if self.charge.terms["model"] == "percentage":
            return _("每月交易金额（%(use)s）", use=name)
        return _("每月%(use)s", use=name)

    @property
    def unit(self) -> str:
        """What it is counted in."""
        return prices.unit_of(self.charge)

    @property
    def hint(self) -> str:
        """The provider's rule of thumb."""
        return formats.local(self.charge, "hint")


@dataclass
class Many(Guess):
    """Beside the amount of transactions: how many there are, since each one costs something."""

    @property
    def id(self) -> str:
        """The box's id in the page."""
        return f"use-{self.charge.slug}-count"

    @property
    def name(self) -> str:
        """Its name in the address."""
        return catalog.count_key(self.charge)

    @property
    def label(self) -> str:
        """What is asked for."""
        return _("每月笔数（%(use)s）", use=formats.local(self.charge, "name"))

    @property
    def unit(self) -> str:
        """What is counted."""
        return _("笔")

    @property
    def hint(self) -> str:
        """What is made of it."""
        return _("按每笔金额相同估算")


@dataclass
class Units:
    """The box for how many of a plan that is sold by a number (seats …)."""

    plan: Plan
    typed: str
    value: int | None = None
    errors: list[str] = field(default_factory=list)
    type: str = "CountField"
    id: str = "units"
    name: str = UNITS

    @property
    def label(self) -> str:
        """What is asked for."""
        return _("要多少%(unit)s", unit=plural(self.unit))

    @property
    def unit(self) -> str:
        """What it is sold by."""
        return formats.local(self.plan, "quantity_unit")

    @property
    def hint(self) -> str:
        """From how many, and in what steps."""
        return units_hint(self.plan)


@dataclass
class Calculator:
    """One calculation. It can be walked like a form, so the error summary shows it."""

    plans: Sequence[Plan]
    plan: Plan | None
    guesses: list[Guess | Units] = field(default_factory=list)
    estimate: billing.Estimate | None = None
    form_errors: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Guess | Units]:
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


def units_hint(plan: Plan) -> str:
    """In which numbers a plan can be had."""
    low, high, step = plan.quantity_minimum, plan.quantity_maximum, plan.quantity_step
    most = _("，最多 %(high)s", high=high) if high else ""
    steps = _("，每次加 %(step)s", step=step) if step > 1 else ""
    return _("%(low)s 起%(steps)s%(most)s", low=low, steps=steps, most=most)


def calculate(
    offering: Offering, asked: Mapping[str, str], *, at: datetime, plans: Sequence[Plan] | None = None
) -> Calculator:
    """The calculation that `asked` (`plan`, how many, and a quantity by charge slug) describes.

    `plans` are those this visitor can have, without them those on sale to everybody.
    """
    plans = offering.live_plans if plans is None else plans
    if not plans:
        return Calculator(plans, None)
    wanted = asked.get("plan", "")
    plan = next((each for each in plans if each.slug == wanted), plans[0])
    guesses: list[Guess | Units] = [
        box for charge in plan.charges if charge.meter is not None for box in _boxes(charge, asked)
    ]
    calculator = Calculator(plans, plan, [*([_units(plan, plans, asked)] if plan.quantity_unit_zh else []), *guesses])
    if wanted and plan.slug != wanted:
        calculator.form_errors.append(
            _("没有“%(wanted)s”这个套餐，可能已停售。下面按“%(plan)s”计算。", wanted=wanted[:40], plan=formats.local(plan, "name"))
        )  # fmt: skip
    if not any(guess.errors for guess in calculator.guesses):
        _price(calculator, plan, at)
    return calculator


def _price(calculator: Calculator, plan: Plan, at: datetime) -> None:
    quantities = {guess.name: guess.value or Decimal(0) for guess in calculator.guesses if isinstance(guess, Guess)}
    units = next((box.value for box in calculator.guesses if isinstance(box, Units)), None)
    estimate = billing.estimate(plan, quantities, at=at, units=units)
    if estimate.total_fen > MOST_FEN:
        calculator.form_errors.append(_("这样算出来超过一万亿元。请把用量改小一些。"))
    else:
        calculator.estimate = estimate


def _units(plan: Plan, plans: Sequence[Plan], asked: Mapping[str, str]) -> Units:
    """How many stand in the address, else the fewest there can be."""
    box = Units(plan, asked.get(UNITS, str(plan.quantity_minimum))[:LONGEST_NUMBER])
    written = box.typed.strip().replace(",", "").replace("，", "")
    if not (written.isascii() and written.isdigit()):
        box.errors.append(_("%(label)s写成 120 的样子", label=box.label))
        return box
    try:
        box.value = subscriptions.suitable(plan, int(written))
    except subscriptions.QuantityUnsuitable as refusal:
        box.errors.append(errors.translate(refusal))
        if large := _large_enough(plans, plan, int(written)):
            box.errors.append(_("装得下的套餐：%(plans)s。", plans=_("、").join(formats.local(each, "name") for each in large)))
    return box


def _large_enough(plans: Sequence[Plan], plan: Plan, units: int) -> list[Plan]:
    """Other plans that are sold by the same unit in so many, where this one is not."""
    most = subscriptions.most_of(plan)
    if most is None or units <= most:
        return []
    alike = [each for each in plans if each.quantity_unit_zh == plan.quantity_unit_zh]
    return [each for each in alike if (limit := subscriptions.most_of(each)) is None or units <= limit]


def _boxes(charge: Charge, asked: Mapping[str, str]) -> Iterator[Guess]:
    """What stands in the address, else the provider's usual quantity; of transactions also how many."""
    yield _filled(Guess(charge, ""), search.usual(charge), asked)
    if catalog.counts_transactions(charge):
        many = _filled(Many(charge, ""), Decimal(charge.typical_count), asked)
        if many.value is not None and many.value % 1:
            many.errors.append(_("%(label)s要填整数", label=many.label))
        yield many


def _filled(guess: Guess, usual: Decimal, asked: Mapping[str, str]) -> Guess:
    if guess.name not in asked:
        guess.typed, guess.value = quantity.text(usual), usual
        return guess
    guess.typed = asked[guess.name][:LONGEST_NUMBER]
    written = asked[guess.name].strip().replace(",", "").replace("，", "")
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
