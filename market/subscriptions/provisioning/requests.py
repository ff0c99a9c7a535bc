"""Requests to providers: asked for in the buyer's transaction, completed or failed by the provider."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from market import audit, db
from market.catalog.models import Offering, Plan, Provisioning
from market.errors import Invalid
from market.providers.models import Provider
from market.subscriptions import access as details
from market.subscriptions import refusals, signals, span
from market.subscriptions.models import (
    LIFECYCLE,
    ORDER_LIFECYCLE,
    REQUEST_LIFECYCLE,
    Order,
    OrderStatus,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)

#: How long a provider has: its system an hour, its people three days.
DEADLINES = {Provisioning.WEBHOOK: timedelta(hours=1), Provisioning.MANUAL: timedelta(days=3)}
LONGEST_REASON = 500
#: `last_error` of a request that the buyer called off.
CALLED_OFF = "called_off"


def ask(subscription: Subscription, kind: RequestKind, *, at: datetime) -> ProvisioningRequest:
    """Add the request that tells the provider what to do; the sweep delivers it after the commit."""
    mode = _mode(subscription.plan_id)
    request = ProvisioningRequest(
        public_id=f"prov_{secrets.token_hex(10)}",
        subscription=subscription,
        kind=kind,
        mode=mode,
        next_attempt_at=at if mode is Provisioning.WEBHOOK else None,
        due_at=at + DEADLINES[mode],
        created_at=at,
    )
    db.session.add(request)
    db.session.flush()
    return request


def _mode(plan_id: int) -> Provisioning:
    """By the provider's system only where one listens."""
    query = select(Offering.provisioning, Provider.webhook_url).join(Plan.offering).join(Offering.provider)
    provisioning, url = db.session.execute(query.where(Plan.id == plan_id)).one()
    return provisioning if url else Provisioning.MANUAL


def complete(request: ProvisioningRequest, *, access: Mapping[str, str], by: audit.Actor, at: datetime) -> None:
    """The provider has done it. A second time changes nothing.

    A new subscription becomes live now, with its access details encrypted. Raises RequestClosed for
    a request that failed or was called off, Invalid for details that cannot be kept.
    """
    subscription = _take(request)
    if request.status is RequestStatus.DONE:
        return
    if request.status is RequestStatus.FAILED:
        raise refusals.RequestClosed
    if request.kind is RequestKind.PROVISION:
        details.seal(subscription, details.checked(access), at=at)
        _activate(subscription, by=by, at=at)
    else:
        _record("subscription.deprovisioned", subscription, by=by, at=at)
    _close(request, RequestStatus.DONE, at=at)


def fail(request: ProvisioningRequest, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """The provider cannot do it, for a reason the buyer reads. A second time changes nothing.

    Raises RequestClosed once it is done, Invalid without a reason.
    """
    # Neither database keeps NUL or half of a surrogate pair.
    reason = reason.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(fields={"reason": "写明原因，客户会看到。最多 500 个字。"})
    subscription = _take(request)
    if request.status is RequestStatus.FAILED:
        return
    if request.status is RequestStatus.DONE:
        raise refusals.RequestClosed
    give_up(request, subscription, reason, by=by, at=at)


def give_up(
    request: ProvisioningRequest, subscription: Subscription, reason: str, *, by: audit.Actor, at: datetime
) -> None:
    """Mark an open request failed, and with it a subscription that waited for it; both rows are locked."""
    _close(request, RequestStatus.FAILED, at=at, error=reason)
    if request.kind is RequestKind.PROVISION:
        LIFECYCLE.move(subscription, SubscriptionStatus.FAILED)
        _follow(subscription, OrderStatus.FAILED)
        _record("subscription.failed", subscription, by=by, at=at, reason=reason)
        signals.subscription_failed.send(subscription, at=at, reason=reason)
    else:
        _record("subscription.deprovision_failed", subscription, by=by, at=at, reason=reason)


def retry(request: ProvisioningRequest, *, by: audit.Actor, at: datetime) -> None:
    """Ask once more, under the same id. Raises RequestNotFailed, AlreadyEnded for an order called off."""
    subscription = _take(request)
    if request.status is not RequestStatus.FAILED:
        raise refusals.RequestNotFailed
    if request.kind is RequestKind.PROVISION:
        if subscription.status is not SubscriptionStatus.FAILED:
            raise refusals.AlreadyEnded
        LIFECYCLE.move(subscription, SubscriptionStatus.PROVISIONING)
        _follow(subscription, OrderStatus.PLACED)
    mode = _mode(subscription.plan_id)
    REQUEST_LIFECYCLE.move(request, RequestStatus.PENDING)
    request.mode = mode
    request.attempts, request.last_error, request.finished_at = 0, "", None
    request.next_attempt_at = at if mode is Provisioning.WEBHOOK else None
    request.due_at = at + DEADLINES[mode]
    _record("subscription.retried", subscription, by=by, at=at)


def call_off(subscription: Subscription, *, reason: str, at: datetime) -> None:
    """The buyer no longer wants what is being set up; a provider that may know of it is told to undo it."""
    query = select(ProvisioningRequest).where(
        ProvisioningRequest.subscription_id == subscription.id,
        ProvisioningRequest.kind == RequestKind.PROVISION,
    )
    request = db.session.scalars(query).one()
    db.lock(request)
    if request.status is not RequestStatus.FAILED:
        _close(request, RequestStatus.FAILED, at=at, error=CALLED_OFF)
    _follow(subscription, OrderStatus.CANCELED)
    if request.attempts:
        ask(subscription, RequestKind.DEPROVISION, at=at)


def _take(request: ProvisioningRequest) -> Subscription:
    """Lock both rows, the subscription first everywhere, so that two who act at once cannot block each other."""
    subscription = db.session.get_one(Subscription, request.subscription_id)
    db.lock(subscription)
    db.lock(request)
    return subscription


def _activate(subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    trial_days = db.session.scalars(select(Plan.trial_days).where(Plan.id == subscription.plan_id)).one()
    subscription.started_at = at
    if trial_days:
        subscription.trial_ends_at = span.trial_end(at, trial_days)
        # A trial ends by itself; converting it takes this date away.
        subscription.cancel_at = subscription.trial_ends_at
    LIFECYCLE.move(subscription, SubscriptionStatus.TRIALING if trial_days else SubscriptionStatus.ACTIVE)
    _follow(subscription, OrderStatus.FULFILLED)
    _record("subscription.activated", subscription, by=by, at=at)
    signals.subscription_activated.send(subscription, at=at)


def _follow(subscription: Subscription, status: OrderStatus) -> None:
    """The order goes where its subscription went; the trail of the subscription tells it."""
    underway = Order.status.in_([OrderStatus.PLACED, OrderStatus.FAILED])
    for order in db.session.scalars(select(Order).where(Order.subscription_id == subscription.id, underway)):
        ORDER_LIFECYCLE.move(order, status)


def _close(request: ProvisioningRequest, status: RequestStatus, *, at: datetime, error: str = "") -> None:
    REQUEST_LIFECYCLE.move(request, status)
    request.finished_at, request.next_attempt_at, request.last_error = at, None, error


def _record(
    action: str, subscription: Subscription, *, by: audit.Actor, at: datetime, reason: str = ""
) -> None:
    audit.record(
        action,
        subscription,
        by=by,
        at=at,
        reason=reason,
        after={"status": subscription.status},
        organization_id=subscription.organization_id,
    )
