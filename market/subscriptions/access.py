"""Access details: encrypted when stored, checked for size, read by the entitled only, gone with the data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import audit, db, resources
from market.errors import Invalid
from market.kit.period import local_day
from market.subscriptions.models import AccessDetails, Subscription, SubscriptionStatus

MOST_ENTRIES = 20
LONGEST_LABEL = 60
LONGEST_VALUE = 2000


def checked(details: Mapping[str, object]) -> dict[str, str]:
    """Details with their blanks trimmed; empty entries are left out. Raises Invalid for field `access`."""
    if not isinstance(details, Mapping) or len(details) > MOST_ENTRIES:
        raise Invalid(fields={"access": "登录信息写成“名称: 内容”，最多 20 项。"})
    for label, value in details.items():
        if not isinstance(value, str) or len(label) > LONGEST_LABEL or len(value) > LONGEST_VALUE:
            raise Invalid(fields={"access": "登录信息的名称最多 60 个字，内容是文字，最多 2000 个字。"})
    trimmed = {label.strip(): str(value).strip() for label, value in details.items()}
    return {label: value for label, value in trimmed.items() if label and value}


def seal(subscription: Subscription, details: Mapping[str, str], *, at: datetime) -> None:
    """Store the details encrypted, replacing earlier ones; no details, nothing stored."""
    if details:
        sealed = resources.cipher.encrypt(json.dumps(dict(details), ensure_ascii=False))
        db.session.merge(AccessDetails(subscription_id=subscription.id, sealed=sealed, changed_at=at))


def access_of(subscription: Subscription) -> dict[str, str]:
    """How to reach what was bought, label by label; empty when the provider gave nothing."""
    stored = db.session.get(AccessDetails, subscription.id)
    return dict(json.loads(resources.cipher.decrypt(stored.sealed))) if stored else {}


def access_changed_at(subscription: Subscription) -> datetime | None:
    """Since when the details are what they are; None without any."""
    query = select(AccessDetails.changed_at).where(AccessDetails.subscription_id == subscription.id)
    return db.session.scalar(query)


def forget_due(now: datetime) -> int:
    """Delete the details of ended subscriptions whose data is to be gone by now; returns how many."""
    with db.transaction(readonly=True):
        query = select(Subscription).join(Subscription.access).options(joinedload(Subscription.revision))
        ended = db.session.scalars(query.where(Subscription.status == SubscriptionStatus.ENDED)).all()
        due = [each.id for each in ended if _data_is_gone(each, now)]
    return sum(_forget(id, now) for id in due)


def _data_is_gone(subscription: Subscription, now: datetime) -> bool:
    """Whether the last day on which the provider may still have the data is over."""
    if subscription.ended_at is None:
        return False
    # An end at midnight closes the day before it.
    last = local_day(subscription.ended_at - timedelta(microseconds=1))
    return local_day(now) > last + timedelta(days=subscription.revision.facts.get("deletion_days") or 0)


def _forget(id: int, now: datetime) -> int:
    with db.transaction():
        subscription = db.session.get_one(Subscription, id)
        db.lock(subscription)
        stored = db.session.get(AccessDetails, id)
        if stored is None:
            return 0
        db.session.delete(stored)
        audit.record(
            "subscription.access_deleted", subscription, by=audit.system("worker"), at=now,
            organization_id=subscription.organization_id,
        )  # fmt: skip
        return 1
