"""What buyers could read about an offering in the past: its published revisions and the plans that came with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from market import db
from market.catalog.comparison import FactChange, compare_facts
from market.catalog.models import Offering, OfferingRevision, Plan, PlanStatus, RevisionStatus

#: The page tells so many publications; older ones are the provider's matter.
MOST = 50


@dataclass(frozen=True)
class Publication:
    """One publication: what reads differently since then, and the plans that were new or had a new version."""

    at: datetime
    number: int
    first: bool
    facts: Sequence[FactChange]
    plans: Sequence[Plan]


def publications(offering: Offering) -> list[Publication]:
    """What was published when, the newest first; what was never published and what was agreed with one firm is not told."""
    shown = (RevisionStatus.PUBLISHED, RevisionStatus.SUPERSEDED)
    query = select(OfferingRevision).where(OfferingRevision.offering_id == offering.id, OfferingRevision.status.in_(shown))
    revisions = db.session.scalars(query.order_by(OfferingRevision.number.desc()).limit(MOST + 1)).all()
    sold = (PlanStatus.PUBLISHED, PlanStatus.RETIRED)
    plans = select(Plan).where(Plan.offering_id == offering.id, Plan.status.in_(sold), ~Plan.private, Plan.published_at.is_not(None))
    dated = db.session.scalars(plans.order_by(Plan.position, Plan.version_number)).all()
    told = []
    for after, before in zip(revisions, [*revisions[1:], None], strict=True):
        if after.published_at is None:
            continue
        since = before.published_at if before else None
        fresh = [p for p in dated if p.published_at and p.published_at <= after.published_at and (since is None or p.published_at > since)]
        changed = compare_facts(before.facts, after.facts) if before else []
        told.append(Publication(after.published_at, after.number, before is None and len(revisions) <= MOST, changed, fresh))
    return told[:MOST]
