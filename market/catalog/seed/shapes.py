"""What the seed files look like, and what they become once they are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from market.catalog.facts import Facts, Slug

Text = Annotated[str, Field(min_length=1, max_length=600)]
SlugText = Annotated[Slug, Field(min_length=1, max_length=60)]
Rate = Annotated[str, Field(pattern=r"^0(\.\d{1,4})?$")]
Size = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Days = Annotated[int, Field(ge=0, le=365)]
Typical = Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,6})?$")]


class Named(Facts):
    """Anything with a slug and a name in both languages."""

    slug: SlugText
    name_zh: Text
    name_en: Text


class CategorySeed(Named):
    """One of the four kinds of service, with its sub-categories."""

    summary_zh: Text
    summary_en: Text
    icon: Text
    tile: Text
    subcategories: Annotated[list[Named], Field(min_length=1)]


class CitySeed(Facts):
    """One prefecture-level city."""

    code: Annotated[str, Field(pattern=r"^44\d{4}$")]
    name_zh: Text
    name_en: Text
    pinyin: Text
    delta: bool


class SectorGroupSeed(Named):
    """A group of sectors of the plan."""

    sectors: Annotated[list[Named], Field(min_length=1)]


class LicenceSeed(Facts):
    """A licence of a provider; its name comes from the list of certificates."""

    type: Text
    number: Text
    valid_until: date | None = None


class MeterSeed(Named):
    """What a provider measures."""

    event_type: Text
    value_property: str = ""
    aggregation: Literal["sum", "count", "max", "latest", "unique_count", "time_weighted"]
    unit_zh: Text
    unit_en: Text
    unit_size: Size = 1
    time_base: Literal["", "hour", "period"] = ""
    dimensions: list[Text] = []
    rounding: Literal["", "up", "nearest", "down"] = ""


class ProviderSeed(Facts):
    """A provider; `facts` hold for each of its offerings unless the offering says otherwise."""

    name_zh: Text
    name_en: Text
    legal_name: Text
    credit_code: Text
    city: Text
    summary_zh: Text
    summary_en: Text
    phone: Text
    email: Text
    website: str = ""
    tax_rate: Rate = "0.06"
    licences: list[LicenceSeed] = []
    meters: list[MeterSeed] = []
    facts: dict[str, Any] = {}


class ChargeSeed(Facts):
    """A priced line; a metered one is called after its meter unless it has a name."""

    slug: Slug = ""
    meter: Slug = ""
    name_zh: str = ""
    name_en: str = ""
    terms: dict[str, Any]
    #: The part of the meter's usage it prices: a dimension and some of its values.
    filter_property: str = ""
    filter_values: list[Text] = []
    typical: str = ""
    #: Where a percentage is taken: how many transactions a month are usual.
    typical_count: Count = 0
    hint_zh: str = ""
    hint_en: str = ""


class PlanSeed(Named):
    """A way to pay for an offering."""

    @property
    def quantity(self) -> dict[str, Any]:
        """In which numbers it is sold, as `plans.save_plan` takes it; nothing where it is not."""
        if not self.quantity_unit_zh and not self.quantity_unit_en:
            return {}
        names = ("unit_zh", "unit_en", "minimum", "maximum", "step")
        return {name: getattr(self, f"quantity_{name}") for name in names}

    summary_zh: Text
    summary_en: Text
    trial_days: Days | None = None
    #: Sold by a number of these, such as seats; empty: not sold by number.
    quantity_unit_zh: str = ""
    quantity_unit_en: str = ""
    quantity_minimum: Size = 1
    quantity_maximum: Size | None = None
    quantity_step: Size = 1
    charges: Annotated[list[ChargeSeed], Field(min_length=1)]


class TypicalSeed(Facts):
    """What the calculator starts with for a meter, in every plan that prices it."""

    meter: SlugText
    quantity: Typical
    count: Count = 0
    hint_zh: Text
    hint_en: Text


class OfferingSeed(Facts):
    """An offering with its words and its prices; its slug is the file's name."""

    category: Text
    provisioning: Literal["manual", "webhook"] = "manual"
    trial_days: Days = 0
    facts: dict[str, Any]
    typical: list[TypicalSeed] = []
    plans: Annotated[list[PlanSeed], Field(min_length=1)]


class PartSeed(Facts):
    """One offering of a solution and what it does there."""

    offering: Text
    reason_zh: Text
    reason_en: Text


class SolutionSeed(Named):
    """A bundle of offerings for a sector."""

    sector: Text
    summary_zh: Text
    summary_en: Text
    parts: Annotated[list[PartSeed], Field(min_length=2)]


@dataclass
class Charge:
    """A charge ready to be stored."""

    slug: str
    name_zh: str
    name_en: str
    meter: str
    terms: dict[str, Any]
    typical: str
    typical_count: int
    hint_zh: str
    hint_en: str
    filter_property: str = ""
    filter_values: list[str] = field(default_factory=list)


@dataclass
class Plan:
    """A plan ready to be stored."""

    seed: PlanSeed
    trial_days: int
    charges: list[Charge]


@dataclass
class Offering:
    """An offering ready to be stored; `facts` are complete."""

    slug: str
    path: str
    seed: OfferingSeed
    facts: dict[str, Any]
    plans: list[Plan]


@dataclass
class Provider:
    """A provider with its offerings."""

    slug: str
    path: str
    seed: ProviderSeed
    offerings: list[Offering] = field(default_factory=list)


@dataclass
class Catalog:
    """Everything in the folder, checked."""

    categories: list[CategorySeed]
    cities: list[CitySeed]
    sector_groups: list[SectorGroupSeed]
    providers: list[Provider]
    solutions: list[SolutionSeed]
