"""Plans of one file, with the meters that their charges price: all that it takes to work out what use costs.

The file is an offering of the hand-written catalogue, with its provider's meters in `provider.toml` beside it, or any
file with `[[plans]]` and its own `[[meters]]`. Every complaint names the file and the field, as everywhere here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from market.catalog.facts import Facts, Slug
from market.catalog.models import Aggregation, Meter, TimeBase
from market.catalog.seed.files import SeedInvalid, _meter_problems, _Reader
from market.catalog.seed.shapes import Charge, ChargeSeed, MeterSeed, TypicalSeed
from market.rating import Rounding

#: What an offering's file says beside its prices.
_OTHERS = frozenset({"category", "provisioning", "trial_days", "facts", "typical", "plans", "meters"})


class PlanPrices(Facts):
    """A plan as far as its price goes; all else may be left out."""

    slug: Slug = ""
    name_zh: str = ""
    name_en: str = ""
    charges: list[ChargeSeed]


@dataclass(frozen=True)
class PricedPlan:
    """A plan whose charges can be rated, and the meters they read, by slug."""

    slug: str
    name_zh: str
    name_en: str
    charges: list[Charge]
    meters: Mapping[str, Meter] = field(default_factory=dict)


def plans_in(file: Path) -> list[PricedPlan]:
    """The plans of a file. Raises SeedInvalid with everything that is wrong in it."""
    reader = _Prices(file.parent)
    plans = reader.plans(file)
    if reader.problems:
        raise SeedInvalid(reader.problems)
    return plans


class _Prices(_Reader):
    """Reads one file, and the meters beside it."""

    def plans(self, file: Path) -> list[PricedPlan]:
        """All plans of the file; after a problem the result is not to be used."""
        raw = self._toml(file)
        if raw is None:
            return []
        for stray in sorted(raw.keys() - _OTHERS):
            self._complain(file, stray, "没有这一项")
        meters = self._meters(file, raw)
        typical = {use.meter: use for use in self._rows(file, raw, "typical", TypicalSeed)}
        rows = raw.get("plans")
        if not isinstance(rows, list) or not rows:
            self._complain(file, "plans", "这里至少要有一项")
            return []
        return [
            self._priced(file, f"plans[{place}]", row, meters, typical) for place, row in enumerate(rows) if isinstance(row, dict)
        ]

    def _meters(self, file: Path, raw: Mapping[str, Any]) -> dict[str, MeterSeed]:
        beside = file.parent / "provider.toml"
        if "meters" in raw or not beside.exists() or beside == file:
            return self._measured(file, raw)
        return self._measured(beside, self._toml(beside) or {})

    def _measured(self, file: Path, raw: Mapping[str, Any]) -> dict[str, MeterSeed]:
        meters = self._rows(file, raw, "meters", MeterSeed)
        for place, meter in enumerate(meters):
            for name, message in _meter_problems(meter):
                self._complain(file, f"meters[{place}].{name}", message)
        self._refuse_repeats(file, "meters", [meter.slug for meter in meters])
        return {meter.slug: meter for meter in meters}

    def _rows(self, file: Path, raw: Mapping[str, Any], key: str, shape: type[Any]) -> list[Any]:
        rows = raw.get(key, [])
        if not isinstance(rows, list):
            self._complain(file, key, f"这里要写成 [[{key}]] 的样子")
            return []
        made = [self._shaped(file, row, shape, f"{key}[{place}]") for place, row in enumerate(rows)]
        return [row for row in made if row is not None]

    def _priced(
        self, file: Path, place: str, row: dict[str, Any], meters: dict[str, MeterSeed], typical: dict[str, TypicalSeed]
    ) -> PricedPlan:
        prices = {name: value for name, value in row.items() if name in PlanPrices.model_fields}
        seed = self._shaped(file, prices, PlanPrices, place)
        charges = [
            self._charge(file, f"{place}.charges[{number}]", charge, meters, typical)
            for number, charge in enumerate(seed.charges if seed else ())
        ]
        self._refuse_repeats(file, f"{place}.charges", [charge.slug for charge in charges])
        read = {charge.meter for charge in charges}
        return PricedPlan(
            seed.slug if seed else "", seed.name_zh if seed else "", seed.name_en if seed else "", charges,
            {slug: _meter(meter) for slug, meter in meters.items() if slug in read},
        )  # fmt: skip


def _meter(seed: MeterSeed) -> Meter:
    return Meter(
        slug=seed.slug, name_zh=seed.name_zh, name_en=seed.name_en, event_type=seed.event_type,
        value_property=seed.value_property, aggregation=Aggregation(seed.aggregation), time_base=TimeBase(seed.time_base),
        unit_zh=seed.unit_zh, unit_en=seed.unit_en, unit_size=seed.unit_size, dimensions=list(seed.dimensions),
        rounding=Rounding(seed.rounding),
    )  # fmt: skip
