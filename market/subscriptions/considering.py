"""A subscription as it would be: a copy that is never stored, for previews that run through the code of the bill."""

from __future__ import annotations

from datetime import datetime

from market.subscriptions.models import ChangeStatus, Subscription, SubscriptionChange


def considered(
    subscription: Subscription, *, change: SubscriptionChange | None = None, ended_at: datetime | None = None
) -> Subscription:
    """The subscription with one more change, or with an end; plan, revision and changes are loaded."""
    changes = [_copied(one, one.status) for one in subscription.changes]
    if change is not None:
        changes.append(_copied(change, ChangeStatus.PLANNED))
    return Subscription(
        id=subscription.id, provider_id=subscription.provider_id, organization_id=subscription.organization_id,
        public_id=subscription.public_id, plan=subscription.plan, quantity=subscription.quantity,
        revision=subscription.revision, started_at=subscription.started_at, trial_ends_at=subscription.trial_ends_at,
        cancel_at=subscription.cancel_at, ended_at=ended_at or subscription.ended_at, changes=changes,
    )  # fmt: skip


def _copied(change: SubscriptionChange, status: ChangeStatus) -> SubscriptionChange:
    # The stored row itself would move over to the copy, and take it into the session.
    return SubscriptionChange(
        id=change.id, kind=change.kind, status=status, plan=change.plan, quantity=change.quantity,
        before_plan=change.before_plan, before_plan_id=change.before_plan_id, before_quantity=change.before_quantity,
        effective_at=change.effective_at,
    )  # fmt: skip
