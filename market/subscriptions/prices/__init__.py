"""Prices: announced changes of what subscribers pay.

Owns        price changes from one plan version to another, the notices of the firms they reach, their answers.
Not here    writing and publishing plans (catalog), what a segment costs (billing), letters (notifications).
Invariants  a new version reaches a subscription only after a notice of a week or what its plan says; until the day
            the firm can leave at that day, and the provider can take it back; one change of a version at a time.
"""

from market.subscriptions.prices.actions import (
    FARTHEST,
    LONGEST_REASON,
    accept,
    announce,
    finish_due,
    leave,
    soonest_day,
    told,
    withdraw,
)
from market.subscriptions.prices.models import (
    PRICE_CHANGE_LIFECYCLE,
    NoticeAnswer,
    PriceChange,
    PriceChangeStatus,
    PriceNotice,
)
from market.subscriptions.prices.queries import (
    affected,
    change_of,
    changes_of,
    notice_about,
    notice_of,
    notices_of,
    open_notices,
    untold,
    versions_in_use,
)

__all__ = [
    "FARTHEST", "LONGEST_REASON", "PRICE_CHANGE_LIFECYCLE", "NoticeAnswer", "PriceChange", "PriceChangeStatus", "PriceNotice",
    "accept", "affected", "announce", "change_of", "changes_of", "finish_due", "leave", "notice_about", "notice_of", "notices_of",
    "open_notices", "soonest_day", "told", "untold", "versions_in_use", "withdraw",
]  # fmt: skip
