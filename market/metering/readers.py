"""Who may read what: a provider what it measures, with all its customers; a buyer her own use, with all her providers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import ApiKey, Organization
from market.catalog.models import Charge, Meter
from market.errors import NotFound, Refused
from market.metering.identity import Keys
from market.metering.models import EventIdentity, UsageEvent
from market.providers.models import Provider
from market.subscriptions.models import Subscription, SubscriptionChange

#: On whose behalf something is read.
Party = Provider | Organization


class AmbiguousMeter(Refused):
    """Two of a buyer's providers call a meter the same."""

    code = "ambiguous_meter"
    message = "有 %(count)s 家服务商的计量项都叫“%(slug)s”。请改用 GET /api/v1/meters 里的 id。"


def meters_for(party: Party) -> Sequence[Meter]:
    """The meters a party may read, with their providers: a provider's own, a buyer's that price what she has or had."""
    query = select(Meter).options(joinedload(Meter.provider))
    if isinstance(party, Provider):
        query = query.where(Meter.provider_id == party.id)
    else:
        held = select(Subscription.plan_id).where(_own(party))
        before = select(SubscriptionChange.before_plan_id).join(SubscriptionChange.subscription).where(_own(party))
        query = query.where(Meter.id.in_(select(Charge.meter_id).where(Charge.plan_id.in_(held.union(before)))))
    return db.session.scalars(query.order_by(Meter.provider_id, Meter.slug, Meter.version_number)).all()


def meter_for(party: Party, name: str) -> Meter:
    """The newest version of the meter of this slug, or the one with this number. Raises NotFound, AmbiguousMeter."""
    readable = meters_for(party)
    named = [meter for meter in readable if meter.slug == name] or [meter for meter in readable if str(meter.id) == name]
    if not named:
        raise NotFound
    owners = {meter.provider_id for meter in named}
    if len(owners) > 1:
        raise AmbiguousMeter(count=len(owners), slug=name)
    return named[-1]


def priced_meter(party: Party, subject: str, name: str) -> tuple[Subscription, Meter]:
    """A subscription that the party may read, with the meter of this slug or number that prices it. Raises NotFound."""
    subscription = db.session.scalar(select(Subscription).where(_own(party), Subscription.public_id == subject))
    if subscription is None:
        raise NotFound
    priced = select(Meter).join(Charge, Charge.meter_id == Meter.id).where(Charge.plan_id == subscription.plan_id).order_by(Meter.id)
    meters = db.session.scalars(priced).unique().all()
    named = [meter for meter in meters if meter.slug == name] or [meter for meter in meters if str(meter.id) == name]
    if not named:
        raise NotFound
    return subscription, named[-1]


def subjects_for(
    party: Party, names: Collection[str] | None = None, *, provider_id: int | None = None
) -> dict[int, str]:
    """The party's subscriptions and what they are called, all or those of these names; a stranger's is left out."""
    query = select(Subscription.id, Subscription.public_id).where(_own(party))
    if provider_id is not None:
        query = query.where(Subscription.provider_id == provider_id)
    if names is not None:
        query = query.where(Subscription.public_id.in_(names))
    return {id: name for id, name in db.session.execute(query.order_by(Subscription.id))}


def numbers_of(party: Party, event_id: str, source: str = "") -> list[int]:
    """The numbers of the events that were counted under an id: of this source, else of any that a key was made for."""
    providers = select(Subscription.provider_id).where(_own(party)).distinct()
    if source:
        sources = [(provider_id, source) for provider_id in db.session.scalars(providers)]
    else:
        keys_of = select(Provider.id, ApiKey.source).join(ApiKey, ApiKey.organization_id == Provider.organization_id)
        sources = [(id, name) for id, name in db.session.execute(keys_of.where(Provider.id.in_(providers)).distinct())]
    keys = [Keys(provider_id, name).of(event_id) for provider_id, name in sources]
    return list(db.session.scalars(select(EventIdentity.event).where(EventIdentity.key.in_(keys))))


def events_visible(party: Party) -> ColumnElement[bool]:
    """Which events a party may see."""
    if isinstance(party, Provider):
        return UsageEvent.provider_id == party.id
    # The provider is said too, because the numbers of events are in an index by provider.
    providers, own = (select(column).where(_own(party)) for column in (Subscription.provider_id, Subscription.id))
    return and_(UsageEvent.provider_id.in_(providers), UsageEvent.subscription_id.in_(own))


def _own(party: Party) -> ColumnElement[bool]:
    if isinstance(party, Provider):
        return Subscription.provider_id == party.id
    return Subscription.organization_id == party.id
