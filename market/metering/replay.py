"""A quantity once more from the raw events alone, as they were known at a moment: what an auditor would do.

Shares no arithmetic with the day counters, so that the one checks the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select

from market import db
from market.catalog.models import Aggregation, Meter, TimeBase
from market.kit.period import Period
from market.kit.quantity import round6
from market.metering import values
from market.metering.models import UsageEvent
from market.subscriptions.models import Subscription

Reading = tuple[datetime, Decimal]


def replay(subscription: Subscription, meter: Meter, period: Period, *, stored_by: datetime, whole: Period) -> Decimal:
    """The quantity of `period` from the events stored by then, in priced units, six places.

    A `period` gauge gives its mean over `whole`.
    """
    readings = _readings(subscription, meter, period.end, stored_by)
    inside = [value for at, value in readings if at >= period.start]
    match meter.aggregation:
        case Aggregation.COUNT:
            amount = Fraction(len(inside))
        case Aggregation.MAX:
            amount = Fraction(max(inside, default=Decimal(0)))
        case Aggregation.TIME_WEIGHTED:
            amount = _weighed(readings, period.start, min(period.end, subscription.ended_at or period.end))
        case _:
            amount = Fraction(sum(inside, Decimal(0)))
    return round6(amount / meter.unit_size / _base(meter, whole))


def _readings(subscription: Subscription, meter: Meter, end: datetime, stored_by: datetime) -> list[Reading]:
    query = select(UsageEvent.at, UsageEvent.data).where(
        UsageEvent.subscription_id == subscription.id,
        UsageEvent.type == meter.event_type,
        UsageEvent.at < end,
        UsageEvent.stored_at <= stored_by,
        UsageEvent.stored_at >= meter.created_at,
    )
    found = db.session.execute(query.order_by(UsageEvent.at, UsageEvent.id))
    return [(at.replace(microsecond=0), values.value_of(meter, data)) for at, data in found]


def _weighed(readings: Sequence[Reading], start: datetime, end: datetime) -> Fraction:
    """Value × seconds: each reading holds until the next one, the last one until the end."""
    total, stop = Fraction(0), end.replace(microsecond=0)
    ends = [*(at for at, _ in readings[1:]), stop]
    for (at, value), until in zip(readings, ends, strict=False):
        held = min(until, stop) - max(at, start)
        total += Fraction(value) * max(int(held.total_seconds()), 0)
    return total


def _base(meter: Meter, whole: Period) -> int:
    if meter.time_base is TimeBase.HOUR:
        return 3600
    return int(whole.length.total_seconds()) if meter.time_base is TimeBase.PERIOD else 1
