"""Which subscriptions are stopped, and which would be."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from market import db
from market.subscriptions.models import Subscription, SubscriptionStatus
from market.subscriptions.suspensions.models import Cause, Suspension

#: A paused subscription is not used anyway.
STOPPABLE = (SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE)


def current(subscription: Subscription, cause: Cause) -> Suspension | None:
    """The suspension that lasts."""
    query = select(Suspension).where(Suspension.subscription_id == subscription.id, Suspension.cause == cause)
    return db.session.scalar(query.where(Suspension.ended_at.is_(None)))


def stopped(organization_id: int, cause: Cause) -> Sequence[Suspension]:
    """What of an organization is stopped because of this, with the subscriptions; in the order in which they are locked."""
    query = select(Suspension).join(Suspension.subscription).options(contains_eager(Suspension.subscription))
    query = query.where(Subscription.organization_id == organization_id, Suspension.cause == cause, Suspension.ended_at.is_(None))
    return db.session.scalars(query.order_by(Subscription.id)).all()


def firms_stopped(cause: Cause) -> Sequence[int]:
    """The organizations with anything stopped because of this."""
    query = select(Subscription.organization_id).join(Suspension, Suspension.subscription_id == Subscription.id)
    query = query.where(Suspension.cause == cause, Suspension.ended_at.is_(None))
    return db.session.scalars(query.distinct().order_by(Subscription.organization_id)).all()


def stoppable(organization_id: int) -> Sequence[Subscription]:
    """What an organization uses now."""
    query = select(Subscription).where(Subscription.organization_id == organization_id, Subscription.status.in_(STOPPABLE))
    return db.session.scalars(query.order_by(Subscription.id)).all()
