"""Questions about announced price changes. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from market import db
from market.accounts.models import Organization
from market.catalog.models import Charge, Offering, Plan, PlanStatus
from market.errors import NotFound
from market.subscriptions import queries
from market.subscriptions.models import LIVE, Subscription
from market.subscriptions.prices.models import PriceChange, PriceChangeStatus, PriceNotice


def affected(old: Plan, effective_at: datetime) -> Sequence[Subscription]:
    """The subscriptions that would be told: live on this version and not about to end before, the oldest first.

    With their firms, plans and charges.
    """
    query = select(Subscription).where(
        Subscription.plan_id == old.id,
        Subscription.status.in_(LIVE),
        Subscription.cancel_at.is_(None) | (Subscription.cancel_at > effective_at),
    )
    loads = (*queries.with_plan(), joinedload(Subscription.organization))
    return db.session.scalars(query.options(*loads).order_by(Subscription.id)).all()


def versions_in_use(offering: Offering) -> Sequence[tuple[Plan, int]]:
    """The plan versions that are not sold any more and still used, the newest first, with how many subscriptions."""
    counted = (
        select(Subscription.plan_id, func.count().label("number"))
        .where(Subscription.status.in_(LIVE)).group_by(Subscription.plan_id).subquery()
    )  # fmt: skip
    query = select(Plan, counted.c.number).join(counted, counted.c.plan_id == Plan.id)
    query = query.where(Plan.offering_id == offering.id, Plan.status == PlanStatus.RETIRED)
    query = query.options(selectinload(Plan.charges).joinedload(Charge.meter)).order_by(Plan.id.desc())
    return [(plan, number) for plan, number in db.session.execute(query)]


def changes_of(offering: Offering) -> Sequence[PriceChange]:
    """Every announcement about an offering, the newest first, with both plans."""
    query = select(PriceChange).where(PriceChange.offering_id == offering.id)
    return db.session.scalars(query.options(*_with_plans()).order_by(PriceChange.id.desc())).all()


def change_of(offering: Offering, id: int) -> PriceChange:
    """One of them. Raises NotFound."""
    query = select(PriceChange).where(PriceChange.id == id, PriceChange.offering_id == offering.id)
    found = db.session.scalar(query.options(*_with_plans()))
    if found is None:
        raise NotFound
    return found


def notices_of(change: PriceChange) -> Sequence[PriceNotice]:
    """Who was told, and what each said; with subscriptions, firms and plans."""
    subscription = joinedload(PriceNotice.subscription)
    query = select(PriceNotice).where(PriceNotice.price_change_id == change.id).options(
        joinedload(PriceNotice.price_change),
        subscription.joinedload(Subscription.organization),
        subscription.joinedload(Subscription.revision),
        subscription.selectinload(Subscription.plan).selectinload(Plan.charges).joinedload(Charge.meter),
    )  # fmt: skip
    return db.session.scalars(query.order_by(PriceNotice.id)).all()


def notice_of(organization: Organization, id: int) -> PriceNotice:
    """What a firm was told about one of its subscriptions. Raises NotFound for a stranger's."""
    found = db.session.scalar(_notices().where(PriceNotice.id == id, Subscription.organization_id == organization.id))
    if found is None:
        raise NotFound
    return found


def open_notices(organization: Organization) -> Sequence[PriceNotice]:
    """What is announced to a firm and has not taken effect, the soonest first."""
    query = _notices().where(
        Subscription.organization_id == organization.id,
        Subscription.status.in_(LIVE),
        PriceChange.status == PriceChangeStatus.ANNOUNCED,
    )
    return db.session.scalars(query.order_by(PriceChange.effective_at, PriceNotice.id)).all()


def notice_about(subscription: Subscription) -> PriceNotice | None:
    """The announcement about one subscription that has not taken effect."""
    query = _notices().where(
        PriceNotice.subscription_id == subscription.id, PriceChange.status == PriceChangeStatus.ANNOUNCED
    )
    return db.session.scalar(query.order_by(PriceChange.effective_at, PriceNotice.id).limit(1))


def untold(limit: int) -> Sequence[PriceNotice]:
    """Notices whose letters are not written, the oldest first."""
    return db.session.scalars(_notices().where(PriceNotice.told_at.is_(None)).order_by(PriceNotice.id).limit(limit)).all()


def _notices() -> Select[PriceNotice]:
    change, subscription = joinedload(PriceNotice.price_change), joinedload(PriceNotice.subscription)
    charges = selectinload(PriceChange.to_plan).selectinload(Plan.charges).joinedload(Charge.meter)
    query = select(PriceNotice).join(PriceNotice.price_change).join(PriceNotice.subscription)
    return query.options(
        change.options(charges),
        change.selectinload(PriceChange.from_plan).selectinload(Plan.charges).joinedload(Charge.meter),
        subscription.options(*queries.with_plan(), joinedload(Subscription.organization)),
        joinedload(PriceNotice.answered_by),
    )


def _with_plans() -> tuple[ORMOption, ...]:
    return tuple(
        selectinload(plan).selectinload(Plan.charges).joinedload(Charge.meter)
        for plan in (PriceChange.from_plan, PriceChange.to_plan)
    )
