"""What a subscription's state is called on screen, with the date that will change it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from flask_babel import gettext as _

from market.subscriptions import LIVE, Subscription, SubscriptionStatus
from market.web import agreements, formats
from market.web.states import state_of


class Standing(NamedTuple):
    """Words, tone and icon, in the order in which `badge` takes them."""

    words: str
    tone: str
    icon: str


def standing(subscription: Subscription, now: datetime) -> Standing:
    """试用中（还剩 12 天）, 将于 11月30日 停用, 使用中: a planned end stands before everything else."""
    named = state_of("subscription", subscription.status)
    if subscription.status is SubscriptionStatus.TRIALING and subscription.trial_ends_at is not None:
        days = max(agreements.days_left(subscription.trial_ends_at, now), 0)
        return Standing(_("%(state)s（还剩 %(days)s 天）", state=named.label, days=days), named.tone, named.icon)
    if subscription.cancel_at is not None and subscription.status in LIVE:
        last = formats.date(agreements.last_day(subscription.cancel_at), short=True)
        return Standing(_("将于 %(date)s 停用", date=last), "warn", "clock")
    return Standing(str(named.label), named.tone, named.icon)
