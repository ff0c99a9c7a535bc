"""Verbs: how a subscription goes on, and how it comes to its end. What it begins with is an order (`orders.py`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select

from market import audit, db
from market.subscriptions import effects, refusals, signals, span
from market.subscriptions.models import (
    LIFECYCLE,
    LIVE,
    OPENING,
    ProvisioningRequest,
    RequestKind,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import requests

When = Literal["now", "period_end"]

#: A set-up that failed waits so long for another try, then it ends: as long as people had to do it at all, and as an
#: order waits for its owner. Longer, and whoever forgot it would be charged some day for what she bought elsewhere.
FAILED_KEPT = timedelta(days=14)
#: Why such a one has ended, in the trail.
NOT_RETRIED = "not_retried"


def cancel(subscription: Subscription, *, when: When, reason: str, by: audit.Actor, at: datetime) -> None:
    """End it at once, or when the period is over that runs now; `subscription.plan.charges` is loaded.

    What is not live yet is called off without charge. Repeating a planned end changes nothing.
    Raises AlreadyEnded.
    """
    effects.settle(subscription, at)
    if subscription.status is SubscriptionStatus.ENDED:
        raise refusals.AlreadyEnded
    if subscription.status in OPENING:
        requests.call_off(subscription, at=at)
        _end(subscription, at=at, reason=reason, by=by)
    elif when == "now":
        # The sweep may be late: what was planned to have ended by now has ended then.
        _end(subscription, at=min(at, subscription.cancel_at or at), reason=reason, by=by)
        requests.ask(subscription, RequestKind.DEPROVISION, at=at)
    else:
        _plan_end(subscription, span.period_end(subscription, at), reason=reason, by=by, at=at)


def end_on(subscription: Subscription, midnight: datetime, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """Plan the end for one midnight. Raises AlreadyEnded."""
    db.lock(subscription)
    if subscription.status not in LIVE:
        raise refusals.AlreadyEnded
    _plan_end(subscription, midnight, reason=reason, by=by, at=at)


def keep(subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    """Take a planned end back; for a trial that is the same as `convert`. Raises NotCanceled."""
    db.lock(subscription)
    if subscription.status not in LIVE or subscription.cancel_at is None or subscription.cancel_at <= at:
        raise refusals.NotCanceled
    _stay("subscription.kept", subscription, by=by, at=at)


def convert(subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    """Go on after the trial: the free days stay free, then the plan's prices apply. Raises NotTrialing."""
    db.lock(subscription)
    over = subscription.trial_ends_at is None or subscription.trial_ends_at <= at
    if subscription.status is not SubscriptionStatus.TRIALING or over:
        raise refusals.NotTrialing
    if subscription.cancel_at is not None:
        _stay("subscription.converted", subscription, by=by, at=at)


def lapse_due(now: datetime) -> int:
    """End failed set-ups that nobody has tried again for so long, without charge; returns how many.

    Each in a transaction of its own.
    """
    with db.transaction(readonly=True):
        failed = (
            select(Subscription.id)
            .join(ProvisioningRequest, ProvisioningRequest.subscription_id == Subscription.id)
            .where(Subscription.status == SubscriptionStatus.FAILED, ProvisioningRequest.kind == RequestKind.PROVISION)
            .group_by(Subscription.id)
            .having(func.max(ProvisioningRequest.finished_at) <= now - FAILED_KEPT)
        )
        due = [*db.session.scalars(failed.order_by(Subscription.id))]
    return sum(_lapse(id, now) for id in due)


def _lapse(id: int, now: datetime) -> int:
    with db.transaction():
        subscription = db.session.get_one(Subscription, id)
        effects.settle(subscription, now)
        if subscription.status is not SubscriptionStatus.FAILED:
            return 0
        requests.call_off(subscription, at=now, error=NOT_RETRIED)
        _end(subscription, at=now, reason=NOT_RETRIED, by=audit.system("worker"))
    return 1


def end_due(now: datetime) -> int:
    """End what is planned to have ended, and let converted trials become paid; returns how many moved.

    Each in a transaction of its own. The end is the planned instant, however late the sweep comes.
    """
    with db.transaction(readonly=True):
        ending = select(Subscription.id).where(Subscription.status.in_(LIVE), Subscription.cancel_at <= now)
        staying = select(Subscription.id).where(
            Subscription.status == SubscriptionStatus.TRIALING,
            Subscription.trial_ends_at <= now,
            Subscription.cancel_at.is_(None),
        )
        due = [*db.session.scalars(ending.union(staying).order_by("id"))]
    return sum(_settle(id, now) for id in due)


def _settle(id: int, now: datetime) -> int:
    with db.transaction():
        subscription = db.session.get_one(Subscription, id)
        db.lock(subscription)
        if subscription.status not in LIVE:
            return 0
        by = audit.system("worker")
        effects.settle(subscription, min(now, subscription.cancel_at or now))
        if subscription.cancel_at is not None and subscription.cancel_at <= now:
            _end(subscription, at=subscription.cancel_at, reason="", by=by)
            requests.ask(subscription, RequestKind.DEPROVISION, at=now)
            return 1
        if subscription.status is SubscriptionStatus.TRIALING and subscription.cancel_at is None:
            LIFECYCLE.move(subscription, SubscriptionStatus.ACTIVE)
            _record("subscription.trial_ended", subscription, by=by, at=now)
            return 1
    return 0


def _plan_end(subscription: Subscription, end: datetime, *, reason: str, by: audit.Actor, at: datetime) -> None:
    if subscription.cancel_at != end:
        subscription.cancel_at = end
        _record("subscription.cancel_planned", subscription, by=by, at=at, reason=reason, cancel_at=end.isoformat())


def _stay(action: str, subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    subscription.cancel_at = None
    _record(action, subscription, by=by, at=at)


def _end(subscription: Subscription, *, at: datetime, reason: str, by: audit.Actor) -> None:
    LIFECYCLE.move(subscription, SubscriptionStatus.ENDED)
    effects.drop_planned(subscription, at=at)
    subscription.ended_at = at
    subscription.cancel_at = subscription.cancel_at or at
    _record("subscription.ended", subscription, by=by, at=at, reason=reason)
    signals.subscription_ended.send(subscription, at=at, reason=reason)


def _record(
    action: str, subscription: Subscription, *, by: audit.Actor, at: datetime, reason: str = "", **after: str
) -> None:
    audit.record(
        action,
        subscription,
        by=by,
        at=at,
        reason=reason,
        after={"status": subscription.status, **after},
        organization_id=subscription.organization_id,
    )
