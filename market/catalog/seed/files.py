"""Reading and checking the files of `catalog_seed/`, without a database.

Every complaint names the file and the field, as in
`catalog_seed/providers/x/y.toml: plans[1].charges[0].terms.unit_price: 请填写此项`, and all
complaints of all files are raised together. What comes out is complete and consistent.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from market.accounts import uscc
from market.catalog import facts
from market.catalog.facts import Facts, FactsInvalid
from market.catalog.seed.shapes import (
    Catalog,
    CategorySeed,
    Charge,
    ChargeSeed,
    CitySeed,
    MeterSeed,
    Offering,
    OfferingSeed,
    Plan,
    PlanSeed,
    Provider,
    ProviderSeed,
    SectorGroupSeed,
    SolutionSeed,
    TypicalSeed,
)
from market.catalog.slugs import SLUG
from market.errors import MarketError
from market.rating import Flat, InvalidTerms, dump, parse


class SeedInvalid(MarketError):
    """The seed files cannot be loaded; `problems` lists every place and what to mend there."""

    status, code = 422, "seed_invalid"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read(folder: Path) -> Catalog:
    """The folder's catalogue. Raises SeedInvalid with every problem in every file."""
    reader = _Reader(folder)
    catalog = reader.catalog()
    if reader.problems:
        raise SeedInvalid(reader.problems)
    return catalog


_Shape = TypeVar("_Shape", bound=Facts)


class _Reader:
    """Reads file after file and remembers what is wrong; `problems` is empty when all is well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def catalog(self) -> Catalog:
        """All files; after a problem the result is not to be used."""
        found = Catalog(
            self._list("categories.toml", "categories", CategorySeed),
            self._list("cities.toml", "cities", CitySeed),
            self._list("sectors.toml", "groups", SectorGroupSeed),
            [],
            self._list("solutions.toml", "solutions", SolutionSeed),
        )
        self._check_lists(found)
        paths = sorted(self.folder.glob("providers/*/"))
        if not paths:
            self._complain(self.folder / "providers", "", "没有找到服务商，每家一个文件夹")
        found.providers = [made for path in paths if (made := self._provider(path, found))]
        self._check_across(found)
        return found

    # --- one file ---

    def _complain(self, path: Path | str, place: str, message: str) -> None:
        shown = Path(path).relative_to(self.folder.parent) if Path(path).is_absolute() else path
        self.problems.append(": ".join(part for part in (str(shown), place, message) if part))

    def _toml(self, path: Path) -> dict[str, Any] | None:
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._complain(path, "", "缺少这个文件")
        except UnicodeDecodeError:
            self._complain(path, "", "文件要存成 UTF-8 编码")
        except tomllib.TOMLDecodeError as error:
            self._complain(path, "", _toml_problem(error))
        return None

    def _shaped(self, path: Path, raw: Any, shape: type[_Shape], place: str = "") -> _Shape | None:
        try:
            return shape.model_validate(raw)
        except ValidationError as error:
            for problem in facts.problems_of(error):
                self._complain(path, _join(place, problem.field), str(problem))
        return None

    def _list(self, name: str, key: str, shape: type[_Shape]) -> list[_Shape]:
        path = self.folder / name
        raw = self._toml(path)
        if raw is None:
            return []
        for stray in raw.keys() - {key}:
            self._complain(path, stray, "没有这一项")
        rows = raw.get(key)
        if not isinstance(rows, list) or not rows:
            self._complain(path, key, "这里至少要有一项")
            return []
        made = [self._shaped(path, row, shape, f"{key}[{position}]") for position, row in enumerate(rows)]
        return [row for row in made if row is not None]

    # --- providers and offerings ---

    def _provider(self, path: Path, found: Catalog) -> Provider | None:
        file = path / "provider.toml"
        raw = self._toml(file)
        seed = self._shaped(file, raw, ProviderSeed) if raw is not None else None
        if seed is None:
            return None
        self._check_slug(file, path.name)
        self._check_provider(file, seed, found)
        provider = Provider(path.name, str(file.relative_to(self.folder.parent)), seed)
        files = sorted(each for each in path.glob("*.toml") if each.name != "provider.toml")
        provider.offerings = [made for each in files if (made := self._offering(each, seed, found))]
        return provider

    def _check_provider(self, file: Path, seed: ProviderSeed, found: Catalog) -> None:
        if wrong := uscc.problem(seed.credit_code):
            self._complain(file, "credit_code", str(wrong))
        if seed.city not in {city.code for city in found.cities}:
            self._complain(file, "city", f"没有代码为“{seed.city}”的地市")
        known = {choice.value for choice in facts.CERTIFICATES}
        for position, licence in enumerate(seed.licences):
            if licence.type not in known:
                self._complain(file, f"licences[{position}].type", f"没有“{licence.type}”这种证照")
        self._refuse_repeats(file, "meters", [meter.slug for meter in seed.meters])
        for position, meter in enumerate(seed.meters):
            for place, message in _meter_problems(meter):
                self._complain(file, f"meters[{position}].{place}", message)

    def _offering(self, file: Path, provider: ProviderSeed, found: Catalog) -> Offering | None:
        raw = self._toml(file)
        seed = self._shaped(file, raw, OfferingSeed) if raw is not None else None
        if seed is None:
            return None
        self._check_slug(file, file.stem)
        content = self._facts(file, seed, provider, found)
        meters = {meter.slug: meter for meter in provider.meters}
        self._refuse_repeats(file, "plans", [plan.slug for plan in seed.plans])
        self._check_meters(file, "typical", [use.meter for use in seed.typical], meters)
        plans = [
            self._plan(file, f"plans[{position}]", plan, seed, meters) for position, plan in enumerate(seed.plans)
        ]
        return Offering(file.stem, str(file.relative_to(self.folder.parent)), seed, content, plans)

    def _facts(self, file: Path, seed: OfferingSeed, provider: ProviderSeed, found: Catalog) -> dict[str, Any]:
        try:
            parsed = facts.parse(provider.facts | seed.facts)
        except FactsInvalid as error:
            for problem in error.problems:
                self._complain(file, f"facts.{problem.field}", str(problem))
            return {}
        for gap in facts.missing(parsed):
            self._complain(file, f"facts.{gap.field}", f"这一项要填（{gap.label_zh}）")
        content = facts.dump(parsed)
        self._check_known(file, seed, content, found)
        return content

    def _check_known(self, file: Path, seed: OfferingSeed, content: dict[str, Any], found: Catalog) -> None:
        below = {category.slug: {sub.slug for sub in category.subcategories} for category in found.categories}
        if seed.category not in below:
            self._complain(file, "category", f"没有“{seed.category}”这个大类")
        elif content["subcategory"] not in below[seed.category]:
            message = f"“{content['subcategory']}”不是 {seed.category} 里的小类"
            self._complain(file, "facts.subcategory", message)
        sectors = {sector.slug for group in found.sector_groups for sector in group.sectors}
        places = {city.code for city in found.cities} | set(facts.ELSEWHERE)
        for name, known in (("sectors", sectors), ("data_location", places)):
            for position, value in enumerate(content[name]):
                if value not in known:
                    self._complain(file, f"facts.{name}[{position}]", f"没有“{value}”")

    # --- plans and charges ---

    def _plan(
        self, file: Path, place: str, plan: PlanSeed, offering: OfferingSeed, meters: dict[str, MeterSeed]
    ) -> Plan:
        typical = {use.meter: use for use in offering.typical}
        charges = [
            self._charge(file, f"{place}.charges[{position}]", charge, meters, typical)
            for position, charge in enumerate(plan.charges)
        ]
        self._refuse_repeats(file, f"{place}.charges", [charge.slug for charge in charges])
        return Plan(plan, offering.trial_days if plan.trial_days is None else plan.trial_days, charges)

    def _charge(
        self, file: Path, place: str, seed: ChargeSeed, meters: dict[str, MeterSeed], typical: dict[str, TypicalSeed]
    ) -> Charge:
        terms = self._terms(file, f"{place}.terms", seed)
        if terms.get("model") == "flat":
            for name in ("name_zh", "name_en"):
                if not getattr(seed, name):
                    self._complain(file, f"{place}.{name}", "固定费用要有名称")
            slug = seed.slug or f"fee-{terms['interval']}"
            return Charge(slug, seed.name_zh, seed.name_en, "", terms, "0", 0, seed.hint_zh, seed.hint_en)
        if terms:
            self._check_meters(file, place, [seed.meter], meters)
        meter, use = meters.get(seed.meter), typical.get(seed.meter)
        if meter and terms.get("model") == "percentage":
            self._check_amounts(file, place, meter)
        elif meter and meter.rounding:
            terms |= {"rounding": meter.rounding}
        if seed.filter_property and meter and seed.filter_property not in meter.dimensions:
            message = f"计量项“{seed.meter}”不按“{seed.filter_property}”分组"
            self._complain(file, f"{place}.filter_property", message)
        return Charge(
            slug=seed.slug or seed.meter,
            name_zh=seed.name_zh or (meter.name_zh if meter else ""),
            name_en=seed.name_en or (meter.name_en if meter else ""),
            meter=seed.meter,
            terms=terms,
            typical=seed.typical or (use.quantity if use else "0"),
            typical_count=seed.typical_count or (use.count if use else 0),
            hint_zh=seed.hint_zh or (use.hint_zh if use else ""),
            hint_en=seed.hint_en or (use.hint_en if use else ""),
            filter_property=seed.filter_property,
            filter_values=seed.filter_values,
        )

    def _terms(self, file: Path, place: str, seed: ChargeSeed) -> dict[str, Any]:
        try:
            terms = parse(seed.terms)
        except InvalidTerms as error:
            self._complain(file, _join(place, re.sub(r"\.(\d+)", r"[\1]", error.field)), str(error))
            return {}
        if isinstance(terms, Flat) and terms.count != 1:
            self._complain(file, f"{place}.count", "这里不写数量：卖多少份由订阅决定")
        if isinstance(terms, Flat) and seed.meter:
            self._complain(file, place, "固定费用不看用量，请去掉 meter")
        return dump(terms)

    def _check_amounts(self, file: Path, place: str, meter: MeterSeed) -> None:
        if meter.aggregation != "sum" or meter.rounding:
            message = f"按比例收费要用把交易金额加起来、不取整的计量项，“{meter.slug}”不是"
            self._complain(file, f"{place}.meter", message)

    def _check_meters(self, file: Path, place: str, slugs: Iterable[str], meters: dict[str, MeterSeed]) -> None:
        for position, slug in enumerate(slugs):
            if slug not in meters:
                where = f"{place}[{position}].meter" if place == "typical" else f"{place}.meter"
                message = f"这家服务商没有“{slug}”这个计量项" if slug else "按用量收的费用要写明 meter"
                self._complain(file, where, message)

    # --- across files ---

    def _check_slug(self, file: Path, slug: str) -> None:
        if not SLUG.fullmatch(slug):
            self._complain(file, "", f"“{slug}”要做网址名，只用小写字母、数字和连字符，最多 60 个")

    def _refuse_repeats(self, file: Path, place: str, slugs: list[str]) -> None:
        for position, slug in enumerate(slugs):
            if slug and slug in slugs[:position]:
                self._complain(file, f"{place}[{position}].slug", f"“{slug}”前面已经用过")

    def _check_lists(self, found: Catalog) -> None:
        categories = [each.slug for top in found.categories for each in (top, *top.subcategories)]
        self._refuse_repeats(self.folder / "categories.toml", "categories", categories)
        self._refuse_repeats(self.folder / "cities.toml", "cities", [city.code for city in found.cities])
        sectors = [sector.slug for group in found.sector_groups for sector in group.sectors]
        self._refuse_repeats(self.folder / "sectors.toml", "sectors", sectors)
        self._refuse_repeats(self.folder / "solutions.toml", "solutions", [each.slug for each in found.solutions])

    def _check_across(self, found: Catalog) -> None:
        offerings = [offering for provider in found.providers for offering in provider.offerings]
        self._refuse_twins(offerings, lambda offering: offering.slug, "网址名")
        self._refuse_twins(found.providers, lambda provider: provider.seed.credit_code, "统一社会信用代码")
        slugs = {offering.slug for offering in offerings}
        sectors = {sector.slug for group in found.sector_groups for sector in group.sectors}
        file = self.folder / "solutions.toml"
        for position, solution in enumerate(found.solutions):
            if solution.sector not in sectors:
                self._complain(file, f"solutions[{position}].sector", f"没有“{solution.sector}”这个行业")
            for number, part in enumerate(solution.parts):
                if part.offering not in slugs:
                    place = f"solutions[{position}].parts[{number}].offering"
                    self._complain(file, place, f"没有“{part.offering}”这项服务")

    def _refuse_twins(self, things: list[Any], key: Callable[[Any], str], called: str) -> None:
        first: dict[str, Any] = {}
        for thing in things:
            known = first.setdefault(key(thing), thing)
            if known is not thing:
                self._complain(thing.path, "", f"{called}“{key(thing)}”已被 {known.path} 用了")


def _toml_problem(error: tomllib.TOMLDecodeError) -> str:
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
    if found is None:
        return f"写法不对：{error}"
    return f"第 {found[2]} 行第 {found[3]} 列写法不对：{found[1]}"


def _meter_problems(meter: MeterSeed) -> Iterator[tuple[str, str]]:
    counted = meter.aggregation == "count"
    if counted and meter.value_property:
        yield "value_property", "按次数计的不看数值，这里留空"
    if not counted and not meter.value_property:
        yield "value_property", "写明数值在哪个字段里"
    weighted = meter.aggregation == "time_weighted"
    if weighted != bool(meter.time_base):
        yield "time_base", "按时间加权的填 hour 或 period，其他的留空"


def _join(place: str, below: str) -> str:
    return f"{place}.{below}" if place and below else place or below
