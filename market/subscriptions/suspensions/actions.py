"""Verbs: stop, go on, and plan the end of what stays stopped. Each may be done twice."""

from __future__ import annotations

from datetime import datetime

from market import audit, db
from market.subscriptions import actions, effects
from market.subscriptions.models import LIFECYCLE, LIVE, RequestKind, Subscription, SubscriptionStatus
from market.subscriptions.provisioning import requests
from market.subscriptions.suspensions.models import Cause, Suspension
from market.subscriptions.suspensions.queries import STOPPABLE, current


def suspend(subscription: Subscription, *, cause: Cause, reason: str, by: audit.Actor, at: datetime) -> bool:
    """Stop what is used; the provider is told to pause it. Returns whether anything was to be stopped."""
    effects.settle(subscription, at)
    if subscription.status not in STOPPABLE or current(subscription, cause):
        return False
    LIFECYCLE.move(subscription, SubscriptionStatus.SUSPENDED)
    db.session.add(Suspension(subscription_id=subscription.id, cause=cause, reason=reason, began_at=at))
    requests.record("subscription.suspended", subscription, by=by, at=at, reason=cause.value)
    requests.ask(subscription, RequestKind.PAUSE, at=at)
    return True


def reinstate(subscription: Subscription, *, cause: Cause, by: audit.Actor, at: datetime) -> bool:
    """Let it go on, and take back the end that was planned because of the cause; the provider is told.

    Changes that waited take hold now. Returns whether the cause had stopped it.
    """
    db.lock(subscription)
    suspension = current(subscription, cause)
    if suspension is None:
        return False
    suspension.ended_at = at
    if subscription.status is not SubscriptionStatus.SUSPENDED:
        return False  # it has ended meanwhile
    trial = subscription.trial_ends_at is not None and subscription.trial_ends_at > at
    LIFECYCLE.move(subscription, SubscriptionStatus.TRIALING if trial else SubscriptionStatus.ACTIVE)
    if subscription.cancel_at is not None and subscription.cancel_at == suspension.ends_subscription_at:
        subscription.cancel_at = None
    requests.record("subscription.reinstated", subscription, by=by, at=at)
    requests.ask(subscription, RequestKind.RESUME, at=at)
    effects.settle(subscription, at)
    return True


def plan_end(suspension: Suspension, midnight: datetime, *, by: audit.Actor, at: datetime) -> bool:
    """It will end then unless it goes on before; an earlier end that the buyer has planned stays."""
    subscription = suspension.subscription
    db.lock(subscription)
    if subscription.status not in LIVE or (subscription.cancel_at is not None and subscription.cancel_at <= midnight):
        return False
    suspension.ends_subscription_at = midnight
    actions.end_on(subscription, midnight, reason=suspension.cause.value, by=by, at=at)
    return True


def put_off_end(suspension: Suspension, midnight: datetime, *, by: audit.Actor, at: datetime) -> bool:
    """The end that was planned because of it comes later; one that the buyer has planned stays."""
    subscription, planned = suspension.subscription, suspension.ends_subscription_at
    db.lock(subscription)
    if subscription.status not in LIVE or planned is None or subscription.cancel_at != planned or planned >= midnight:
        return False
    suspension.ends_subscription_at = midnight
    actions.end_on(subscription, midnight, reason=suspension.cause.value, by=by, at=at)
    return True
