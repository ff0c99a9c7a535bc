"""One offering on sale as lists need it, and the properties that lists are narrowed by."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, select

from market import catalog, db
from market.catalog import Offering, OfferingRevision, Plan
from market.catalog.models import Charge, PlanStatus
from market.providers import Provider
from market.search.starting import starting_plan, usual_month_fen

GUANGDONG = "44"  # how the codes of its cities begin
#: Promises of availability that people ask for, in percent; a better one keeps the lesser ones.
PROMISES = ("99", "99.5", "99.9", "99.95", "99.99")
#: Monthly budgets in yuan; what fits a smaller one fits a larger one.
BUDGETS = (50, 200, 500, 1000, 3000)
#: The sector of what says that it suits every one.
EVERY = "*"

_ROUND_THE_CLOCK = re.compile(r"24\s*小时|7\s*[×x*]\s*24|24\s*[×x*]\s*7|全天|24 ?h", re.IGNORECASE)
_EVERY_DAY = re.compile(r"每天|每日|周一至周日|周一到周日|全年|every day|daily|365", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """One offering on sale, as far as lists go. `month_fen` is its starting plan's usual month."""

    id: int
    slug: str
    category: str
    subcategory: str
    listed_at: datetime | None
    month_fen: int
    name_zh: str
    name_en: str
    words: str
    #: What it can be narrowed by, such as `trial=1` or `cert=djbh3`.
    properties: tuple[str, ...]
    #: Its provider's address and names.
    provider: tuple[str, str, str]
    #: The last day on which all of this is true: then the first of its certificates runs out.
    true_until: date | None


@dataclass(frozen=True, slots=True)
class _Fee:
    terms: Any
    typical: str
    typical_count: int


@dataclass(slots=True)
class _Offer:
    trial_days: int
    charges: list[_Fee]


def listings_of(ids: Collection[int], on: date) -> Iterator[Listing]:
    """These offerings as they are on a day, three statements for all of them."""
    offers = _offers(ids)
    query = (
        select(Offering.id, Offering.slug, Offering.category_slug, Offering.listed_at, OfferingRevision.facts,
               Provider.slug.label("provider"),
               Provider.name_zh.label("provider_zh"), Provider.name_en.label("provider_en"))
        .outerjoin(OfferingRevision, catalog.PUBLISHED)
        .join(Provider, Provider.id == Offering.provider_id)
        .where(Offering.id.in_(ids))
        .order_by(Offering.listed_at, Offering.id)
    )  # fmt: skip
    for row in db.session.execute(query):
        if row.facts is not None:
            yield _listing(row, offers[row.id], on)


def _listing(row: Row[Any], offers: list[_Offer], on: date) -> Listing:
    facts = row.facts
    papers = [(str(held["type"]), _last_day(held)) for held in facts.get("certificates", [])]
    lasting = [last for _type, last in papers if last and last >= on]
    start = starting_plan(offers)
    month_fen = usual_month_fen(start) if start else 0
    properties = {
        f"category={row.category_slug}",
        f"subcategory={facts.get('subcategory', '')}",
        f"provider={row.provider}",
        *(["trial=1"] if any(offer.trial_days for offer in offers) else []),
        *(f"billing={_billing(fee.terms)}" for offer in offers for fee in offer.charges),
        *_of_facts(facts),
        *(f"cert={type}" for type, last in papers if last is None or last >= on),
        *(f"budget={most}" for most in BUDGETS if start and month_fen <= most * 100),
    }
    return Listing(
        id=row.id,
        slug=row.slug,
        category=row.category_slug,
        subcategory=facts.get("subcategory", ""),
        listed_at=row.listed_at,
        month_fen=month_fen,
        name_zh=facts.get("name_zh", ""),
        name_en=facts.get("name_en", ""),
        words=" ".join(_named(facts)).lower(),
        properties=tuple(map(sys.intern, sorted(properties))),
        provider=_shared((row.provider, row.provider_zh, row.provider_en)),
        true_until=min(lasting, default=None),
    )


@lru_cache(maxsize=5_000)
def _shared(provider: tuple[str, str, str]) -> tuple[str, str, str]:
    return provider


def _of_facts(facts: Mapping[str, Any]) -> Iterator[str]:
    places = facts.get("data_location", [])
    if places and all(place.startswith(GUANGDONG) for place in places):
        yield "local=1"
    if places and "other" not in places:
        yield "local=cn"
    yield from (f"fapiao={kind}" for kind in facts.get("fapiao", []))
    promised = Decimal(facts.get("availability") or 0)
    yield from (f"uptime={each}" for each in PROMISES if promised >= Decimal(each))
    hours = f"{facts.get('support_hours_zh', '')} {facts.get('support_hours_en', '')}"
    if _ROUND_THE_CLOCK.search(hours):
        yield "support=always"
    if _ROUND_THE_CLOCK.search(hours) or _EVERY_DAY.search(hours):
        yield "support=daily"
    yield from (f"sector={sector}" for sector in facts.get("sectors") or [EVERY])


def _last_day(held: Mapping[str, Any]) -> date | None:
    last = held.get("valid_until")
    return date.fromisoformat(str(last)) if last else None


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
