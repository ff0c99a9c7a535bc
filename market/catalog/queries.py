"""Questions about the catalogue: what buyers see, and what a provider owns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from market import db
from market.catalog.bundles import Solution, SolutionPart
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
from market.catalog.window import Sold
from market.errors import NotFound
from market.providers import Provider, ProviderStatus

#: What can be bought: a live offering of an approved provider. Join `Offering.provider` first.
_LIVE = (Offering.status == OfferingStatus.LIVE, Provider.status == ProviderStatus.APPROVED)


@dataclass(frozen=True)
class Branch:
    """A top category with its sub-categories and the number of offerings that can be bought."""

    category: Category
    children: tuple[Category, ...]
    count: int


def categories() -> list[Branch]:
    """The four kinds of service, in the plan's order."""
    found = db.session.scalars(select(Category).order_by(Category.position, Category.slug)).all()
    live = select(Offering.category_slug, func.count()).join(Offering.provider).where(*_LIVE).group_by(Offering.category_slug)
    counts = {slug: number for slug, number in db.session.execute(live)}
    return [
        Branch(top, tuple(c for c in found if c.parent_slug == top.slug), counts.get(top.slug, 0))
        for top in found
        if top.parent_slug is None
    ]


def category_names() -> dict[str, Category]:
    """Every category and sub-category by its slug."""
    return {category.slug: category for category in db.session.scalars(select(Category))}


# --- what buyers see ---------------------------------------------------------------------


def live_offerings(
    category_slug: str | None = None, *, ids: Collection[int] | None = None, provider: Provider | None = None
) -> Sequence[Offering]:
    """What can be bought now, newest first, with provider, category, words, plans, charges and meters."""
    query = select(Offering).join(Offering.provider).where(*_LIVE).options(*_shop_window())
    if category_slug is not None:
        query = query.where(Offering.category_slug == category_slug)
    if ids is not None:
        query = query.where(Offering.id.in_(ids))
    if provider is not None:
        query = query.where(Offering.provider_id == provider.id)
    return db.session.scalars(query.order_by(Offering.listed_at.desc(), Offering.id.desc())).all()


def live_offering_ids() -> Sequence[int]:
    """The ids of everything that can be bought now: what a full index has to hold."""
    return db.session.scalars(select(Offering.id).join(Offering.provider).where(*_LIVE).order_by(Offering.id)).all()


def live_facts(ids: Collection[int]) -> Iterator[tuple[Offering, dict[str, Any]]]:
    """Those of the offerings that can be bought now, with their provider, and what each says."""
    query = select(Offering, OfferingRevision.facts).join(Offering.provider).where(*_LIVE).options(contains_eager(Offering.provider))
    query = query.join(OfferingRevision, OfferingRevision.offering_id == Offering.id)
    query = query.where(OfferingRevision.status == RevisionStatus.PUBLISHED, Offering.id.in_(ids))
    yield from db.session.execute(query.order_by(Offering.id))


def lately_published(most: int) -> Sequence[Offering]:
    """What can be bought now, what was published last first, with provider and words."""
    query = select(Offering).join(Offering.provider).join(Offering.live_revision).where(*_LIVE)
    query = query.options(contains_eager(Offering.provider), contains_eager(Offering.live_revision))
    return db.session.scalars(query.order_by(OfferingRevision.published_at.desc(), Offering.id.desc()).limit(most)).all()


def offering_by_slug(slug: str) -> Offering:
    """The offering at an address, with all its page needs. Raises NotFound while it was never listed.

    A suspended or retired one keeps its page; its status says so.
    """
    query = select(Offering).where(Offering.slug == slug, Offering.status != OfferingStatus.UNLISTED)
    words = joinedload(Offering.category), joinedload(Offering.live_revision)
    prices = joinedload(Offering.live_plans).joinedload(Plan.charges).joinedload(Charge.meter)
    provider = joinedload(Offering.provider).selectinload(Provider.licences)
    offering = db.session.scalars(query.options(*words, prices, provider)).unique().one_or_none()
    if offering is None or offering.live_revision is None:
        raise NotFound
    return offering


def offerings_by_slugs(slugs: Collection[str]) -> dict[str, Offering]:
    """The offerings at these addresses with all a card shows, by their slugs; those never listed are missing."""
    query = select(Offering).where(Offering.slug.in_(slugs), Offering.status != OfferingStatus.UNLISTED).options(*_shop_window())
    return {offering.slug: offering for offering in db.session.scalars(query) if offering.live_revision is not None}


def offering_with_prices(slug: str) -> Offering:
    """The offering at an address with its plans and no words, in one statement: what an answer of the calculator needs.

    Raises NotFound while it was never listed.
    """
    query = select(Offering).where(Offering.slug == slug, Offering.status != OfferingStatus.UNLISTED)
    prices = joinedload(Offering.live_plans).joinedload(Plan.charges).joinedload(Charge.meter)
    provider = joinedload(Offering.provider).load_only(Provider.status)
    offering = db.session.scalars(query.options(prices, provider)).unique().one_or_none()
    if offering is None:
        raise NotFound
    return offering


def offering_by_id(id: int) -> Offering:
    """Any offering, for administrators, with all that its provider sees. Raises NotFound."""
    query = select(Offering).where(Offering.id == id)
    offering = db.session.scalar(query.options(*_workshop(), joinedload(Offering.provider)))
    if offering is None:
        raise NotFound
    return offering


def can_be_bought(offering: Offering | Sold) -> bool:
    """Whether a new subscription may start. Needs `provider` loaded."""
    return offering.status is OfferingStatus.LIVE and offering.provider.status is ProviderStatus.APPROVED


def shown_revision(offering: Offering) -> OfferingRevision:
    """What buyers read now, where the offering came with it. Raises NotFound before the first publication."""
    if offering.live_revision is None:
        raise NotFound
    return offering.live_revision


def shown_facts(offering: Offering | Sold) -> dict[str, Any]:
    """What buyers read now, as `shown_revision` has it. Raises NotFound before the first publication."""
    if offering.live_revision is None:
        raise NotFound
    return offering.live_revision.facts


def live_revision(offering: Offering) -> OfferingRevision:
    """What buyers read now, from the database. Raises NotFound before the first publication."""
    query = select(OfferingRevision).where(
        OfferingRevision.offering_id == offering.id, OfferingRevision.status == RevisionStatus.PUBLISHED
    )
    revision = db.session.scalar(query)
    if revision is None:
        raise NotFound
    return revision


def live_plan(offering: Offering, slug: str) -> Plan:
    """A plan on sale to everybody by its slug, with charges and meters. Raises NotFound."""
    query = select(Plan).where(Plan.offering_id == offering.id, Plan.slug == slug, Plan.status == PlanStatus.PUBLISHED, ~Plan.private)
    plan = db.session.scalar(query.options(selectinload(Plan.charges).joinedload(Charge.meter)))
    if plan is None:
        raise NotFound
    return plan


def solutions() -> Sequence[Solution]:
    """Bundles for sectors, in the plan's order, with their offerings, words and providers."""
    return db.session.scalars(select(Solution).order_by(Solution.position).options(*_bundle())).all()


def solution_by_slug(slug: str) -> Solution:
    """One bundle. Raises NotFound."""
    solution = db.session.scalar(select(Solution).where(Solution.slug == slug).options(*_bundle()))
    if solution is None:
        raise NotFound
    return solution


# --- what a provider owns ----------------------------------------------------------------


def offerings_of(provider: Provider) -> Sequence[Offering]:
    """Everything a provider made, newest first, with category, revisions and plans."""
    query = select(Offering).where(Offering.provider_id == provider.id).order_by(Offering.id.desc())
    return db.session.scalars(query.options(*_workshop())).all()


def offering_of(provider: Provider, id: int) -> Offering:
    """One of a provider's offerings, with all its editor needs. Raises NotFound for a stranger's."""
    query = select(Offering).where(Offering.id == id, Offering.provider_id == provider.id)
    offering = db.session.scalar(query.options(*_workshop(), joinedload(Offering.provider)))
    if offering is None:
        raise NotFound
    return offering


def meters_of(provider: Provider) -> Sequence[Meter]:
    """The newest version of each of a provider's meters, oldest first."""
    later = aliased(Meter)
    newer = exists().where(
        later.provider_id == Meter.provider_id, later.slug == Meter.slug, later.version_number > Meter.version_number
    )
    query = select(Meter).where(Meter.provider_id == provider.id, ~newer)
    return sorted(db.session.scalars(query), key=lambda meter: (meter.counts_from or meter.created_at, meter.id))


def versions_of(meter: Meter) -> Sequence[Meter]:
    """All versions of a meter, newest first."""
    same = Meter.provider_id == meter.provider_id, Meter.slug == meter.slug
    return db.session.scalars(select(Meter).where(*same).order_by(Meter.version_number.desc())).all()


def plans_with(meter: Meter) -> Sequence[Plan]:
    """The versions of plans that price this version of a meter, with their offerings."""
    query = select(Plan).join(Plan.charges).where(Charge.meter_id == meter.id).distinct()
    return db.session.scalars(query.options(joinedload(Plan.offering)).order_by(Plan.id)).all()


def meter_of(provider: Provider, id: int) -> Meter:
    """One of a provider's meters. Raises NotFound for a stranger's."""
    meter = db.session.scalar(select(Meter).where(Meter.id == id, Meter.provider_id == provider.id))
    if meter is None:
        raise NotFound
    return meter


def live_counts() -> dict[int, int]:
    """How many offerings of each provider can be bought, by the provider's id."""
    query = select(Offering.provider_id, func.count()).join(Offering.provider).where(*_LIVE).group_by(Offering.provider_id)
    return {provider_id: number for provider_id, number in db.session.execute(query)}


def _shop_window() -> tuple[Any, ...]:
    return (
        joinedload(Offering.provider),
        joinedload(Offering.category),
        joinedload(Offering.live_revision),
        selectinload(Offering.live_plans).selectinload(Plan.charges).joinedload(Charge.meter),
    )


def _workshop() -> tuple[Any, ...]:
    return (
        joinedload(Offering.category),
        selectinload(Offering.revisions).selectinload(OfferingRevision.comments),
        selectinload(Offering.plans).selectinload(Plan.charges).joinedload(Charge.meter),
        joinedload(Offering.live_revision),
        selectinload(Offering.live_plans).selectinload(Plan.charges).joinedload(Charge.meter),
    )


def _bundle() -> tuple[Any, ...]:
    offering = selectinload(Solution.parts).joinedload(SolutionPart.offering)
    return (
        offering.joinedload(Offering.provider),
        offering.joinedload(Offering.category),
        offering.joinedload(Offering.live_revision),
        offering.selectinload(Offering.live_plans).selectinload(Plan.charges).joinedload(Charge.meter),
    )
