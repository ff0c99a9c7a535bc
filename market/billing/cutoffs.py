"""Cutoffs: up to when a bill knows what was stored.

A bill counts what was committed before its firm was held, and nothing that comes after. So the cutoff is read when the
firm is held, and whatever waited meanwhile is stored after it (`metering` asks `closed_until`): then "stored by the
cutoff" means "counted" for every event, and the bill can be worked out again from that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from market.billing.queries import closed_until

#: Tells the present time whenever it is asked; handed in by faces, commands and the worker.
Clock = Callable[[], datetime]

#: The clocks of two hosts may differ by so much: what one stored is not later than the cutoff of the other.
LEEWAY = timedelta(seconds=1)
#: A bill knows more than the one before, also where the clock stands still.
_STEP = timedelta(milliseconds=1)


def cutoff(organization_ids: Collection[int], *, now: datetime, clock: Clock | None = None) -> datetime:
    """The cutoff of bills that are drawn up for firms that are held; without a `clock`, which a sweep has that began
    at `now`, nothing was stored since."""
    known = [each.cutoff + _STEP for each in closed_until(organization_ids).values() if each.cutoff is not None]
    return max([now, *known, *([clock() + LEEWAY] if clock else [])])
