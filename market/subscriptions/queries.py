"""Questions about subscriptions and provisioning requests. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, inspect, or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.orm.strategy_options import _AbstractLoad

from market import audit, db
from market.accounts.models import Organization
from market.catalog.models import Charge, Offering, Plan
from market.errors import NotFound
from market.kit.period import Period
from market.providers.models import Provider
from market.subscriptions.models import (
    LIVE,
    OPEN_REQUESTS,
    OPENING,
    Order,
    OrderStatus,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)


@cache
def with_plan() -> tuple[_AbstractLoad, ...]:
    """Load what pages and bills show of a subscription: plan, charges, meters, offering, changes, revision, provider."""
    charges = selectinload(Subscription.plan).selectinload(Plan.charges).joinedload(Charge.meter)
    changes = selectinload(Subscription.changes)
    return (
        charges,
        selectinload(Subscription.plan).joinedload(Plan.offering),
        changes.options(*_with_plans_of_changes()),
        joinedload(Subscription.revision),
        joinedload(Subscription.provider),
    )


def _has_plan(subscription: Subscription) -> bool:
    """Whether all that `with_plan` loads is there, as in one that has just been made."""
    there = inspect(subscription).dict
    if not there.keys() >= {"plan", "changes", "revision", "provider"} or there["changes"]:
        return False
    plan = inspect(subscription.plan).dict
    return plan.keys() >= {"charges", "offering"} and all("meter" in inspect(charge).dict for charge in plan["charges"])


@cache
def _for_bills() -> tuple[_AbstractLoad, ...]:
    """Plan, charges, meters, changes and revision, each row once."""
    return (
        selectinload(Subscription.plan).selectinload(Plan.charges).joinedload(Charge.meter),
        selectinload(Subscription.changes).options(*_with_plans_of_changes()),
        selectinload(Subscription.revision),
    )


def load_changes(subscription: Subscription) -> None:
    """Load the changes of a subscription anew, and its plan, all as `with_plan` does; the caller holds it."""
    query = select(SubscriptionChange).where(SubscriptionChange.subscription_id == subscription.id)
    query = query.options(*_with_plans_of_changes(), joinedload(SubscriptionChange.revision))
    found = db.session.scalars(
        query.order_by(SubscriptionChange.effective_at, SubscriptionChange.id).execution_options(populate_existing=True)
    ).all()
    set_committed_value(subscription, "changes", list(found))
    plan = select(Plan).where(Plan.id == subscription.plan_id).options(
        joinedload(Plan.offering), selectinload(Plan.charges).joinedload(Charge.meter)
    )  # fmt: skip
    set_committed_value(subscription, "plan", db.session.scalars(plan).one())


@cache
def _with_plans_of_changes() -> tuple[_AbstractLoad, ...]:
    plans = (SubscriptionChange.plan, SubscriptionChange.before_plan)
    offerings = [selectinload(plan).joinedload(Plan.offering) for plan in plans]
    charges = [selectinload(plan).selectinload(Plan.charges).joinedload(Charge.meter) for plan in plans]
    return *offerings, *charges


def subscriptions_of(organization: Organization) -> Sequence[Subscription]:
    """An organization's subscriptions, what runs first, then newest first; plan and provider loaded."""
    query = select(Subscription).where(Subscription.organization_id == organization.id)
    return db.session.scalars(query.options(*with_plan()).order_by(*_live_first())).all()


def subscription_of(organization: Organization, id: int) -> Subscription:
    """One of an organization's subscriptions, with plan, provider and who accepted it. Raises NotFound."""
    query = select(Subscription).where(Subscription.id == id, Subscription.organization_id == organization.id)
    return _found(query.options(*with_plan(), joinedload(Subscription.accepted_by)))


def customers_of(provider: Provider) -> Select[Subscription]:
    """A provider's subscriptions, what runs first, then newest first; organization and plan loaded."""
    query = select(Subscription).where(Subscription.provider_id == provider.id)
    return query.options(*with_plan(), joinedload(Subscription.organization)).order_by(*_live_first())


def of_provider(provider: Provider, id: int) -> Subscription:
    """One of a provider's subscriptions, with organization, contact and plan. Raises NotFound for a stranger's."""
    query = select(Subscription).where(Subscription.id == id, Subscription.provider_id == provider.id)
    people = (joinedload(Subscription.organization), joinedload(Subscription.accepted_by))
    return _found(query.options(*with_plan(), *people))


def by_public_ids(provider: Provider, ids: Iterable[str]) -> dict[str, Subscription]:
    """A provider's subscriptions by public id; strangers' and unknown ids are absent. Nothing else is loaded."""
    wanted = sorted(set(ids))
    query = select(Subscription).where(Subscription.provider_id == provider.id)
    found = db.session.scalars(query.where(Subscription.public_id.in_(wanted))).all() if wanted else []
    return {subscription.public_id: subscription for subscription in found}


def live_during(organization: Organization, period: Period) -> Sequence[Subscription]:
    """Subscriptions that were live at some time in `period`, oldest first, with plan, charges and meters."""
    return live_in_any([organization.id], period)


def live_in_any(organization_ids: Collection[int], period: Period) -> Sequence[Subscription]:
    """The same of several organizations, in a number of statements that does not grow with them.

    What many of them share, plans and revisions, is read once.
    """
    query = select(Subscription).where(Subscription.organization_id.in_(organization_ids), live_in(period))
    return db.session.scalars(query.options(*_for_bills()).order_by(Subscription.id)).all()


def live_in(period: Period) -> ColumnElement[bool]:
    """Started before the period's end and not ended before its start."""
    return and_(
        Subscription.started_at < period.end,
        or_(
            Subscription.ended_at.is_(None),
            Subscription.ended_at > period.start,
            Subscription.started_at >= period.start,
        ),
    )


def was_live(subscription: Subscription, period: Period) -> bool:
    """The same of one that is loaded."""
    started, ended = subscription.started_at, subscription.ended_at
    if started is None or started >= period.end:
        return False
    return ended is None or ended > period.start or started >= period.start


def running_for(organization: Organization, offering: Offering) -> Sequence[Subscription]:
    """What the organization already has, or has ordered, of one offering; oldest first."""
    query = select(Subscription).join(Subscription.plan)
    query = query.where(
        Subscription.organization_id == organization.id,
        Plan.offering_id == offering.id,
        Subscription.status.in_(LIVE | OPENING),
    )
    return db.session.scalars(query.order_by(Subscription.id)).all()


def running_by_plan(plan_ids: Iterable[int]) -> dict[int, int]:
    """How many firms use each of these plan versions now."""
    query = select(Subscription.plan_id, func.count(Subscription.organization_id.distinct()))
    query = query.where(Subscription.plan_id.in_(list(plan_ids)), Subscription.status.in_(LIVE))
    return {plan_id: number for plan_id, number in db.session.execute(query.group_by(Subscription.plan_id))}


def bought_plan(plan: Plan) -> Sequence[Subscription]:
    """Who has a plan version and has not left, the newest first; with their firms."""
    query = select(Subscription).where(Subscription.plan_id == plan.id, Subscription.status != SubscriptionStatus.ENDED)
    return db.session.scalars(query.options(joinedload(Subscription.organization)).order_by(Subscription.id.desc())).all()


def firms_of(provider: Provider) -> int:
    """How many firms use something of a provider now."""
    firms = select(func.count(Subscription.organization_id.distinct()))
    live = (Subscription.provider_id == provider.id, Subscription.status.in_(LIVE))
    return db.session.scalar(firms.where(*live)) or 0


def timeline(subscription: Subscription) -> Sequence[audit.AuditEvent]:
    """What happened to a subscription, newest first."""
    return audit.history(subscription)


# --- orders ------------------------------------------------------------------------------


def order_of(organization: Organization, id: int) -> Order:
    """One of an organization's orders, with plan, people and what came of it. Raises NotFound for a stranger's."""
    query = select(Order).where(Order.id == id, Order.organization_id == organization.id)
    found = db.session.scalar(query.options(*_with_people()))
    if found is None:
        raise NotFound
    return found


def orders_to_approve(organization: Organization) -> Sequence[Order]:
    """The orders that wait for somebody, the oldest first; loaded as `order_of`."""
    query = select(Order).where(
        Order.organization_id == organization.id, Order.status == OrderStatus.AWAITING_APPROVAL
    )
    return db.session.scalars(query.options(*_with_people()).order_by(Order.id)).all()


def orders_waiting_for(organization: Organization, offering: Offering) -> Sequence[Order]:
    """What the organization has ordered of one offering and not decided yet; nothing else is loaded."""
    query = select(Order).join(Order.plan).where(
        Order.organization_id == organization.id,
        Order.status == OrderStatus.AWAITING_APPROVAL,
        Plan.offering_id == offering.id,
    )  # fmt: skip
    return db.session.scalars(query.order_by(Order.id)).all()


def orders_decided(organization: Organization) -> Select[Order]:
    """The orders that once waited, the latest first; to be paged."""
    query = select(Order).where(
        Order.organization_id == organization.id,
        Order.expires_at.is_not(None),
        Order.status != OrderStatus.AWAITING_APPROVAL,
    )
    return query.options(*_with_people()).order_by(Order.id.desc())


def subscription_from(order: Order) -> Subscription | None:
    """What came of an order, with its plan; None while nothing has. One that was placed just now knows all of it already."""
    placed: Subscription | None = inspect(order).dict.get("subscription")
    if placed is not None and _has_plan(placed):
        return placed
    query = select(Subscription).join(Order, Order.subscription_id == Subscription.id)
    return db.session.scalar(query.where(Order.id == order.id).options(*with_plan()))


@cache
def _with_people() -> tuple[ORMOption, ...]:
    return (
        selectinload(Order.plan).selectinload(Plan.charges).joinedload(Charge.meter),
        selectinload(Order.plan).joinedload(Plan.offering).joinedload(Offering.provider),
        joinedload(Order.revision),
        joinedload(Order.ordered_by),
        joinedload(Order.decided_by),
        joinedload(Order.subscription),
    )


# --- provisioning requests ---------------------------------------------------------------


def requests_of(provider: Provider) -> Select[ProvisioningRequest]:
    """A provider's requests, open ones first by deadline; subscription, organization and plan loaded."""
    query = select(ProvisioningRequest).join(ProvisioningRequest.subscription)
    query = query.where(Subscription.provider_id == provider.id).options(*with_subscription())
    first = case((ProvisioningRequest.status.in_(OPEN_REQUESTS), 0), else_=1)
    newest = case((ProvisioningRequest.status.in_(OPEN_REQUESTS), 0), else_=-ProvisioningRequest.id)
    return query.order_by(first, newest, ProvisioningRequest.due_at, ProvisioningRequest.id)


def to_do(provider: Provider) -> Sequence[ProvisioningRequest]:
    """The work list: open requests and failed ones that still matter, by deadline; loaded as `requests_of`."""
    return db.session.scalars(requests_of(provider).where(needed())).all()


def needed() -> ColumnElement[bool]:
    """Requests that still matter: open, or failed while somebody could still want them done."""
    failed = and_(
        ProvisioningRequest.status == RequestStatus.FAILED,
        or_(
            ProvisioningRequest.kind != RequestKind.PROVISION,
            Subscription.status == SubscriptionStatus.FAILED,
        ),
    )
    return or_(ProvisioningRequest.status.in_(OPEN_REQUESTS), failed)


def open_requests(provider: Provider) -> int:
    """How many requests wait for the provider."""
    return db.session.scalar(_open_requests(), {"provider": provider.id}) or 0


@cache
def _open_requests() -> Select[int]:
    """Put together once: it is asked with every page of a provider."""
    query = select(func.count()).select_from(ProvisioningRequest).join(ProvisioningRequest.subscription)
    query = query.where(Subscription.provider_id == bindparam("provider"))
    return query.where(ProvisioningRequest.status.in_(OPEN_REQUESTS))


def request_of(provider: Provider, id: int) -> ProvisioningRequest:
    """One of a provider's requests, with its subscription. Raises NotFound for a stranger's."""
    return _request(provider, ProvisioningRequest.id == id)


def request_by_public_id(provider: Provider, public_id: str) -> ProvisioningRequest:
    """One of a provider's requests by the name its system knows. Raises NotFound for a stranger's."""
    return _request(provider, ProvisioningRequest.public_id == public_id)


def requests_about(subscription: Subscription) -> Mapping[RequestKind, ProvisioningRequest]:
    """What the provider was asked to do about one subscription: of each kind the latest."""
    query = select(ProvisioningRequest).where(ProvisioningRequest.subscription_id == subscription.id)
    return {request.kind: request for request in db.session.scalars(query.order_by(ProvisioningRequest.number))}


def _request(provider: Provider, condition: ColumnElement[bool]) -> ProvisioningRequest:
    query = select(ProvisioningRequest).join(ProvisioningRequest.subscription)
    query = query.where(condition, Subscription.provider_id == provider.id)
    people = joinedload(ProvisioningRequest.subscription).joinedload(Subscription.accepted_by)
    found = db.session.scalar(query.options(*with_subscription(), people))
    if found is None:
        raise NotFound
    return found


def with_subscription() -> tuple[ORMOption, ...]:
    subscription = joinedload(ProvisioningRequest.subscription)
    return (
        subscription.joinedload(Subscription.organization),
        subscription.joinedload(Subscription.provider),
        subscription.joinedload(Subscription.revision),
        subscription.selectinload(Subscription.plan).joinedload(Plan.offering),
        subscription.selectinload(Subscription.plan).selectinload(Plan.charges).joinedload(Charge.meter),
    )


def _live_first() -> tuple[ColumnElement[int], ColumnElement[int]]:
    over = case((Subscription.status == SubscriptionStatus.ENDED, 1), else_=0)
    return over, -Subscription.id


def _found(query: Select[Subscription]) -> Subscription:
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found
