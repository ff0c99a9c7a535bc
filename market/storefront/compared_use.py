"""One usage for several services: what is asked for once, and what each service's own charges make of it.

A box stands for a kind of use. Charges of two services share one when their meters have the same measure (how it is
counted, and a unit that the other's is a multiple of) and either carry the same name or are, on both sides, the only
ones of that measure: upload and download of one service are never taken for the download of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from flask_babel import gettext as _

from market import billing, catalog, search, subscriptions
from market.catalog import Charge, Counting, Measure, Meter, Offering, Plan
from market.kit import quantity
from market.kit.period import Period
from market.kit.refusal import Refusal
from market.storefront.calculator import LONGEST_NUMBER, MOST_FEN
from market.web import errors, formats

#: Measures in whose unit a plan's seats can be counted too: so many at once.
_AT_ONCE = frozenset({Counting.PEAK, Counting.STANDING, Counting.DISTINCT})


@dataclass
class Box:
    """One kind of use, and what stands in its box. `type` makes it look like a form's field."""

    id: str
    name: str
    label: str
    unit: str
    measure: Measure | None = None
    #: Which service calls it what, where they do not agree.
    called: dict[str, str] = field(default_factory=dict)
    usual: Decimal = Decimal(0)
    typed: str = ""
    value: Decimal | None = None
    errors: list[str] = field(default_factory=list)
    type: str = "QuantityField"

    @property
    def hint(self) -> str:
        """Their names for it; empty where all call it the same."""
        if len(set(self.called.values())) < 2:
            return ""
        return _("；").join(_("%(service)s：%(use)s", service=service, use=use) for service, use in self.called.items())


@dataclass(frozen=True)
class Priced:
    """A plan for that usage."""

    plan: Plan
    estimate: billing.Estimate
    units: int | None
    #: The plan cannot be had in the number that was typed; this is the nearest it can be had in.
    moved: bool = False

    @property
    def year_fen(self) -> int:
        """The first year: twelve months, a year's fees, and what is paid once."""
        return self.estimate.monthly_fen * 12 + self.estimate.yearly_fen + self.estimate.once_fen


class Usage:
    """The boxes of a comparison, filled from an address; it can be walked like a form, for the error summary."""

    def __init__(self, plans: Mapping[str, Sequence[Plan]], offerings: Sequence[Offering], asked: Mapping[str, str], month: Period) -> None:
        self.form_errors: list[str] = []
        self.boxes: list[Box] = []
        self._month = month
        #: The box of a charge and the one for its transactions, by the charge's number; of a plan's seats by the plan's.
        self._of_charge: dict[int, Box] = {}
        self._counts: dict[int, Box] = {}
        self._seats: dict[int, Box] = {}
        #: What the first service calls the use of a box and which part of it is meant; and whether every service in it has
        #: but one use of that measure.
        self._named: dict[str, tuple[str, str]] = {}
        self._alone: dict[str, bool] = {}
        kinds = {offering.slug: _kinds(plans[offering.slug]) for offering in offerings}
        alone = {slug: _alone(found) for slug, found in kinds.items()}
        for offering in offerings:
            self._add(offering, kinds[offering.slug], alone[offering.slug])
        for offering in offerings:
            for plan in plans[offering.slug]:
                if plan.quantity_unit_zh:
                    self._seat(plan)
        for box in self.boxes:
            _fill(box, asked)

    def __iter__(self) -> Iterator[Box]:
        return iter(self.boxes)

    @property
    def has_errors(self) -> bool:
        """Whether something must be changed before there are amounts."""
        return bool(self.form_errors or any(box.errors for box in self.boxes))

    @property
    def carried(self) -> dict[str, str]:
        """What stands in the address."""
        return {box.name: box.typed for box in self.boxes}

    def box_of(self, charge: Charge) -> Box | None:
        """Where the use behind a charge is typed."""
        return self._of_charge.get(charge.id)

    def price(self, plan: Plan) -> Priced | None:
        """What a plan costs for this usage; None while something cannot be read, or beyond reason."""
        if self.has_errors:
            return None
        quantities: dict[str, Decimal] = {}
        for charge in plan.charges:
            if charge.meter is not None and (box := self._of_charge.get(charge.id)):
                quantities[charge.slug] = catalog.in_units_of(charge.meter, Fraction(box.value or 0), self._month)
                if charge.id in self._counts:
                    quantities[catalog.count_key(charge)] = self._counts[charge.id].value or Decimal(0)
        units, moved = self._units(plan)
        estimate = billing.estimate(plan, quantities, units=units)
        return Priced(plan, estimate, units, moved) if estimate.total_fen <= MOST_FEN else None

    def _units(self, plan: Plan) -> tuple[int | None, bool]:
        """How many seats: what was typed, or the nearest number above it in which the plan is sold."""
        box = self._seats.get(plan.id)
        if box is None:
            return None, False
        wanted = max(int((box.value or Decimal(0)).to_integral_value(rounding="ROUND_CEILING")), 1)
        try:
            return subscriptions.suitable(plan, wanted), False
        except subscriptions.QuantityUnsuitable:
            low, step, high = plan.quantity_minimum, plan.quantity_step, plan.quantity_maximum
            near = low if wanted <= low else low + -(-(wanted - low) // step) * step
            return min(near, high) if high else near, True

    def _add(self, offering: Offering, kinds: Mapping[tuple[Measure, str, str], list[Charge]], alone: set[Measure]) -> None:
        service = formats.local(catalog.shown_revision(offering).facts, "name")
        mine: set[str] = set()
        for (measure, name_zh, only), charges in kinds.items():
            meter = charges[0].meter
            assert meter is not None
            box = self._known(measure, name_zh, only, alone, mine) or self._new(measure, name_zh, only, meter, charges[0])
            mine.add(box.name)
            box.called[service] = formats.local(charges[0], "name")
            self._alone[box.name] = self._alone.get(box.name, True) and measure in alone
            if not box.usual:
                box.usual = _usual(charges[0], meter, self._month)
            for charge in charges:
                self._of_charge[charge.id] = box
                if catalog.counts_transactions(charge):
                    self._counts[charge.id] = self._count_box(box, charge)

    def _known(self, measure: Measure, name_zh: str, only: str, alone: set[Measure], mine: set[str]) -> Box | None:
        free = [box for box in self.boxes if box.measure == measure and box.name not in mine and self._named[box.name][1] == only]
        same = [box for box in free if self._named[box.name][0] == name_zh]
        if same:
            return same[0]
        return next((box for box in free if measure in alone and self._alone[box.name] and not only), None)

    def _new(self, measure: Measure, name_zh: str, only: str, meter: Meter, charge: Charge) -> Box:
        known = sum(box.measure == measure for box in self.boxes)
        name = f"u.{measure.key}" if not known else f"u.{measure.key}.{known + 1}"
        unit = formats.local(dict(zip(("unit_zh", "unit_en"), catalog.unit_words(meter), strict=True)), "unit")
        label = _("每月%(use)s", use=formats.local(charge, "name"))
        if charge.terms["model"] == "percentage":
            label = _("每月交易金额（%(use)s）", use=formats.local(charge, "name"))
        box = Box(f"use-{len(self.boxes) + 1}", name, label, unit, measure)
        self.boxes.append(box)
        self._named[name] = (name_zh, only)
        return box

    def _count_box(self, box: Box, charge: Charge) -> Box:
        name = f"{box.name}.count"
        known = next((each for each in self.boxes if each.name == name), None)
        if known is None:
            label = _("每月笔数（%(use)s）", use=formats.local(charge, "name"))
            known = Box(f"use-{len(self.boxes) + 1}", name, label, _("笔"), usual=Decimal(charge.typical_count))
            self.boxes.append(known)
        return known

    def _seat(self, plan: Plan) -> None:
        """The box for how many of a plan: that of a measure in the same unit, else one of its own."""
        unit = plan.quantity_unit_zh
        shared = next((b for b in self.boxes if b.measure and b.measure.unit == unit and b.measure.counting in _AT_ONCE), None)
        name = f"u.seats.{unit}"
        box = shared or next((each for each in self.boxes if each.name == name), None)
        if box is None:
            words = formats.local(plan, "quantity_unit")
            box = Box(f"use-{len(self.boxes) + 1}", name, _("要多少%(unit)s", unit=quantity.plural(words)), words)
            box.usual = Decimal(plan.quantity_minimum)
            self.boxes.append(box)
        self._seats[plan.id] = box


def _kinds(plans: Sequence[Plan]) -> dict[tuple[Measure, str, str], list[Charge]]:
    """The kinds of use a service charges for, each with its charges in all plans, in the order of the plans."""
    found: dict[tuple[Measure, str, str], list[Charge]] = {}
    for plan in plans:
        for charge in plan.charges:
            if charge.meter is not None:
                key = (catalog.measure_of(charge.meter), charge.meter.name_zh, str(charge.filter or ""))
                found.setdefault(key, []).append(charge)
    return found


def _alone(kinds: Mapping[tuple[Measure, str, str], list[Charge]]) -> set[Measure]:
    """The measures of which a service has but one kind of use."""
    measures = [measure for measure, _name, _only in kinds]
    return {measure for measure in measures if measures.count(measure) == 1}


def _usual(charge: Charge, meter: Meter, month: Period) -> Decimal:
    exact = catalog.in_measure(meter, search.usual(charge), month)
    return quantity.round6(exact)


def _fill(box: Box, asked: Mapping[str, str]) -> None:
    if box.name not in asked:
        box.typed, box.value = quantity.text(box.usual), box.usual
        return
    box.typed = asked[box.name][:LONGEST_NUMBER]
    written = asked[box.name].strip().replace(",", "").replace("，", "")
    try:
        box.value = quantity.parse(written) if written else Decimal(0)
    except Refusal as refusal:
        box.errors.append(_("%(label)s：%(problem)s", label=box.label, problem=errors.translate(refusal)))
        return
    if box.value < 0:
        box.errors.append(_("%(label)s不能小于 0", label=box.label))
