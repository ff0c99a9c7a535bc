"""What an announcement plans for one subscription: a change of price on its day, or an end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import audit, db
from market.catalog.models import Plan
from market.subscriptions import actions, agreement, changes, effects
from market.subscriptions.models import (
    CHANGE_LIFECYCLE,
    ChangeKind,
    ChangeStatus,
    Subscription,
    SubscriptionChange,
)


def plan(subscription: Subscription, new: Plan, *, effective_at: datetime, by: audit.Actor, at: datetime) -> None:
    """From that midnight on the new version holds; `new` with charges, and the subscription's revision, are loaded."""
    effects.settle(subscription, at)
    asked = SubscriptionChange(
        kind=ChangeKind.PRICE, status=ChangeStatus.PLANNED, plan=new, before_plan_id=subscription.plan_id,
        terms_hash=agreement.terms_hash(agreement.terms(new, subscription.revision)),
    )  # fmt: skip
    changes.plan_for(subscription, asked, effective_at, reason="", by=by, at=at)


def unplan(subscription: Subscription, plan_id: int, effective_at: datetime, *, by: audit.Actor, at: datetime) -> None:
    """Prices stay as they are."""
    db.lock(subscription)
    planned = _change(subscription, plan_id, effective_at)
    if planned is None or planned.status is not ChangeStatus.PLANNED:
        return
    CHANGE_LIFECYCLE.move(planned, ChangeStatus.WITHDRAWN)
    planned.settled_at = at
    audit.record(
        "subscription.change_withdrawn", subscription, by=by, at=at, organization_id=subscription.organization_id,
        after={"change": planned.kind, "on": effective_at.isoformat()},
    )  # fmt: skip


def end(subscription: Subscription, effective_at: datetime, *, by: audit.Actor, at: datetime) -> None:
    """It ends when the new price would begin."""
    actions.end_on(subscription, effective_at, reason="", by=by, at=at)


def holds(subscription: Subscription, plan_id: int, effective_at: datetime, *, now: datetime) -> bool:
    """Whether the new version came to hold on that day; lets what is due take hold first."""
    effects.settle(subscription, now)
    if subscription.ended_at is not None and subscription.ended_at <= effective_at:
        return False
    if subscription.cancel_at is not None and subscription.cancel_at <= effective_at:
        return False
    change = _change(subscription, plan_id, effective_at)
    return change is not None and change.status in (ChangeStatus.PLANNED, ChangeStatus.APPLIED)


def _change(subscription: Subscription, plan_id: int, effective_at: datetime) -> SubscriptionChange | None:
    query = select(SubscriptionChange).where(
        SubscriptionChange.subscription_id == subscription.id,
        SubscriptionChange.kind == ChangeKind.PRICE,
        SubscriptionChange.plan_id == plan_id,
        SubscriptionChange.effective_at == effective_at,
    )
    return db.session.scalar(query.order_by(SubscriptionChange.id.desc()).limit(1))
