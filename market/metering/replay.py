"""A quantity once more from the raw events alone, as they were known at a moment: what an auditor would do.

Shares no arithmetic with the day counters, so that the one checks the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from sqlalchemy import select

from market import db
from market.catalog.models import Aggregation, Filter, Meter, TimeBase
from market.kit.period import Period, local_midnight, month_of
from market.kit.quantity import round6
from market.metering import archived, values
from market.metering.models import Kind, UsageCounter, UsageEvent
from market.metering.values import Member
from market.rating import Transactions
from market.subscriptions.models import Subscription


class Reading(NamedTuple):
    """One event as the meter reads it."""

    at: datetime
    slice: str
    value: Decimal
    member: Member | None


def replay(
    subscription: Subscription, meter: Meter, period: Period, *, stored_by: datetime, whole: Period, only: Filter | None = None
) -> Decimal:
    """The quantity of `period` from the events stored by then, in priced units, six places.

    A `period` gauge gives its mean over `whole`; `only` leaves the slices that a filter lets through. Raises
    EventsArchived; only what a gauge carries in from an archived month is taken from that month's last counter.
    """
    archived.refuse(period, [subscription.id])
    readings = [each for each in _readings(subscription, meter, period, stored_by) if values.matches(meter, each.slice, only)]
    stop = min(period.end, subscription.ended_at or period.end)
    return worked_out(meter, readings, period, stop=stop, whole=whole)


def worked_out(meter: Meter, readings: Sequence[Reading], period: Period, *, stop: datetime, whole: Period) -> Decimal:
    """The quantity of `period` from what a meter read, in order of time and arrival, of a gauge from the beginning."""
    inside = [each for each in readings if each.at >= period.start]
    match meter.aggregation:
        case Aggregation.COUNT:
            amount = Fraction(len(inside))
        case Aggregation.MAX:
            amount = Fraction(max((each.value for each in inside), default=Decimal(0)))
        case Aggregation.LATEST:
            amount = Fraction(sum({each.slice: each.value for each in inside}.values(), Decimal(0)))
        case Aggregation.UNIQUE_COUNT:
            last = {(each.slice, each.member.value): each.member for each in inside if each.member}
            amount = Fraction(len({member.value for member in last.values() if member.present}))
        case Aggregation.TIME_WEIGHTED:
            amount = sum((_weighed(each, period.start, stop) for each in _by_slice(readings)), Fraction(0))
        case Aggregation.SUM:
            amount = Fraction(sum((each.value for each in inside), Decimal(0)))
    return round6(amount / meter.unit_size / _base(meter, whole))


def transactions(
    subscription: Subscription, meter: Meter, period: Period, *, stored_by: datetime, only: Filter | None = None
) -> Transactions:
    """The transactions of `period` by amount, from the events stored by then. Raises EventsArchived."""
    archived.refuse(period, [subscription.id])
    found = _readings(subscription, meter, period, stored_by)
    inside = [each.value for each in found if values.matches(meter, each.slice, only)]
    return Transactions.of(Counter(round6(Fraction(value) / meter.unit_size) for value in inside))


def _readings(subscription: Subscription, meter: Meter, period: Period, stored_by: datetime) -> list[Reading]:
    """In order of time and arrival, of a gauge from the beginning; what was taken back by then is left out."""
    gauge = meter.aggregation is Aggregation.TIME_WEIGHTED
    query = select(UsageEvent).where(
        UsageEvent.subscription_id == subscription.id,
        UsageEvent.type == meter.event_type,
        UsageEvent.at < period.end,
        UsageEvent.stored_at <= stored_by,
    )
    if not gauge:
        query = query.where(UsageEvent.at >= period.start)
    found = db.session.scalars(query.order_by(UsageEvent.at, UsageEvent.id)).all()
    gone = {event.corrects for event in found}
    carried = _carried_in(subscription, meter, period) if gauge else []
    return carried + [
        Reading(
            event.at.replace(microsecond=0), values.slice_of(meter, event.data), values.value_of(meter, event.data),
            values.member_of(meter, event.data),
        )
        for event in found
        if event.id not in gone and event.kind is not Kind.REVERSAL and meter.counts(event.stored_at)
    ]  # fmt: skip


def _carried_in(subscription: Subscription, meter: Meter, period: Period) -> list[Reading]:
    """What each slice showed at the end of the archived months before a period."""
    known = [month.month for month in archived.months() if month.month < period.first_day]
    if not known:
        return []
    last = month_of(local_midnight(known[-1])).last_day
    query = select(UsageCounter.slice, UsageCounter.last_at, UsageCounter.closing).where(
        UsageCounter.subscription_id == subscription.id, UsageCounter.meter_id == meter.counter_id, UsageCounter.day <= last
    )
    rows = {slice: (at, closing) for slice, at, closing in db.session.execute(query.order_by(UsageCounter.day))}
    return [
        Reading(at.replace(microsecond=0), slice, closing, None)
        for slice, (at, closing) in rows.items() if at is not None and closing is not None
    ]  # fmt: skip


def _by_slice(readings: Sequence[Reading]) -> list[list[Reading]]:
    slices: dict[str, list[Reading]] = defaultdict(list)
    for each in readings:
        slices[each.slice].append(each)
    return list(slices.values())


def _weighed(readings: Sequence[Reading], start: datetime, end: datetime) -> Fraction:
    """Value × seconds: each reading holds until the next one, the last one until the end."""
    total, stop = Fraction(0), end.replace(microsecond=0)
    ends = [*(each.at for each in readings[1:]), stop]
    for each, until in zip(readings, ends, strict=False):
        held = min(until, stop) - max(each.at, start)
        total += Fraction(each.value) * max(int(held.total_seconds()), 0)
    return total


def _base(meter: Meter, whole: Period) -> int:
    if meter.time_base is TimeBase.HOUR:
        return 3600
    return int(whole.length.total_seconds()) if meter.time_base is TimeBase.PERIOD else 1
