"""The shelf: what filters and sorting need of every offering on sale, in memory.

Facts live in JSON and prices in charge terms, so counting them in the database would read the whole
catalogue for every visitor. A shelf is made once for each process and brought up to date by the list of
catalogue changes; four indexed look-ups tell whether it is still true.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select

from market import catalog, db, resources
from market.catalog import Offering, OfferingRevision, Plan
from market.catalog.models import Charge, OfferingStatus, PlanStatus, RevisionStatus
from market.search.models import CatalogChange
from market.search.starting import starting_plan, usual_month_fen

GUANGDONG = "44"  # how the codes of its cities begin
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """One offering on sale, as far as lists go. `month_fen` is its starting plan's usual month."""

    id: int
    slug: str
    category: str
    subcategory: str
    listed_at: datetime | None
    month_fen: int
    trial: bool
    local: bool
    certificates: frozenset[str]
    billing: frozenset[str]
    words: str


class _Mark(NamedTuple):
    """What must not have changed since a shelf was made."""

    change: int
    live: int
    revision: int
    plan: int


@dataclass(frozen=True)
class Shelf:
    """Every offering on sale, newest first."""

    listings: Mapping[int, Listing]
    mark: _Mark

    def among(self, ids: Sequence[int]) -> list[Listing]:
        """Those of `ids` that are on sale, in that order."""
        return [self.listings[id] for id in ids if id in self.listings]

    def holding(self, words: str) -> list[Listing]:
        """Those whose name, benefit or key words hold every word: the plain way while there is no index."""
        wanted = words.lower().split()
        return [one for one in self.listings.values() if all(word in one.words for word in wanted)]


@dataclass(frozen=True, slots=True)
class _Fee:
    terms: Any
    typical: str
    typical_count: int


@dataclass(slots=True)
class _Offer:
    trial_days: int
    charges: list[_Fee]


_kept: dict[tuple[Path, str], Shelf] = {}
_making = threading.Lock()


def shelf() -> Shelf:
    """The shelf as the open transaction sees the catalogue."""
    key, mark = (resources.settings.data_dir, resources.settings.database_url), _mark()
    known = _kept.get(key)
    if known is not None and known.mark == mark:
        return known
    with _making:
        known = _kept.get(key)
        if known is None or known.mark != mark:
            known = _made(known, mark)
            _kept.clear()
            _kept[key] = known
        return known


def _mark() -> _Mark:
    """One statement; each part is answered from an index."""
    published = select(func.max(OfferingRevision.id)).where(OfferingRevision.status == RevisionStatus.PUBLISHED)
    on_sale = select(func.max(Plan.id)).where(Plan.status == PlanStatus.PUBLISHED, ~Plan.private)
    live = select(func.count()).select_from(Offering).where(Offering.status == OfferingStatus.LIVE)
    parts = select(
        select(func.max(CatalogChange.id)).scalar_subquery(),
        live.scalar_subquery(),
        published.scalar_subquery(),
        on_sale.scalar_subquery(),
    )
    change, count, revision, plan = db.session.execute(parts).one()
    return _Mark(change or 0, count, revision or 0, plan or 0)


def _made(before: Shelf | None, mark: _Mark) -> Shelf:
    """A new shelf; from the one before where the list of changes explains the whole difference."""
    live = catalog.live_offering_ids()
    listings: dict[int, Listing] = {}
    if before is not None and mark.change > before.mark.change:
        changed = set(db.session.scalars(
            select(CatalogChange.offering_id).where(CatalogChange.id > before.mark.change).distinct()
        ))  # fmt: skip
        listings = {id: one for id, one in before.listings.items() if id not in changed}
    missing = [id for id in live if id not in listings]
    for start in range(0, len(missing), _BATCH):
        listings.update((one.id, one) for one in _listings(missing[start : start + _BATCH]))
    newest_first = sorted((listings[id] for id in live if id in listings), key=_age, reverse=True)
    return Shelf({one.id: one for one in newest_first}, mark)


def _age(listing: Listing) -> tuple[float, int]:
    return (listing.listed_at.timestamp() if listing.listed_at else 0.0, listing.id)


def _listings(ids: Collection[int]) -> Iterator[Listing]:
    offers = _offers(ids)
    query = (
        select(Offering.id, Offering.slug, Offering.category_slug, Offering.listed_at, OfferingRevision.facts)
        .join(OfferingRevision, OfferingRevision.offering_id == Offering.id)
        .where(Offering.id.in_(ids), OfferingRevision.status == RevisionStatus.PUBLISHED)
    )
    for row in db.session.execute(query):
        yield _listing(row, offers[row.id])


def _listing(row: Row[Any], offers: list[_Offer]) -> Listing:
    facts = row.facts
    start = starting_plan(offers)
    places = facts.get("data_location", [])
    return Listing(
        id=row.id,
        slug=row.slug,
        category=row.category_slug,
        subcategory=facts.get("subcategory", ""),
        listed_at=row.listed_at,
        month_fen=usual_month_fen(start) if start else 0,
        trial=any(offer.trial_days for offer in offers),
        local=bool(places) and all(place.startswith(GUANGDONG) for place in places),
        certificates=frozenset(held["type"] for held in facts.get("certificates", [])),
        billing=frozenset(_billing(fee.terms) for offer in offers for fee in offer.charges),
        words=" ".join(_named(facts)).lower(),
    )


def _billing(terms: Mapping[str, Any]) -> str:
    """How a charge is paid: `month`, `year`, `once`, or `usage`."""
    return str(terms["interval"]) if terms["model"] == "flat" else "usage"


def _named(facts: Mapping[str, Any]) -> Iterator[str]:
    for key in ("name_zh", "name_en", "tagline_zh", "tagline_en"):
        yield facts.get(key, "")
    yield from facts.get("keywords", [])


def _offers(ids: Collection[int]) -> defaultdict[int, list[_Offer]]:
    """The plans on sale of each offering with their charges, in the provider's order."""
    query = (
        select(Plan.offering_id, Plan.id, Plan.trial_days, Charge.terms, Charge.typical, Charge.typical_count)
        .join(Charge, Charge.plan_id == Plan.id)
        .where(Plan.offering_id.in_(ids), Plan.status == PlanStatus.PUBLISHED, ~Plan.private)
        .order_by(Plan.offering_id, Plan.position, Plan.id, Charge.position)
    )
    found: defaultdict[int, list[_Offer]] = defaultdict(list)
    plans: dict[int, _Offer] = {}
    for offering_id, plan_id, trial_days, terms, typical, count in db.session.execute(query):
        if plan_id not in plans:
            plans[plan_id] = _Offer(trial_days, [])
            found[offering_id].append(plans[plan_id])
        plans[plan_id].charges.append(_Fee(terms, typical, count))
    return found
