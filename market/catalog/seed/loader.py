"""Writing a checked catalogue to the database, through the same verbs that people use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts import City, Sector
from market.catalog.bundles import Solution, SolutionPart
from market.catalog.categories import Category
from market.catalog.models import Offering
from market.catalog.seed import files
from market.catalog.seed.offerings import Offerings
from market.catalog.seed.providers import Providers
from market.catalog.seed.shapes import Catalog, SolutionSeed
from market.catalog.signals import solution_changed


@dataclass
class Report:
    """How many rows of the catalogue were new, changed, or said the same already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def count(self, outcome: str) -> None:
        """Count one thing as `created`, `changed` or `unchanged`."""
        setattr(self, outcome, getattr(self, outcome) + 1)


def load(folder: Path, *, by: audit.Actor, at: datetime) -> Report:
    """Bring the catalogue up to what the folder says. Raises SeedInvalid, and then nothing is changed."""
    catalog = files.read(folder.resolve())
    report = Report()
    with db.transaction():
        _load_lists(catalog, report, by=by, at=at)
        problems: list[str] = []
        providers = Providers(report.count, problems, by=by, at=at)
        offerings = Offerings(report.count, problems, by=by, at=at)
        for each in catalog.providers:
            provider = providers.load(each)
            if provider is not None and not problems:
                offerings.load(provider, each)
        if problems:
            raise files.SeedInvalid(problems)
        db.session.flush()
        _load_solutions(catalog.solutions, report, by=by, at=at)
    return report


def _load_lists(catalog: Catalog, report: Report, *, by: audit.Actor, at: datetime) -> None:
    """Cities, sectors and categories: named rows with a fixed key, in the order of the files."""
    rows: list[tuple[Any, str, dict[str, Any]]] = []
    for place, city in enumerate(catalog.cities):
        words = {"name_zh": city.name_zh, "name_en": city.name_en, "delta": city.delta, "position": place}
        rows.append((City, city.code, words))
    sectors = [(group.slug, sector) for group in catalog.sector_groups for sector in group.sectors]
    for place, (group, sector) in enumerate(sectors):
        words = {"group_slug": group, "name_zh": sector.name_zh, "name_en": sector.name_en, "position": place}
        rows.append((Sector, sector.slug, words))
    for place, category in enumerate(catalog.categories):
        words = category.model_dump(exclude={"slug", "subcategories"}) | {"parent_slug": None, "position": place}
        rows.append((Category, category.slug, words))
    for category in catalog.categories:
        for place, below in enumerate(category.subcategories):
            words = {"parent_slug": category.slug, "name_zh": below.name_zh, "name_en": below.name_en, "position": place}
            rows.append((Category, below.slug, words))
    for table, key, words in rows:
        report.count(_put(table, key, words, by=by, at=at))


def _put(table: Any, key: str, words: dict[str, Any], *, by: audit.Actor, at: datetime) -> str:
    called = table.__name__.lower()
    row = db.session.get(table, key)
    if row is None:
        column = "code" if table is City else "slug"
        row = table(**{column: key}, **words)
        db.session.add(row)
        audit.record(f"{called}.added", row, by=by, at=at, after={column: key} | words)
        return "created"
    before = {name: getattr(row, name) for name in words}
    if before == words:
        return "unchanged"
    for name, value in words.items():
        setattr(row, name, value)
    audit.record(f"{called}.changed", row, by=by, at=at, before=before, after=words)
    return "changed"


def _load_solutions(
    seeds: Iterable[SolutionSeed], report: Report, *, by: audit.Actor, at: datetime
) -> None:
    query = select(Solution).options(joinedload(Solution.parts).joinedload(SolutionPart.offering))
    found = db.session.scalars(query, execution_options={"populate_existing": True}).unique()
    known = {solution.slug: solution for solution in found}
    ids = {slug: id for slug, id in db.session.execute(select(Offering.slug, Offering.id))}
    for place, seed in enumerate(seeds):
        report.count(_load_solution(seed, place, known.get(seed.slug), ids, by=by, at=at))


def _load_solution(
    seed: SolutionSeed, place: int, known: Solution | None, ids: dict[str, int], *, by: audit.Actor, at: datetime
) -> str:
    words = {
        "sector_slug": seed.sector, "name_zh": seed.name_zh, "name_en": seed.name_en,
        "summary_zh": seed.summary_zh, "summary_en": seed.summary_en, "position": place,
    }  # fmt: skip
    parts = [(ids[part.offering], part.reason_zh, part.reason_en) for part in seed.parts]
    before = _shown(known, words) if known else {}
    after = words | {"parts": [list(part) for part in parts]}
    if before == after:
        return "unchanged"
    solution = known or Solution(slug=seed.slug, **words, parts=[])
    db.session.add(solution)
    for name, value in words.items():
        setattr(solution, name, value)
    solution.parts.clear()
    db.session.flush()  # a part's offering is unique within its solution
    solution.parts.extend(
        SolutionPart(offering_id=offering, reason_zh=zh, reason_en=en, position=number)
        for number, (offering, zh, en) in enumerate(parts)
    )
    audit.record(f"solution.{'changed' if known else 'added'}", solution, by=by, at=at, before=before, after=after)
    solution_changed.send(solution, at=at)
    return "changed" if known else "created"


def _shown(solution: Solution, words: dict[str, Any]) -> dict[str, Any]:
    parts = [[part.offering_id, part.reason_zh, part.reason_en] for part in solution.parts]
    return {name: getattr(solution, name) for name in words} | {"parts": parts}
