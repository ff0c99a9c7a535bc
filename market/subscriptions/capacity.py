"""How many subscriptions of an offering there can be: in all, and of one firm. A limit is kept whoever comes at once.

What has been ordered counts until it has ended; an order that waits for an owner holds no place.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from market import db
from market.accounts.models import Organization
from market.catalog.models import Offering, Plan
from market.subscriptions import refusals
from market.subscriptions.models import Subscription, SubscriptionStatus


@dataclass(frozen=True, slots=True)
class Room:
    """How many more can be had: in all, and by the firm that asks; None where nothing limits it."""

    total: int | None = None
    own: int | None = None

    @property
    def sold_out(self) -> bool:
        """Whether nobody can have one."""
        return self.total == 0

    @property
    def full(self) -> bool:
        """Whether the firm that asks has as many as a firm can."""
        return self.own == 0


def room(offering: Offering, organization: Organization | None = None) -> Room:
    """What is left now, of the limits the provider has set."""
    total = own = None
    if offering.limit_total is not None:
        total = max(0, offering.limit_total - places_taken(offering))
    if offering.limit_per_organization is not None and organization is not None:
        own = max(0, offering.limit_per_organization - places_taken(offering, organization.id))
    return Room(total, own)


def check(offering: Offering, organization: Organization) -> None:
    """Whether one more fits; nobody else can take that place before the transaction ends.

    Raises SoldOut, LimitReached.
    """
    if offering.limit_total is None and offering.limit_per_organization is None:
        return
    db.serialize(f"places of offering {offering.id}")
    left = room(offering, organization)
    if left.full:
        raise refusals.LimitReached(limit=offering.limit_per_organization)
    if left.sold_out:
        raise refusals.SoldOut


def places_taken(offering: Offering, organization_id: int | None = None) -> int:
    """How many there are now, of everybody or of one firm."""
    query = select(func.count()).select_from(Subscription).join(Plan, Plan.id == Subscription.plan_id)
    query = query.where(Plan.offering_id == offering.id, Subscription.status != SubscriptionStatus.ENDED)
    if organization_id is not None:
        query = query.where(Subscription.organization_id == organization_id)
    return db.session.scalar(query) or 0
