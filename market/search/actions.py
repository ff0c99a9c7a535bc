"""Keeping the index up with the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from market import catalog, db, resources
from market.catalog import Offering, OfferingStatus
from market.search.index import Document, SearchIndex
from market.search.models import CatalogChange
from market.search.whoosh_index import WhooshIndex

_BATCH = 500
_SHORT = {"djbh2": "等保二级", "djbh3": "等保三级"}
_IN_WORDS = frozenset({"line", "text", "lines", "questions"})


def index() -> SearchIndex:
    """The index of this installation."""
    return WhooshIndex(resources.settings.index_dir)


def listen() -> None:
    """From now on every change of the catalogue is listed in its own transaction."""
    catalog.offering_changed.connect(_list_change)


def _list_change(offering: Offering, *, at: datetime, **_: Any) -> None:
    db.serialize("catalog_changes")  # ids must become visible in their order
    db.session.add(CatalogChange(offering_id=offering.id, at=at))


def find(words: str, *, category: str | None = None, some: bool = False) -> list[int] | None:
    """Ids of live offerings that hold every word, or with `some` at least one, best first; None without an index."""
    return index().find(words, category=category, some=some)


def refresh(now: datetime) -> int:
    """Take up the changes that the index has not seen; returns how many. A lost index is made anew."""
    here = index()
    taken_up = here.taken_up()
    with db.transaction(readonly=True):
        last = _last_change()
        if here.find("") is None:
            return sum(1 for _ in rebuild())
        if last <= taken_up:
            return 0
        ids = _changed_since(taken_up)
        documents = list(_documents(ids))
    shown = {document.offering_id for document in documents}
    here.update(documents, [id for id in ids if id not in shown], upto=last)
    return len(ids)


def rebuild() -> Iterator[Document]:
    """Make the index anew; yields each document as it is read, so that a command can show progress."""
    with db.transaction(readonly=True):
        last = _last_change()
        query = select(Offering.id).where(Offering.status == OfferingStatus.LIVE).order_by(Offering.id)
        ids = db.session.scalars(query).all()
        documents: list[Document] = []
        for start in range(0, len(ids), _BATCH):
            for document in _documents(ids[start : start + _BATCH]):
                documents.append(document)
                yield document
    index().replace(documents, upto=last)


def _last_change() -> int:
    return db.session.scalar(select(func.max(CatalogChange.id))) or 0


def _changed_since(change: int) -> list[int]:
    query = select(CatalogChange.offering_id).where(CatalogChange.id > change).distinct()
    return list(db.session.scalars(query))


def _documents(ids: Collection[int]) -> Iterator[Document]:
    """Those of the offerings that are live, as documents."""
    for offering, facts in catalog.live_facts(ids):
        yield Document(
            offering_id=offering.id,
            category=offering.category_slug,
            name=" ".join((facts.get("name_zh", ""), facts.get("name_en", ""))),
            text=" ".join((offering.provider.name_zh, offering.provider.name_en, *_read_by_people(facts))),
        )


def _read_by_people(facts: Mapping[str, Any]) -> Iterator[str]:
    """What the page says, without codes, and without whom the offering does not suit."""
    for name, fact in catalog.OF_FIELD.items():
        if fact.kind in _IN_WORDS and fact.key != "not_for":
            yield from _words(facts.get(name))
    for held in facts.get("certificates", []):
        kind = catalog.choice_of(catalog.CERTIFICATES, held["type"])
        yield from (kind.label_zh, kind.label_en, _SHORT.get(held["type"], ""))


def _words(value: Any) -> Iterator[str]:
    """Every piece of text anywhere in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _words(part)
    elif isinstance(value, list):
        for part in value:
            yield from _words(part)
