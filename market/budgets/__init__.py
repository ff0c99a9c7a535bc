"""Budgets 预算: what a firm's month may come to, over all that it subscribes to, and who may still take from it.

Owns        the amount of each month, what providers hold of it before they serve, alerts, and when it will be reached.
Not here    what the month has come to (billing), letters (notifications).
Invariants  a reservation is taken by one conditional UPDATE, never by looking first: what is spent and held together
            does not come over the amount through it; every reservation is settled, released or expired once; what is
            asked under one key is one reservation; an alert is written once a month for each percentage of an amount.
"""

from market.budgets.counting import EVERY, FRESH, run
from market.budgets.forecast import reached_on
from market.budgets.models import LIFECYCLE, Budget, BudgetAlert, Reservation, ReservationStatus
from market.budgets.queries import (
    Standing,
    alerts_of,
    asking,
    held_of,
    history,
    reservation_of,
    reservations_of,
    standing,
)
from market.budgets.refusals import BelowSpent, BudgetExhausted, KeyTaken, NotHeld, NotUsable
from market.budgets.reserving import LONGEST, Wanted, release, reserve, settle
from market.budgets.setting import CHOICES, USUAL, remove, set_amount
from market.budgets.signals import alert_reached, reservation_refused

__all__ = [
    "CHOICES", "EVERY", "FRESH", "LIFECYCLE", "LONGEST", "USUAL", "BelowSpent", "Budget", "BudgetAlert", "BudgetExhausted", "KeyTaken",
    "NotHeld", "NotUsable", "Reservation", "ReservationStatus", "Standing", "Wanted", "alert_reached", "alerts_of", "asking", "held_of",
    "history", "reached_on", "release", "remove", "reservation_of", "reservation_refused", "reservations_of", "reserve", "run", "set_amount", "settle",
    "standing",
]  # fmt: skip
