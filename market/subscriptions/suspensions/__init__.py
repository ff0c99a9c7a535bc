"""Suspensions: subscriptions that may not be used for a while, and going on afterwards.

Owns        when and why a subscription is stopped, and what its provider is told of it.
Not here    who decides that (dunning), pauses that a buyer asks for (subscriptions).
Invariants  a cause stops a subscription once until it is over; what was planned to end because of it goes on with it;
            fees and the taking in of usage follow dates and do not stop, as the data stays.
"""

from market.subscriptions.suspensions.actions import plan_end, put_off_end, reinstate, suspend
from market.subscriptions.suspensions.models import Cause, Suspension
from market.subscriptions.suspensions.queries import current, firms_stopped, stoppable, stopped

__all__ = [
    "Cause", "Suspension", "current", "firms_stopped", "plan_end", "put_off_end", "reinstate", "stoppable", "stopped", "suspend",
]  # fmt: skip
