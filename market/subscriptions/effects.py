"""Effects: a planned change takes hold when its midnight has come.

What it costs does not wait for this: bills follow the dates (`span.py`). Here the subscription comes to show it, the
trail tells it and others are told.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import audit, db
from market.subscriptions import queries, signals, span
from market.subscriptions.models import (
    CHANGE_LIFECYCLE,
    LIFECYCLE,
    LIVE,
    ChangeKind,
    ChangeStatus,
    RequestKind,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import requests

_VERBS = {
    ChangeKind.PLAN: "subscription.plan_changed",
    ChangeKind.QUANTITY: "subscription.quantity_changed",
    ChangeKind.PAUSE: "subscription.paused",
    ChangeKind.RESUME: "subscription.resumed",
    ChangeKind.PRICE: "subscription.price_changed",
}


def apply_due(now: datetime) -> int:
    """Let every planned change whose midnight has come take hold; returns how many did.

    Each subscription in a transaction of its own; several of one in the order of their midnights.
    """
    with db.transaction(readonly=True):
        query = select(SubscriptionChange.subscription_id).join(SubscriptionChange.subscription).where(
            SubscriptionChange.status == ChangeStatus.PLANNED,
            SubscriptionChange.effective_at <= now,
            Subscription.status.in_(LIVE),
        )  # fmt: skip
        due = [*db.session.scalars(query.distinct().order_by(SubscriptionChange.subscription_id))]
    return sum(_apply_of(id, now) for id in due)


def _apply_of(id: int, now: datetime) -> int:
    with db.transaction():
        subscription = db.session.get_one(Subscription, id)
        return len(settle(subscription, now))


def settle(subscription: Subscription, now: datetime, *, by: audit.Actor | None = None) -> list[SubscriptionChange]:
    """Hold the subscription, load its changes anew and apply those that are due, in order; returns them.

    A pause and its end wait while the subscription is suspended; what it costs follows their dates all the same.
    """
    db.lock(subscription)
    queries.load_changes(subscription)
    if subscription.status not in LIVE:
        return []
    due = [one for one in subscription.changes if one.status is ChangeStatus.PLANNED and one.effective_at <= now]
    return [one for one in due if _take_hold(subscription, one, now, by or audit.system("worker"))]


def drop_planned(subscription: Subscription, *, at: datetime) -> None:
    """It ends: what was planned for later will not come."""
    for change in subscription.changes:
        if change.status is ChangeStatus.PLANNED:
            _settled(change, ChangeStatus.SUPERSEDED, at)


def supersede(change: SubscriptionChange, *, at: datetime) -> None:
    """Another change takes its place."""
    _settled(change, ChangeStatus.SUPERSEDED, at)
    # The unique key allows one planned change of a kind for a midnight: this one makes room first.
    db.session.flush()


def _take_hold(subscription: Subscription, change: SubscriptionChange, now: datetime, by: audit.Actor) -> bool:
    if not _move(subscription, change.kind, change.effective_at):
        return False
    before = span.Held(None, subscription.plan, subscription.quantity)
    if change.kind is ChangeKind.PRICE and change.before_plan_id != before.plan.id:
        # It was announced for a plan that is not held any more.
        _settled(change, ChangeStatus.SUPERSEDED, now)
        return False
    held = span.after(before, change)
    change.before_plan, change.before_quantity = before.plan, before.quantity
    subscription.plan, subscription.quantity = held.plan, held.quantity
    if change.revision is not None:
        subscription.revision = change.revision
    subscription.terms_hash = change.terms_hash or subscription.terms_hash
    _settled(change, ChangeStatus.APPLIED, now)
    if kind := _asked_of_provider(change, before, held):
        requests.ask(subscription, kind, at=now)
    _tell(subscription, change, before, now, by)
    return True


def _asked_of_provider(change: SubscriptionChange, before: span.Held, held: span.Held) -> RequestKind | None:
    """What the provider is to do about it; nothing where only the price is another one."""
    if change.kind is ChangeKind.PAUSE:
        return RequestKind.PAUSE
    if change.kind is ChangeKind.RESUME:
        return RequestKind.RESUME
    same = (before.plan.slug, before.quantity) == (held.plan.slug, held.quantity)
    return None if same else RequestKind.UPDATE


def _move(subscription: Subscription, kind: ChangeKind, midnight: datetime) -> bool:
    """Bring the status in line; False while it does not allow the change to show."""
    status = subscription.status
    if kind is ChangeKind.PAUSE:
        if status is SubscriptionStatus.TRIALING and _trial_over(subscription, midnight):
            LIFECYCLE.move(subscription, SubscriptionStatus.ACTIVE)
        if subscription.status is SubscriptionStatus.ACTIVE:
            LIFECYCLE.move(subscription, SubscriptionStatus.PAUSED)
        return subscription.status is SubscriptionStatus.PAUSED
    if kind is ChangeKind.RESUME and status is SubscriptionStatus.PAUSED:
        LIFECYCLE.move(subscription, SubscriptionStatus.ACTIVE)
    return kind is not ChangeKind.RESUME or status is not SubscriptionStatus.SUSPENDED


def _trial_over(subscription: Subscription, at: datetime) -> bool:
    ends_at = subscription.trial_ends_at
    return ends_at is not None and ends_at <= at and subscription.cancel_at is None


def _settled(change: SubscriptionChange, status: ChangeStatus, at: datetime) -> None:
    CHANGE_LIFECYCLE.move(change, status)
    change.settled_at = at


def _tell(
    subscription: Subscription, change: SubscriptionChange, before: span.Held, now: datetime, by: audit.Actor
) -> None:
    on = change.effective_at.isoformat()
    audit.record(
        _VERBS[change.kind], subscription, by=by, at=now, reason=change.reason,
        organization_id=subscription.organization_id,
        before={"plan": before.plan.slug, "version": before.plan.version_number, "quantity": before.quantity},
        after={
            "status": subscription.status, "plan": subscription.plan.slug,
            "version": subscription.plan.version_number, "quantity": subscription.quantity, "on": on,
        },
    )  # fmt: skip
    signals.subscription_changed.send(subscription, change=change, at=now)
