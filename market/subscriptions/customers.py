"""A provider's customers: her list of subscriptions, narrowed down by what she looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from market import db
from market.accounts.models import Organization
from market.catalog.models import OfferingRevision, Plan
from market.providers.models import Provider
from market.subscriptions.models import LIVE, OPENING, Subscription, SubscriptionStatus
from market.subscriptions.queries import customers_of


class Standing(StrEnum):
    """Where a customer stands, as a provider looks at it; every subscription stands in exactly one."""

    OPENING = "opening"
    TRIALING = "trialing"
    ACTIVE = "active"
    LEAVING = "leaving"
    STOPPED = "stopped"
    ENDED = "ended"


@dataclass(frozen=True)
class Wanted:
    """What is looked for: a part of a firm's name or a subscription's number, an offering, a standing."""

    text: str = ""
    offering_id: int | None = None
    standing: Standing | None = None


def customers_wanted(provider: Provider, wanted: Wanted) -> Select[Subscription]:
    """The provider's subscriptions that fit, loaded and ordered as `customers_of`."""
    query = customers_of(provider).join(Subscription.organization)
    if wanted.text:
        part = f"%{_literal(wanted.text)}%"
        fits = or_(Organization.name.ilike(part, escape="\\"), Subscription.public_id == wanted.text)
        query = query.where(fits)
    if wanted.offering_id is not None:
        query = query.where(Subscription.plan_id.in_(select(Plan.id).where(Plan.offering_id == wanted.offering_id)))
    if wanted.standing is not None:
        query = query.where(_standing() == wanted.standing.value)
    return query


def standings_of(provider: Provider) -> Mapping[Standing, int]:
    """How many of a provider's subscriptions stand where; only where there are any."""
    standing = _standing()
    query = select(standing, func.count()).where(Subscription.provider_id == provider.id).group_by(standing)
    return {Standing(name): number for name, number in db.session.execute(query)}


def bought_from(provider: Provider) -> Sequence[OfferingRevision]:
    """The offerings of which a provider has customers, each as it was last bought."""
    last = select(func.max(Subscription.revision_id)).join(Subscription.revision)
    last = last.where(Subscription.provider_id == provider.id).group_by(OfferingRevision.offering_id)
    query = select(OfferingRevision).where(OfferingRevision.id.in_(last)).order_by(OfferingRevision.offering_id)
    return db.session.scalars(query).all()


def _standing() -> ColumnElement[str]:
    status = Subscription.status
    leaving = and_(status.in_(LIVE), status != SubscriptionStatus.TRIALING, Subscription.cancel_at.is_not(None))
    return case(
        (status.in_(OPENING), Standing.OPENING.value),
        (leaving, Standing.LEAVING.value),
        (status == SubscriptionStatus.TRIALING, Standing.TRIALING.value),
        (status == SubscriptionStatus.ACTIVE, Standing.ACTIVE.value),
        (status == SubscriptionStatus.ENDED, Standing.ENDED.value),
        else_=Standing.STOPPED.value,
    )


def _literal(text: str) -> str:
    """Text whose wildcards are letters."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
