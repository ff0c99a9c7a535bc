"""What things can be found by: offerings, providers and solutions as lexemes, each with the best place it stands in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import accounts, catalog, db, providers
from market.catalog import Solution
from market.providers import Provider, ProviderStatus
from market.search import words
from market.search.index import Document
from market.search.models import Kind
from market.search.pinyin import is_han, sounds
from market.search.query import SOUND, WHOLE, whole

#: Where a lexeme stands, from the name to the text.
NAME, KEYWORD, TEXT = range(3)
_SHORT = {"djbh2": "等保二级", "djbh3": "等保三级"}
#: Facts that people read, by where they stand; without whom the offering does not suit.
_PLACES = {
    KEYWORD: ("keywords",),
    TEXT: ("tagline", "description", "benefits", "faq", "start_steps", "deadline_setup", "support_hours", "export_format"),
}

Texts = Mapping[int, Sequence[str]]


def offering_documents(ids: Collection[int]) -> Iterator[Document]:
    """Those of the offerings that can be bought now."""
    kinds = catalog.category_names()
    for offering, facts in catalog.live_facts(ids):
        kind = [kinds[slug] for slug in (facts.get("subcategory", ""), offering.category_slug) if slug in kinds]
        names = [facts.get("name_zh", ""), facts.get("name_en", "")]
        texts: dict[int, list[str]] = {NAME: names, **{place: [] for place in (KEYWORD, TEXT)}}
        for place, keys in _PLACES.items():
            for key in keys:
                texts[place].extend(_pieces(facts, key))
        texts[KEYWORD].extend(name for each in kind for name in (each.name_zh, each.name_en))
        texts[TEXT].extend([offering.provider.name_zh, offering.provider.name_en, *_certificates(facts)])
        yield document(Kind.OFFERING, offering.id, texts)


def provider_documents(ids: Collection[int]) -> Iterator[Document]:
    """Those of the providers that sell now."""
    query = select(Provider).where(Provider.id.in_(ids), Provider.status == ProviderStatus.APPROVED)
    towns = {city.code: (city.name_zh, city.name_en) for city in accounts.cities()}
    for provider in db.session.scalars(query.options(joinedload(Provider.organization))):
        texts = {
            NAME: [provider.name_zh, provider.name_en, provider.organization.name],
            KEYWORD: [*towns.get(provider.organization.city_code or "", ())],
            TEXT: [provider.summary_zh, provider.summary_en],
        }
        yield document(Kind.PROVIDER, provider.id, texts)


def solution_documents(ids: Collection[int]) -> Iterator[Document]:
    """The solutions that have anything on sale."""
    sectors = {sector.slug: (sector.name_zh, sector.name_en) for sector in accounts.sectors()}
    for solution in catalog.solutions():
        parts = [part for part in solution.parts if part.offering.live_revision and catalog.can_be_bought(part.offering)]
        if solution.id in ids and parts:
            yield document(Kind.SOLUTION, solution.id, _of_solution(solution, sectors.get(solution.sector_slug, ()), parts))


def _of_solution(solution: Solution, sector: Sequence[str], parts: Sequence[catalog.SolutionPart]) -> Texts:
    offered = [name for part in parts for name in _pieces(catalog.shown_revision(part.offering).facts, "name")]
    return {
        NAME: [solution.name_zh, solution.name_en],
        KEYWORD: [*sector, solution.summary_zh, solution.summary_en],
        TEXT: [*offered, *(reason for part in parts for reason in (part.reason_zh, part.reason_en))],
    }


def document(kind: Kind, ref_id: int, texts: Texts) -> Document:
    """The lexemes of a thing, each with the best place it stands in."""
    places: dict[str, int] = {}
    spoken: set[str] = set()
    for place in sorted(texts):
        for text in texts[place]:
            for word in words.cut(text):
                if place <= KEYWORD and len(word) > 1:
                    spoken.add(word)
                for lexeme in words.with_parts(word):
                    places.setdefault(lexeme, place)
                    if place <= KEYWORD:
                        for sound in _sounds(lexeme):
                            places.setdefault(sound, place)
    for name in texts[NAME]:
        named = whole(name)
        if named != WHOLE:
            places.setdefault(named, NAME)
            for sound in _sounds(named.removeprefix(WHOLE)):
                places.setdefault(sound, NAME)
    line = " · ".join(words.plain(text) for place in sorted(texts) for text in texts[place] if text)
    return Document(kind, ref_id, places, line, frozenset(spoken))


def _sounds(word: str) -> Iterator[str]:
    if is_han(word) and len(word) > 1:
        whole, first = sounds(word)
        if whole:
            yield SOUND + whole
            yield SOUND + first


def _pieces(facts: Mapping[str, Any], key: str) -> Iterator[str]:
    """Every piece of text of a fact, in both languages."""
    fields: Iterable[str] = (key, f"{key}_zh", f"{key}_en")
    for field in fields:
        yield from _strings(facts.get(field))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _certificates(facts: Mapping[str, Any]) -> Iterator[str]:
    for held in facts.get("certificates", []):
        kind = catalog.choice_of(catalog.CERTIFICATES, held["type"])
        yield from (kind.label_zh, kind.label_en, _SHORT.get(held["type"], ""))


def approved_provider_ids() -> Sequence[int]:
    """Every provider that sells now."""
    return [provider.id for provider in providers.approved_providers()]
