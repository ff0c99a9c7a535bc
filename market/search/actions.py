"""Keeping the index up with the catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from market import catalog, db, providers, resources
from market.catalog import Offering, Solution
from market.late import Library
from market.providers import Provider, ProviderStatus
from market.search import documents, query, spelling
from market.search.index import Document, Found, Key, Overtaken, SearchIndex
from market.search.models import CatalogChange, Kind
from market.search.postgres_index import PostgresIndex
from market.search.shelf import shelf

if TYPE_CHECKING:
    from market.search import whoosh_index
else:
    whoosh_index = Library("market.search.whoosh_index")

_BATCH = 500
_MAKERS = {
    Kind.OFFERING: documents.offering_documents,
    Kind.PROVIDER: documents.provider_documents,
    Kind.SOLUTION: documents.solution_documents,
}


def index() -> SearchIndex:
    """The index of this installation: in PostgreSQL for all who share it, else in a folder of its own."""
    return PostgresIndex() if db.on_postgresql() else whoosh_index.WhooshIndex(resources.settings.index_dir)


def listen() -> None:
    """From now on every change of the catalogue is listed in its own transaction."""
    catalog.offering_changed.connect(_list_offering)
    providers.provider_changed.connect(_list_provider)
    catalog.solution_changed.connect(_list_solution)


def _list_offering(offering: Offering, *, at: datetime, **_: Any) -> None:
    _list(offering, "offering_id", at)


def _list_provider(provider: Provider, *, at: datetime, **_: Any) -> None:
    _list(provider, "provider_id", at)


def _list_solution(solution: Solution, *, at: datetime, **_: Any) -> None:
    _list(solution, "solution_id", at)


def _list(changed: Offering | Provider | Solution, column: str, at: datetime) -> None:
    _take_turns()
    if changed.id is None:
        db.session.flush()  # what is new has its id from here on
    db.session.add(CatalogChange(at=at, **{column: changed.id}))


def _take_turns() -> None:
    """Ids must become visible in their order: who lists a change first in its transaction waits for those before it."""
    current = db.session()
    if current.info.get("changes_in") is not None and current.info["changes_in"] is current.get_transaction():
        return
    db.serialize("catalog_changes")
    if not current.in_nested_transaction():  # what such a one has taken goes with it when it is given up
        current.info["changes_in"] = current.get_transaction()


class Answer(NamedTuple):
    """What was found, and how: `close` if nothing has all the words, so these have as many of them as anything has."""

    found: Found
    close: bool = False


def find(text: str) -> Answer | None:
    """What has everything that the question asks for; None without an index.

    Only where nothing has, sounds and beginnings of words will do, and after that some of the words.
    """
    here, asked = index(), query.parse(text)
    found = here.find(asked.strict)
    if found is None:
        return None
    if any(found.values()) or not asked.terms:
        return Answer(found)
    for looser in (asked, query.joined(asked)):
        found = here.find(looser) if looser is not None else None
        if found and any(found.values()):
            return Answer(found)
    parted = query.apart(asked)
    near = here.find(parted.strict, some=True) if len(parted.terms) > 1 else None
    return Answer(near or {}, close=bool(near and any(near.values())))


_spoken: dict[tuple[str, int], frozenset[str]] = {}


def suggestion(text: str, on: date) -> str:
    """What a question that finds nothing may have meant, if that finds anything on sale that day; else empty."""
    here = index()
    state = (resources.settings.database_url, here.taken_up() or 0)
    if state not in _spoken:
        _spoken.clear()
        _spoken[state] = frozenset(here.spoken())
    meant = spelling.corrected(text, _spoken[state])
    if not meant or meant == text:
        return ""
    found = here.find(query.parse(meant).strict)
    return meant if found and shelf(on).those(id for _worth, ids in found[Kind.OFFERING] for id in ids) else ""


class Named(NamedTuple):
    """A provider or a solution that was found."""

    slug: str
    name_zh: str
    name_en: str
    summary_zh: str
    summary_en: str


def named(kind: Kind, found: Found, *, most: int) -> list[Named]:
    """The best providers or solutions that were found, where buyers may see them."""
    ids = [id for _worth, some in found.get(kind, ()) for id in some][:most]
    if not ids:
        return []
    table: Any = Provider if kind is Kind.PROVIDER else Solution
    columns = (table.slug, table.name_zh, table.name_en, table.summary_zh, table.summary_en)
    query = select(table.id, *columns).where(table.id.in_(ids))
    if kind is Kind.PROVIDER:
        query = query.where(Provider.status == ProviderStatus.APPROVED)
    rows = {row[0]: Named(*row[1:]) for row in db.session.execute(query)}
    return [rows[id] for id in ids if id in rows]


def refresh(now: datetime) -> int:
    """Take up the changes that the index has not seen; returns how many. A lost index is made anew."""
    here = index()
    with db.transaction(readonly=True):
        last, taken_up = _last_change(), here.taken_up()
    if taken_up is None:
        try:
            return sum(1 for _ in rebuild())
        except Overtaken:
            return 0  # another worker found it missing too, and was the quicker one
    if last <= taken_up:
        return 0
    with db.transaction(readonly=True):
        changed = _changed_since(taken_up)
        new = [document for kind, ids in changed.items() for document in _MAKERS[kind](ids)]
    shown = {Key(document.kind, document.ref_id) for document in new}
    all_changed = [Key(kind, id) for kind, ids in changed.items() for id in ids]
    done = here.update(new, [key for key in all_changed if key not in shown], upto=last)
    return len(all_changed) if done else 0


def rebuild() -> Iterator[Document]:
    """Make the index anew; yields each document as it is written, so that a command can show progress.

    Raises `Overtaken` where another process has done so meanwhile.
    """
    making = index().making()
    try:
        with db.transaction(readonly=True):
            last, ids = _last_change(), everything()
        for kind, numbers in ids.items():
            for batch in _batches(numbers):
                with db.transaction(readonly=True):
                    made = list(_MAKERS[kind](batch))
                making.add(made)
                yield from made
        making.finish(upto=last)
    except BaseException:
        making.leave()
        raise


def everything() -> dict[Kind, Sequence[int]]:
    """The ids of all that an index holds."""
    return {
        Kind.OFFERING: catalog.live_offering_ids(alike=True),
        Kind.PROVIDER: documents.approved_provider_ids(),
        Kind.SOLUTION: [solution.id for solution in catalog.solutions()],
    }


def how_many() -> int:
    """How many things a full index holds."""
    return sum(map(len, everything().values()))


def ready() -> bool:
    """Whether there is an index that answers."""
    return index().taken_up() is not None


def _batches(ids: Sequence[int]) -> Iterator[list[int]]:
    waiting = iter(ids)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _last_change() -> int:
    return db.session.scalar(select(func.max(CatalogChange.id))) or 0


def _changed_since(change: int) -> dict[Kind, Collection[int]]:
    """What has changed since: offerings, providers, and the solutions that hold any of these offerings."""
    columns = (CatalogChange.offering_id, CatalogChange.provider_id, CatalogChange.solution_id)
    changed: defaultdict[Kind, set[int]] = defaultdict(set)
    for row in db.session.execute(select(*columns).where(CatalogChange.id > change)):
        for kind, id in zip((Kind.OFFERING, Kind.PROVIDER, Kind.SOLUTION), row, strict=True):
            if id is not None:
                changed[kind].add(id)
    if changed[Kind.OFFERING]:
        parts = catalog.SolutionPart
        for start in range(0, len(changed[Kind.OFFERING]), _BATCH):
            some = sorted(changed[Kind.OFFERING])[start : start + _BATCH]
            changed[Kind.SOLUTION].update(db.session.scalars(select(parts.solution_id).where(parts.offering_id.in_(some))))
    return {kind: sorted(ids) for kind, ids in changed.items() if ids}
