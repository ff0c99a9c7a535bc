"""Everything on sale in a sub-category, plan by plan, whoever sells it: what can be compared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, selectinload

from market import db
from market.accounts.models import Organization
from market.catalog.audiences import PlanAudience
from market.catalog.models import (
    Charge,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    RevisionStatus,
)
from market.providers.models import Provider, ProviderStatus


class Offered(NamedTuple):
    """A plan on sale, with its offering and provider loaded, and what the offering calls itself now."""

    plan: Plan
    name_zh: str
    name_en: str
    subcategory: str


def plans_on_sale(subcategories: Collection[str], *, to: Organization | None) -> Sequence[Offered]:
    """Plans of these sub-categories that the firm can subscribe to now, also what was agreed on with it alone.

    With charges and meters, in two statements however many there are; in the order in which offerings were listed.
    """
    facts = OfferingRevision.facts
    agreed = select(PlanAudience.plan_id).where(PlanAudience.organization_id == (to.id if to else 0))
    query = (
        select(Plan, facts["name_zh"].as_string(), facts["name_en"].as_string(), facts["subcategory"].as_string())
        .join(Plan.offering).join(Offering.provider)
        .join(OfferingRevision, OfferingRevision.offering_id == Offering.id)
        .where(
            Plan.status == PlanStatus.PUBLISHED, or_(Plan.private.is_(False), Plan.id.in_(agreed)),
            Offering.status == OfferingStatus.LIVE, Provider.status == ProviderStatus.APPROVED,
            OfferingRevision.status == RevisionStatus.PUBLISHED,
            facts["subcategory"].as_string().in_(sorted(set(subcategories))),
        )
        .options(
            contains_eager(Plan.offering).contains_eager(Offering.provider),
            selectinload(Plan.charges).joinedload(Charge.meter),
        )
        .order_by(Offering.listed_at, Offering.id, Plan.position, Plan.id)
    )  # fmt: skip
    return [Offered(plan, zh or "", en or "", sub) for plan, zh, en, sub in db.session.execute(query)]
