"""The hours of a day, what came late, and when something was last used."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from market import db, metering
from market.catalog import Aggregation, Meter, TimeBase
from market.kit.period import Period
from market.metering import Band
from market.metering.models import ArchivedMonth
from market.subscriptions import Subscription
from tests.builders.billing import OCTOBER, moment
from tests.builders.catalog import a_charge, a_meter, a_plan
from tests.builders.metering import an_event, ingest, report
from tests.builders.subscriptions import a_subscription

pytestmark = pytest.mark.usefixtures("session")

DAY = date(2026, 10, 5)
NIGHT = moment("2026-10-06 00:00")


def a_measured_subscription(aggregation: Aggregation, **columns: Any) -> tuple[Subscription, Meter]:
    plan = a_plan()
    meter = a_meter(plan.offering.provider, "measured", aggregation=aggregation, **columns)
    a_charge(plan, {"model": "per_unit", "unit_price": "1.00"}, meter=meter)
    return a_subscription(plan), meter


def hours_of(subscription: Subscription, meter: Meter, *, until: str = "2026-10-06 00:00", most: int = 100) -> list[Decimal]:
    found = metering.hours([(subscription.id, meter)], DAY, until=moment(until), most=most)
    assert found is not None
    return found[subscription.id, meter.id]


@pytest.mark.parametrize(
    ("aggregation", "nine", "ten"),
    [(Aggregation.SUM, 7, 5), (Aggregation.COUNT, 2, 1), (Aggregation.MAX, 4, 5), (Aggregation.LATEST, 4, 5)],
)
def test_each_hour_counts_what_happened_in_it(aggregation: Aggregation, nine: int, ten: int) -> None:
    subscription, meter = a_measured_subscription(aggregation)
    for time, value in (("09:00", 3), ("09:59", 4), ("10:00", 5)):
        report(subscription, meter, value, at=moment(f"2026-10-05 {time}"))
    hours = hours_of(subscription, meter)
    assert (len(hours), hours[8], hours[9], hours[10]) == (24, 0, nine, ten)


def test_a_gauge_is_carried_from_the_day_before_and_stops_now() -> None:
    subscription, meter = a_measured_subscription(Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD)
    report(subscription, meter, 10, at=moment("2026-10-03 12:00"))
    report(subscription, meter, 20, at=moment("2026-10-05 09:30"))
    hours = hours_of(subscription, meter, until="2026-10-05 11:30")
    assert hours[:13] == [10] * 9 + [15, 20, 10, 0]


def test_the_hours_of_a_day_are_the_day() -> None:
    subscription, meter = a_measured_subscription(Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    for time, value in (("00:10", "3"), ("07:07", "11"), ("23:59", "1")):
        report(subscription, meter, value, at=moment(f"2026-10-05 {time}"))
    [used] = [quantity for day, quantity in metering.daily(subscription, meter, OCTOBER, until=NIGHT) if day == DAY]
    assert abs(sum(hours_of(subscription, meter)) - used) < Decimal("0.0001")  # each hour is rounded by itself


def test_slices_of_a_gauge_add_up() -> None:
    subscription, meter = a_measured_subscription(Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD, dimensions=["device"])
    for device in ("one", "two"):
        event = an_event(subscription, meter, at=moment("2026-10-05 00:00"), data={"value": 5, "device": device})
        ingest(meter.provider, [event], now=moment("2026-10-05 00:01"))
    assert hours_of(subscription, meter) == [10] * 24


def test_too_many_events_are_not_read() -> None:
    subscription, meter = a_measured_subscription(Aggregation.COUNT)
    for hour in range(3):
        report(subscription, meter, at=moment(f"2026-10-05 0{hour}:00"))
    assert metering.hours([(subscription.id, meter)], DAY, until=NIGHT, most=3) is not None
    assert metering.hours([(subscription.id, meter)], DAY, until=NIGHT, most=2) is None


def test_hours_are_not_made_up_where_the_events_were_archived() -> None:
    subscription, meter = a_measured_subscription(Aggregation.COUNT)
    report(subscription, meter, at=moment("2026-10-05 09:00"))
    db.session.add(ArchivedMonth(month=date(2026, 10, 1), path="2026-10.parquet", rows=1, hash="", archived_at=NIGHT))
    db.session.flush()
    with pytest.raises(metering.EventsArchived):
        hours_of(subscription, meter)


def test_what_came_late_is_told_by_the_day_it_came() -> None:
    subscription, meter = a_measured_subscription(Aggregation.SUM)
    closed = {subscription.organization_id: OCTOBER.end}

    def send(at: str, now: str) -> None:
        ingest(meter.provider, [an_event(subscription, meter, 1, at=moment(at))], now=moment(now), closed=closed)

    report(subscription, meter, 1, at=moment("2026-10-20 08:00"))
    for time in ("09:00", "10:00"):
        send(f"2026-10-18 {time}", f"2026-11-09 {time}")
    send("2026-10-18 11:00", "2026-11-10 08:00")
    found = metering.remarks([subscription.id], OCTOBER)
    assert [(each.day.day, each.band, each.noted_at, each.number) for each in found] == [
        (18, Band.VERY_LATE, moment("2026-11-10 08:00"), 1),
        (18, Band.VERY_LATE, moment("2026-11-09 10:00"), 2),
    ]
    assert metering.remarks([subscription.id], Period(OCTOBER.end, OCTOBER.end + timedelta(days=30))) == []


def test_the_last_use_is_told_for_each_meter() -> None:
    subscription, meter = a_measured_subscription(Aggregation.SUM)
    other = a_meter(meter.provider, "other")
    for time in ("08:00", "09:00"):
        report(subscription, meter, 1, at=moment(f"2026-10-05 {time}"))
    assert metering.last_used([subscription.id], [meter.id, other.id]) == {(subscription.id, meter.id): moment("2026-10-05 09:00")}
