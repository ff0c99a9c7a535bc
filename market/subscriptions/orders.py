"""Ordering: what is asked for, whether an owner has to agree first, and the subscription that comes of it.

Every subscription comes from an order. Most are placed at once; one above the firm's limit waits for somebody
who may approve it, and is then placed as it stands, or not at all. What becomes of the order afterwards is
told by its subscription, whose trail has those moves.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from market import accounts, audit, db
from market.accounts.models import Membership, Organization, OrganizationKind, User
from market.catalog.models import OfferingRevision, Plan
from market.errors import Forbidden, Invalid, MarketError
from market.subscriptions import agreement, capacity, contracts, queries, refusals, sale, signals
from market.subscriptions.contracts import ContractKind
from market.subscriptions.models import (
    LIFECYCLE,
    ORDER_LIFECYCLE,
    Order,
    OrderStatus,
    RequestKind,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import requests

#: How long an order waits for somebody to approve or refuse it.
PATIENCE = timedelta(days=14)
LONGEST_KEY = 200
LONGEST_REASON = 500
APPROVE = "orders.approve"


# --- ordering ----------------------------------------------------------------------------


def subscribe(
    organization: Organization,
    plan: Plan,
    *,
    request_key: str,
    estimate: Mapping[str, str],
    user: User,
    by: audit.Actor,
    at: datetime,
    quantity: int = 1,
    accepted_hash: str | None = None,
) -> Subscription:
    """`order` where nobody has to agree first: the subscription. Raises ApprovalDue where somebody has to."""
    made = order(
        organization, plan, request_key=request_key, estimate=estimate, user=user, by=by, at=at,
        quantity=quantity, accepted_hash=accepted_hash, may_wait=False,
    )  # fmt: skip
    placed = queries.subscription_from(made)
    if placed is None:
        raise refusals.ApprovalDue
    return placed


def order(
    organization: Organization,
    plan: Plan,
    *,
    request_key: str,
    estimate: Mapping[str, str],
    user: User,
    by: audit.Actor,
    at: datetime,
    quantity: int = 1,
    accepted_hash: str | None = None,
    may_wait: bool = True,
) -> Order:
    """Order `plan`: placed, with the request to the provider in the same transaction, or waiting for an owner.

    The same `request_key` is the same order, however often and by however many at once it is sent.
    `accepted_hash` is the fingerprint of the terms on the page the buyer confirmed; `may_wait` says whether
    that page told her that the order will wait. Raises ApprovalDue when it did not and it has to,
    NotForSale, OfferingNotLive, ProviderNotApproved, SoldOut, LimitReached, QuantityUnsuitable, TermsChanged,
    RequestKeyReused, Invalid; NotFound for what was agreed on with other firms; and what `signals.ordering` is refused with.
    """
    if not request_key or len(request_key) > LONGEST_KEY:
        raise Invalid(fields={"request_key": "订单编号须是 1 到 200 个字符。"})
    if known := _by_key(organization, request_key):
        return _same_order(known, plan, quantity)
    if organization.kind is not OrganizationKind.BUYER:
        raise Forbidden
    signals.ordering.send(organization, at=at)
    sold, revision = sale.for_sale(plan.id, organization)
    fingerprint = agreement.terms_hash(agreement.terms(sold, revision))
    if accepted_hash is not None and accepted_hash != fingerprint:
        raise refusals.TermsChanged
    units, guesses = sale.suitable(sold, quantity), sale.guessed(sold, estimate)
    try:
        capacity.check(sold.offering, organization)
    except MarketError:
        # The last place may have gone to this very order, sent twice: the one before has waited for no lock.
        if known := _by_key(organization, request_key):
            return _same_order(known, plan, quantity)
        raise
    made = Order(
        public_id=f"ord_{secrets.token_hex(10)}", organization_id=organization.id, plan=sold, revision=revision,
        quantity=units, status=OrderStatus.DRAFT, request_key=request_key, estimate=guesses,
        month_fen=sale.month_fen(sold, guesses, units), terms_hash=fingerprint, ordered_by_id=user.id, ordered_at=at,
    )  # fmt: skip
    waits = approval_due(organization, user, made.month_fen)
    if waits and not may_wait:
        raise refusals.ApprovalDue
    if waits:
        made.limit_fen, made.expires_at = organization.approval_above_fen, at + PATIENCE
        ORDER_LIFECYCLE.move(made, OrderStatus.AWAITING_APPROVAL)
    placed = None if waits else _place(made, sold, revision, at)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:
        # Somebody else has sent the same order in this moment: the unique key decided.
        if known := _by_key(organization, request_key):
            return _same_order(known, plan, quantity)
        raise
    if placed is not None:
        _set_up(placed, made, by, at)
    else:
        _record("order.submitted", made, by=by, at=at, plan=sold.slug, quantity=units, month_fen=made.month_fen)
        signals.order_waiting.send(made, at=at)
    return made


def approval_due(organization: Organization, user: User, month_fen: int) -> bool:
    """Whether an order of this size by this person waits for somebody who may approve it."""
    limit = organization.approval_above_fen
    return limit is not None and month_fen > limit and not _approves(organization.id, user)


def _by_key(organization: Organization, request_key: str) -> Order | None:
    query = select(Order).where(Order.organization_id == organization.id, Order.request_key == request_key)
    return db.session.scalar(query)


def _same_order(known: Order, plan: Plan, quantity: int) -> Order:
    if known.plan_id != plan.id or known.quantity != quantity:
        raise refusals.RequestKeyReused
    return known


# --- deciding ----------------------------------------------------------------------------


def approve(order: Order, *, user: User, by: audit.Actor, at: datetime) -> None:
    """Place an order that waits, at the very terms its buyer agreed to. A second time changes nothing.

    Raises OrderClosed for one that was decided otherwise or is too old, TermsOutdated when it could not be
    placed as it stands any more, SoldOut and LimitReached while there is no place, Forbidden for who may not approve; and what
    `signals.ordering` is refused with.
    """
    _take(order, user)
    if order.subscription_id is not None:
        return
    _check_waiting(order, at)
    organization = db.session.get_one(Organization, order.organization_id)
    signals.ordering.send(organization, at=at)
    try:
        plan, revision = _as_agreed(order)
    except MarketError as refusal:
        raise refusals.TermsOutdated from refusal
    capacity.check(plan.offering, organization)
    placed = _place(order, plan, revision, at)
    order.decided_by_id, order.decided_at = user.id, at
    _record("order.approved", order, by=by, at=at)
    _set_up(placed, order, by, at)
    signals.order_decided.send(order, at=at)


def refuse(order: Order, *, reason: str, user: User, by: audit.Actor, at: datetime) -> None:
    """Do not place it, for a reason its buyer reads. A second time changes nothing.

    Raises OrderClosed, Invalid without a reason, Forbidden for who may not approve.
    """
    _take(order, user)
    if order.status is OrderStatus.REFUSED:
        return
    _check_waiting(order, at)
    # Neither database keeps NUL or half of a surrogate pair.
    reason = reason.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(fields={"reason": "写明原因，下单的人会看到。最多 500 个字。"})
    ORDER_LIFECYCLE.move(order, OrderStatus.REFUSED)
    order.decided_by_id, order.decided_at, order.reason = user.id, at, reason
    _record("order.refused", order, by=by, at=at, reason=reason)
    signals.order_decided.send(order, at=at)


def withdraw(order: Order, *, user: User, by: audit.Actor, at: datetime) -> None:
    """Its own buyer takes back an order that waits. A second time changes nothing. Raises OrderClosed, NotYours."""
    db.lock(order)
    if order.ordered_by_id != user.id:
        raise refusals.NotYours
    if order.status is OrderStatus.CANCELED:
        return
    _check_waiting(order, at)
    ORDER_LIFECYCLE.move(order, OrderStatus.CANCELED)
    order.decided_at = at
    _record("order.canceled", order, by=by, at=at)


def expire_due(now: datetime) -> int:
    """Let go of orders that nobody decided in time; returns how many. Each in a transaction of its own."""
    with db.transaction(readonly=True):
        query = select(Order.id).where(Order.status == OrderStatus.AWAITING_APPROVAL, Order.expires_at <= now)
        due = [*db.session.scalars(query.order_by(Order.id))]
    return sum(_expire(id, now) for id in due)


def _expire(id: int, now: datetime) -> int:
    with db.transaction():
        order = db.session.get_one(Order, id)
        db.lock(order)
        if order.status is not OrderStatus.AWAITING_APPROVAL:
            return 0
        ORDER_LIFECYCLE.move(order, OrderStatus.EXPIRED)
        order.decided_at = now
        _record("order.expired", order, by=audit.system("worker"), at=now)
        signals.order_decided.send(order, at=now)
    return 1


def outdated(order: Order) -> bool:
    """Whether terms, price or availability have changed, so that it could not be placed as it stands."""
    try:
        _as_agreed(order, hold=False)
    except MarketError:
        return True
    return False


def _as_agreed(order: Order, *, hold: bool = True) -> tuple[Plan, OfferingRevision]:
    firm = db.session.get_one(Organization, order.organization_id)
    plan, revision = sale.for_sale(order.plan_id, firm, hold=hold)
    sale.suitable(plan, order.quantity)
    if agreement.terms_hash(agreement.terms(plan, revision)) != order.terms_hash:
        raise refusals.TermsChanged
    return plan, revision


def _take(order: Order, user: User) -> None:
    """Lock the order, so that of those who decide at once the second sees what the first did."""
    db.lock(order)
    if not _approves(order.organization_id, user):
        raise Forbidden


def _check_waiting(order: Order, at: datetime) -> None:
    over = order.expires_at is not None and order.expires_at <= at
    if order.status is not OrderStatus.AWAITING_APPROVAL or over:
        raise refusals.OrderClosed


def _approves(organization_id: int, user: User) -> bool:
    """Whether this person's role in the firm lets her approve orders, her own included."""
    query = select(Membership.role).where(
        Membership.organization_id == organization_id, Membership.user_id == user.id
    )
    role = db.session.scalar(query)
    return role is not None and accounts.may(OrganizationKind.BUYER, role, APPROVE)


# --- placing -----------------------------------------------------------------------------


def _place(order: Order, plan: Plan, revision: OfferingRevision, at: datetime) -> Subscription:
    placed = Subscription(
        public_id=f"sub_{secrets.token_hex(10)}",
        organization_id=order.organization_id,
        provider=plan.offering.provider,
        plan=plan,
        revision=revision,
        changes=[],
        quantity=order.quantity,
        estimate=order.estimate,
        terms_hash=order.terms_hash,
        accepted_by_id=order.ordered_by_id,
        ordered_at=at,
        status=SubscriptionStatus.PENDING,
    )
    LIFECYCLE.move(placed, SubscriptionStatus.PROVISIONING)
    order.subscription = placed
    ORDER_LIFECYCLE.move(order, OrderStatus.PLACED)
    return placed


def _set_up(subscription: Subscription, order: Order, by: audit.Actor, at: datetime) -> None:
    """Keep the contract as it was accepted, and ask the provider."""
    contracts.accept(
        subscription, subscription.plan, subscription.revision, kind=ContractKind.ORDER, quantity=order.quantity,
        user_id=order.ordered_by_id, at=order.ordered_at,
    )  # fmt: skip
    requests.ask(subscription, RequestKind.PROVISION, at=at, first=True)
    audit.record(
        "subscription.ordered",
        subscription,
        by=by,
        at=at,
        organization_id=subscription.organization_id,
        after={
            "status": subscription.status,
            "plan": subscription.plan.slug,
            "version": subscription.plan.version_number,
            "quantity": subscription.quantity,
            "terms": subscription.terms_hash,
        },
    )


def _record(
    action: str, order: Order, *, by: audit.Actor, at: datetime, reason: str = "", **after: str | int
) -> None:
    audit.record(
        action,
        order,
        by=by,
        at=at,
        reason=reason,
        after={"status": order.status, **after},
        organization_id=order.organization_id,
    )
