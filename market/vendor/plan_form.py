"""A plan with its charges as one form that grows by buttons, so it works without script.

Names of boxes are the paths the catalogue complains about: `charges-1-tiers-0-up_to` is `charges.1.tiers.0.up_to`.
Numbers stay as typed; the catalogue reads them and says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _
from wtforms import Field
from wtforms.fields.choices import SelectChoice

from market import billing, catalog, rating
from market.catalog import Charge, Meter, Plan, PlanInvalid, priced
from market.kit import quantity
from market.kit.refusal import Refusal
from market.rating.reading import MOST_TIERS
from market.vendor.plan_boxes import FLAT, KINDS, LIMITS, PRICES, TIERED, ChargeForm, PlanForm, TierForm
from market.web import errors, formats, forms

MOST_CHARGES = 20


@dataclass
class ChargeRow:
    """One charge: its boxes and, for tiers, a row of boxes each."""

    form: ChargeForm
    tiers: list[TierForm]
    meters: Mapping[str, Meter]

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return str(self.form.kind.data)

    @property
    def flat(self) -> bool:
        """Whether it is a fixed fee."""
        return self.kind in FLAT

    @property
    def tiered(self) -> bool:
        """Whether its price has tiers."""
        return self.kind in TIERED

    @property
    def unit(self) -> str:
        """What the chosen meter counts in."""
        meter = self.meters.get(self.form.meter.data or "")
        return formats.local(meter, "unit") if meter else ""

    @property
    def sliced(self) -> bool:
        """Whether there are parts of usage to choose from."""
        return any(meter.dimensions for meter in self.meters.values())

    @property
    def outdated(self) -> bool:
        """Whether the plan on sale prices an older version of the meter than saving will."""
        meter = self.meters.get(self.form.meter.data or "")
        written = self.form.meter_version.data or ""
        return meter is not None and written.isdigit() and int(written) < meter.version_number

    @property
    def title(self) -> str:
        """What to call it: the name typed, else the chosen meter's, else its kind."""
        typed = {"name_zh": self.form.name_zh.data or "", "name_en": self.form.name_en.data or ""}
        meter = self.meters.get(self.form.meter.data or "")
        return formats.local(typed, "name") if any(typed.values()) else formats.local(meter, "name") if meter else str(KINDS[self.kind])

    @property
    def fields(self) -> Iterator[Field]:
        """Every box that is shown, in the order of the page."""
        yield from (self.form.name_zh, self.form.name_en)
        if self.flat:
            yield self.form.amount
            return
        yield self.form.meter
        if self.sliced:
            yield from (self.form.filter_property, self.form.filter_values)
        yield from (self.form[name] for name in PRICES.get(self.kind, ()))
        for tier in self.tiers:
            yield from tier
        yield self.form.included
        yield from (self.form[name] for name in LIMITS)
        yield self.form.typical
        if self.kind == "percentage":
            yield self.form.typical_count
        yield from (self.form.hint_zh, self.form.hint_en)

    def terms(self) -> dict[str, Any]:
        """The price as the rating code reads it."""
        if self.flat:
            return {"model": "flat", "interval": self.kind, "amount": _number(self.form.amount)}
        terms: dict[str, Any] = {"model": self.kind, "included": _number(self.form.included)}
        terms |= {name: number for name in LIMITS if (number := _number(self.form[name]))}
        if self.tiered:
            return terms | {"tiers": [self._tier(place) for place in self.written()]}
        return terms | {name: _number(self.form[name]) for name in PRICES[self.kind]}

    def filter(self) -> dict[str, Any]:
        """The part of the usage it prices, as the catalogue takes it."""
        values = re.split(r"[,，、]", self.form.filter_values.data or "")
        chosen = [value.strip() for value in values if value.strip()]
        return {"filter_property": self.form.filter_property.data or "", "filter_values": chosen}

    def written(self) -> list[int]:
        """The places of the tiers in which something stands; the first always counts."""
        return [place for place, tier in enumerate(self.tiers) if not place or any(box.data for box in tier)]

    def _tier(self, place: int) -> dict[str, str | None]:
        tier = self.tiers[place]
        return {"up_to": _number(tier.up_to) or None, "unit_price": _number(tier.unit_price), "flat": _number(tier.flat)}


@dataclass
class PlanEditor:
    """The whole form; it can be walked like one, so the error summary shows it."""

    words: PlanForm
    rows: list[ChargeRow]
    meters: Sequence[Meter]
    form_errors: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Field]:
        yield from self.words
        for row in self.rows:
            yield from row.fields

    @property
    def has_errors(self) -> bool:
        """Whether anything must be changed."""
        return bool(self.form_errors or any(each.errors for each in self))

    def grow(self, action: str) -> None:
        """Do what a button asks: `add`, `remove-2`, `tier-2`, `untier-2-1`."""
        verb, *places = action.split("-")
        numbers = [int(place) for place in places if place.isascii() and place.isdigit()]
        if verb == "add" and len(self.rows) < MOST_CHARGES:
            self.rows.append(_row(len(self.rows), self.meters, {"kind": request.form.get("new_kind", "")}))
        elif numbers and numbers[0] < len(self.rows):
            self._change(verb, numbers)

    def quantity(self) -> dict[str, str]:
        """In which numbers the plan is sold, as `catalog.save_plan` takes it."""
        words = self.words
        units = {"unit_zh": words.quantity_unit_zh.data or "", "unit_en": words.quantity_unit_en.data or ""}
        numbers = {name: _number(words[f"quantity_{name}"]) for name in ("minimum", "maximum", "step")}
        return units | numbers

    def asked(self, slug: str) -> dict[str, Any]:
        """What the boxes say, as `catalog.check_plan` takes it; days that are no number are out of every bound."""
        words = self.words
        return {
            "slug": slug,
            "name_zh": words.name_zh.data or "",
            "name_en": words.name_en.data or "",
            "trial_days": _days(words.trial_days.data or "0"),
            "notice_days": _days(words.notice_days.data or str(catalog.LEAST_NOTICE)),
            "quantity": self.quantity(),
            "charges": self.charges(),
        }

    def charges(self) -> list[dict[str, Any]]:
        """The charges as `catalog.save_plan` takes them, each with a slug of its own."""
        taken: set[str] = set()
        found = []
        for row in self.rows:
            form = row.form
            name = form.slug.data or _slug(row, taken)
            taken.add(name)
            charge = {"terms": row.terms(), "slug": name, "name_zh": form.name_zh.data, "name_en": form.name_en.data}
            if not row.flat:
                typical = _number(form.typical) or "0"
                hints = {"hint_zh": form.hint_zh.data, "hint_en": form.hint_en.data, "typical": typical}
                if row.kind == "percentage":
                    hints["typical_count"] = _number(form.typical_count) or "0"
                charge |= {"meter": form.meter.data or None} | row.filter() | hints
            found.append(charge)
        return found

    def refuse(self, refusal: PlanInvalid) -> None:
        """Put every complaint of the catalogue at its box."""
        for problem in refusal.problems:
            self._complain(problem.field, _(problem.message, **problem.params))

    def example(self) -> billing.Estimate | None:
        """A month of the plan as it stands in the boxes, at the usual quantities; None and messages if it cannot be read."""
        charges = [self._transient(place, row) for place, row in enumerate(self.rows)]
        if self.has_errors or not charges:
            return None
        usual = {charge.slug: Decimal(charge.typical) for charge in charges if charge is not None}
        return billing.estimate(Plan(trial_days=0, charges=charges), usual)

    def _transient(self, place: int, row: ChargeRow) -> Charge | None:
        meter = row.meters.get(row.form.meter.data or "")
        wrong = rating.problems(row.terms())
        for each in wrong:
            self._complain(f"charges.{place}.{each.field}", errors.translate(each))
        if not row.flat and meter is None:
            self._complain(f"charges.{place}.meter", _("选择按哪个计量项的用量收费。"))
        try:
            typical = quantity.text(quantity.parse(_number(row.form.typical) or "0"))
        except Refusal as refusal:
            self._complain(f"charges.{place}.typical", errors.translate(refusal))
            return None
        count = _number(row.form.typical_count) or "0"
        if row.kind == "percentage" and not (count.isascii() and count.isdigit() and len(count) < 10):
            self._complain(f"charges.{place}.typical_count", _("一般每月多少笔，填整数，例如 1200。"))
            return None
        if wrong:
            return None
        terms = rating.dump(rating.parse(priced(row.terms(), meter)))
        zh = row.form.name_zh.data or (meter.name_zh if meter else str(KINDS[row.kind]))
        en = row.form.name_en.data or (meter.name_en if meter else str(KINDS[row.kind]))
        return Charge(
            slug=str(place), name_zh=zh, name_en=en, meter=meter, terms=terms, typical=typical, position=place,
            typical_count=int(count) if row.kind == "percentage" else 0, **row.filter(),
        )

    def _complain(self, path: str, message: str) -> None:
        """Say it at the box; of a charge with the charge's name, since all of them have boxes alike."""
        box = next((box for box in self if box.name == self._name(path)), None)
        first, *place = path.split(".")
        if first == "charges" and place:
            named = {"number": int(place[0]) + 1, "name": self.rows[int(place[0])].title, "problem": message}
            message = (
                _("收费项目 %(number)s“%(name)s”：%(problem)s", **named)
                if box is None
                else _("收费项目 %(number)s“%(name)s”，%(box)s：%(problem)s", box=box.label.text, **named)
            )
        if box is None:
            self.form_errors.append(message)
        elif not box.errors:
            box.errors = [message]

    def _name(self, path: str) -> str:
        """The box a path of the catalogue means; tiers left empty were not sent, so they are counted over."""
        parts = path.split(".")
        if len(parts) > 2 and parts[0] == "charges" and parts[2] == "tiers":
            row = self.rows[int(parts[1])]
            place = row.written()[int(parts[3])] if len(parts) > 3 else 0
            parts = [*parts[:3], str(place), parts[4] if len(parts) > 4 else "unit_price"]
        if len(parts) == 2 and parts[0] == "charges":
            parts.append("name_zh")
        return "-".join(parts)

    def _change(self, verb: str, numbers: list[int]) -> None:
        row = self.rows[numbers[0]]
        if verb == "remove":
            kept = [_typed(each) for each in self.rows if each is not row]
            self.rows = [_row(place, self.meters, typed) for place, typed in enumerate(kept)]
        elif verb in ("tier", "untier") and row.tiered:
            typed = _typed(row)
            if verb == "tier" and len(typed["tiers"]) < MOST_TIERS:
                typed["tiers"].insert(max(len(typed["tiers"]) - 1, 1), {})
            elif verb == "untier" and len(numbers) > 1 and 1 < len(typed["tiers"]) > numbers[1]:
                del typed["tiers"][numbers[1]]
            self.rows[numbers[0]] = _row(numbers[0], self.meters, typed)


def from_request(meters: Sequence[Meter], slug: str = "") -> PlanEditor:
    """The form as it was sent, with what its button asks for already done."""
    words = PlanForm()
    if slug:
        words.slug.data = slug
    rows = [_sent(place, meters) for place in range(_count("charges", MOST_CHARGES))]
    editor = PlanEditor(words, [row for row in rows if row.kind in KINDS], meters)
    editor.grow(request.form.get("do", ""))
    return editor


def from_plan(plan: Plan, meters: Sequence[Meter]) -> PlanEditor:
    """The form filled with a version of a plan."""
    words = PlanForm(formdata=None, obj=plan)
    words.trial_days.data, words.notice_days.data = str(plan.trial_days), str(plan.notice_days)
    by_number = bool(plan.quantity_unit_zh)
    words.quantity_minimum.data = str(plan.quantity_minimum) if by_number else ""
    words.quantity_maximum.data = str(plan.quantity_maximum or "") if by_number else ""
    words.quantity_step.data = str(plan.quantity_step) if by_number else ""
    return PlanEditor(words, [_row(place, meters, _stored(charge)) for place, charge in enumerate(plan.charges)], meters)


def blank(meters: Sequence[Meter]) -> PlanEditor:
    """A new plan: a monthly fee to begin with."""
    return PlanEditor(PlanForm(formdata=None), [_row(0, meters, {"kind": "month"})], meters)


def _sent(place: int, meters: Sequence[Meter]) -> ChargeRow:
    prefix = f"charges-{place}-"
    form = ChargeForm(request.form, prefix=prefix)
    tiers = _count(f"{prefix}tiers", MOST_TIERS)
    return _dressed(form, [TierForm(request.form, prefix=f"{prefix}tiers-{n}-") for n in range(tiers)], meters)


def _count(name: str, most: int) -> int:
    """How many rows were sent, as a hidden field says; anything else than a number means none."""
    typed = request.form.get(name, "")
    return min(int(typed), most) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0


def _row(place: int, meters: Sequence[Meter], typed: Mapping[str, Any]) -> ChargeRow:
    prefix = f"charges-{place}-"
    kind = typed.get("kind") if typed.get("kind") in KINDS else "month"
    words = {name: value for name, value in typed.items() if name not in ("kind", "tiers")}
    form = ChargeForm(prefix=prefix, data={"kind": kind, **words})
    tiers = typed.get("tiers") or ([{}, {}] if kind in TIERED else [])
    return _dressed(form, [TierForm(prefix=f"{prefix}tiers-{n}-", data=tier) for n, tier in enumerate(tiers)], meters)


def _dressed(form: ChargeForm, tiers: list[TierForm], meters: Sequence[Meter]) -> ChargeRow:
    named = [SelectChoice(meter.slug, _("%(name)s（%(unit)s）", name=formats.local(meter, "name"), unit=formats.local(meter, "unit"))) for meter in meters]
    form.meter.choices = [SelectChoice("", forms.CHOOSE), *named]
    dimensions = dict.fromkeys(name for meter in meters for name in meter.dimensions)
    chosen = [_("只收 %(name)s 为……的用量", name=name) for name in dimensions]
    every = SelectChoice("", _("全部用量"))
    form.filter_property.choices = [every, *(SelectChoice(name, text) for name, text in zip(dimensions, chosen, strict=True))]
    last = len(tiers)
    for number, tier in enumerate(tiers, start=1):
        tier.up_to.label.text = _("第 %(tier)s 档，到多少", tier=number) if number < last else _("第 %(tier)s 档，到多少（最后一档留空）", tier=number)
        tier.unit_price.label.text = _("第 %(tier)s 档单价", tier=number)
        tier.flat.label.text = _("第 %(tier)s 档固定费", tier=number)
    return ChargeRow(form, tiers, {meter.slug: meter for meter in meters})


def _typed(row: ChargeRow) -> dict[str, Any]:
    return {box.short_name: box.data for box in row.form} | {"tiers": [dict(tier.data) for tier in row.tiers]}


def _stored(charge: Charge) -> dict[str, Any]:
    terms = dict(charge.terms)
    model, interval = terms.pop("model"), terms.pop("interval", "")
    terms.pop("rounding", None)
    for name in ("included", "fee"):
        if terms.get(name) == "0":
            terms[name] = ""
    words = {
        name: getattr(charge, name) for name in ("slug", "name_zh", "name_en", "hint_zh", "hint_en", "typical", "filter_property")
    } | {"typical_count": str(charge.typical_count or ""), "filter_values": ", ".join(charge.filter_values), "meter_version": str(charge.meter.version_number) if charge.meter else ""}
    tiers = [{key: "" if value in (None, "0.00") and key != "unit_price" else value for key, value in tier.items()} for tier in terms.pop("tiers", [])]
    return words | terms | {"kind": interval or model, "meter": charge.meter.slug if charge.meter else "", "tiers": tiers}


def _slug(row: ChargeRow, taken: set[str]) -> str:
    base = f"fee-{row.kind}" if row.flat else (row.form.meter.data or row.kind.replace("_", "-"))
    return next(name for name in (base, *(f"{base[:56]}-{n}" for n in range(2, 99))) if name not in taken)


def _days(typed: str) -> int:
    """Whole days as typed; -1 for anything else, which no plan may have."""
    typed = typed.strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else -1


def _number(box: Field) -> str:
    """A number without the marks people write around it."""
    return (box.data or "").strip().lstrip("¥￥").rstrip("%％").replace(",", "").replace("，", "").strip()
