"""What lists show of offerings: plain rows, because a list reads hundreds of them and changes none.

The names are those of the models, so that whoever draws a card need not know which it was given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, select

from market import db
from market.catalog.categories import Category
from market.catalog.models import (
    Charge,
    Meter,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    RevisionStatus,
)
from market.providers import Provider, ProviderStatus


class SoldUnit(NamedTuple):
    """A meter, as far as a price names it."""

    unit_zh: str
    unit_en: str


class SoldCharge(NamedTuple):
    """A charge, as far as its price goes."""

    name_zh: str
    name_en: str
    terms: dict[str, Any]
    typical: str
    typical_count: int
    meter: SoldUnit | None


class SoldPlan(NamedTuple):
    """A plan on sale to everybody."""

    slug: str
    trial_days: int
    charges: list[SoldCharge]


class Seller(NamedTuple):
    """A provider in a list."""

    slug: str
    name_zh: str
    name_en: str
    status: ProviderStatus
    verified_at: datetime | None


class SoldKind(NamedTuple):
    """A category in a list."""

    slug: str
    name_zh: str
    name_en: str
    tile: str
    icon: str


class Words(NamedTuple):
    """A published revision."""

    facts: dict[str, Any]


class Sold(NamedTuple):
    """An offering in a list."""

    id: int
    slug: str
    status: OfferingStatus
    category: SoldKind
    provider: Seller
    live_revision: Words
    live_plans: list[SoldPlan]


#: An outer join, though what is live has its words: SQLite would else begin with every published revision there is.
PUBLISHED = and_(OfferingRevision.offering_id == Offering.id, OfferingRevision.status == RevisionStatus.PUBLISHED)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_OFFERINGS = (
    select(
        Offering.id, Offering.slug, Offering.status, OfferingRevision.facts,
        Category.slug, Category.name_zh, Category.name_en, Category.tile, Category.icon,
        Provider.slug, Provider.name_zh, Provider.name_en, Provider.status, Provider.verified_at,
    )
    .join(Provider, Provider.id == Offering.provider_id)
    .join(Category, Category.slug == Offering.category_slug)
    .outerjoin(OfferingRevision, PUBLISHED)
    .where(
        Offering.id.in_(_IDS), Offering.status == OfferingStatus.LIVE, Provider.status == ProviderStatus.APPROVED,
    )
)  # fmt: skip
_PLANS = (
    select(
        Plan.offering_id, Plan.id, Plan.slug, Plan.trial_days,
        Charge.name_zh, Charge.name_en, Charge.terms, Charge.typical, Charge.typical_count, Meter.unit_zh, Meter.unit_en,
    )
    .outerjoin(Charge, Charge.plan_id == Plan.id)
    .outerjoin(Meter, Meter.id == Charge.meter_id)
    .where(Plan.offering_id.in_(_IDS), Plan.status == PlanStatus.PUBLISHED, ~Plan.private)
    .order_by(Plan.offering_id, Plan.position, Plan.id, Charge.position)
)  # fmt: skip


def on_cards(ids: Collection[int]) -> Iterator[Sold]:
    """Those of the offerings that can be bought now, in no order, two statements for all."""
    plans = _plans(ids)
    for id, slug, status, facts, *more in db.session.connection().execute(_OFFERINGS, {"ids": list(ids)}):
        if facts is not None:
            yield Sold(id, slug, status, SoldKind(*more[:5]), Seller(*more[5:]), Words(facts), plans[id])


def _plans(ids: Collection[int]) -> defaultdict[int, list[SoldPlan]]:
    found: defaultdict[int, list[SoldPlan]] = defaultdict(list)
    known: dict[int, SoldPlan] = {}
    for row in db.session.connection().execute(_PLANS, {"ids": list(ids)}):
        offering_id, id, slug, trial_days, name_zh, name_en, terms, typical, count, unit_zh, unit_en = row
        if id not in known:
            known[id] = SoldPlan(slug, trial_days, [])
            found[offering_id].append(known[id])
        if terms is not None:
            unit = None if unit_zh is None else SoldUnit(unit_zh, unit_en)
            known[id].charges.append(SoldCharge(name_zh, name_en, terms, typical, count, unit))
    return found
