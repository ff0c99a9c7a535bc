"""Letters about announced prices, and about those that were taken back: a batch at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from market import accounts, db
from market.accounts import OrganizationKind, User
from market.kit.period import local_day
from market.notifications import letters
from market.notifications.actions import enqueue
from market.subscriptions import LIVE, prices
from market.subscriptions.prices import PriceChangeStatus, PriceNotice

BATCH = 100
_INSTANT = timedelta(microseconds=1)


def tell_of_prices(now: datetime) -> int:
    """Write the letters of the next notices; returns how many notices.

    That it was told is committed with the letters, so being killed loses and repeats nothing.
    """
    with db.transaction(readonly=True):
        if not prices.untold(1):
            return 0
    with db.transaction():
        db.serialize("price letters")
        waiting = prices.untold(BATCH)
        for notice in waiting:
            _tell(notice, now)
            prices.told(notice, at=now)
        return len(waiting)


def _tell(notice: PriceNotice, now: datetime) -> None:
    change, subscription = notice.price_change, notice.subscription
    withdrawn = change.status is PriceChangeStatus.WITHDRAWN
    if subscription.status not in LIVE:
        return
    event = "price_withdrawn" if withdrawn else "price_announced"
    facts = {
        "notice": notice, "subscription": subscription, "facts": subscription.revision.facts, "change": change,
        "day": local_day(change.effective_at), "last": local_day(change.effective_at - _INSTANT),
        "leaving": notice.answer is prices.NoticeAnswer.LEAVING, "provider": subscription.provider,
    }  # fmt: skip
    for user in _readers(subscription.organization_id, subscription.accepted_by_id):
        language = user.locale if user.locale in letters.LANGUAGES else "zh"
        subject, body = letters.write(event, language, name=user.name, **facts)
        enqueue(f"{event}.{notice.id}.{user.id}", user, subject, body, at=now)


def _readers(organization_id: int, buyer_id: int) -> list[User]:
    """Whoever may end it, and whoever ordered it while she is one of them."""
    members = accounts.members_of(db.session.get_one(accounts.Organization, organization_id))
    return [
        one.user
        for one in members
        if one.user_id == buyer_id or accounts.may(OrganizationKind.BUYER, one.role, "subscriptions.end")
    ]
