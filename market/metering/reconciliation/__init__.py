"""Reconciliation: what buyer and provider say about each day's usage.

Owns        days that were accepted, objected to or settled; which state every other day is in.
Not here    changing what was counted (corrections), bills (billing).
Invariants  a day without a row is reported, and accepted once nobody has objected for so long.
"""

from market.metering.reconciliation.actions import (
    AlreadySaid,
    NotOver,
    TooLate,
    accept,
    answer,
    dispute,
    settle,
    settle_due,
)
from market.metering.reconciliation.models import DayStatus, ReconciledDay
from market.metering.reconciliation.queries import (
    States,
    day_of,
    day_of_provider,
    days_of,
    disputed_days,
    states,
    unanswered_count,
)

__all__ = [
    "AlreadySaid",
    "DayStatus",
    "NotOver",
    "ReconciledDay",
    "States",
    "TooLate",
    "accept",
    "answer",
    "day_of",
    "day_of_provider",
    "days_of",
    "dispute",
    "disputed_days",
    "settle",
    "settle_due",
    "states",
    "unanswered_count",
]
