"""A letter before a trial ends by itself, to whoever ordered it, while there is time to decide."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts import User
from market.kit.period import local_day
from market.notifications import letters
from market.notifications.actions import enqueue
from market.subscriptions import Subscription, SubscriptionStatus

#: How long before the end it is written.
BEFORE = timedelta(days=3)
_INSTANT = timedelta(microseconds=1)


def remind_of_trials(now: datetime) -> int:
    """Write what is due and not written yet; returns how many trials are about to end. A letter is written once."""
    with db.transaction(readonly=True):
        query = select(Subscription.id).where(
            Subscription.status == SubscriptionStatus.TRIALING,
            Subscription.cancel_at > now,
            Subscription.cancel_at <= now + BEFORE,
        )
        due = [*db.session.scalars(query.order_by(Subscription.id))]
    for id in due:
        with db.transaction():
            _remind(id, now)
    return len(due)


def _remind(id: int, now: datetime) -> None:
    subscription = db.session.get_one(Subscription, id, options=[joinedload(Subscription.revision)])
    user = db.session.get_one(User, subscription.accepted_by_id)
    if subscription.cancel_at is None:
        return
    language = user.locale if user.locale in letters.LANGUAGES else "zh"
    subject, body = letters.write(
        "trial_ending", language, name=user.name, subscription=subscription, facts=subscription.revision.facts,
        last=local_day(subscription.cancel_at - _INSTANT),
    )  # fmt: skip
    enqueue(f"trial_ending.{id}.{user.id}", user, subject, body, at=now)
