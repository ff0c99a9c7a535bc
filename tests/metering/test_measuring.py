"""Usage in any windows: what comes from the events says the same as what comes from the day counters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from market import db, metering
from market.catalog import Aggregation, Filter, Meter, TimeBase
from market.kit.period import SHANGHAI, Period
from market.metering import Question, measuring, windows
from market.metering.models import ArchivedMonth
from market.metering.windows import Size
from market.subscriptions import Subscription
from tests.builders.billing import moment
from tests.builders.catalog import a_meter, a_plan, a_provider, an_offering
from tests.builders.metering import an_event, ingest, report
from tests.builders.subscriptions import a_subscription

NOW = moment("2026-11-20 10:00")


@pytest.fixture
def subscription(session: Session) -> Subscription:
    return a_subscription(a_plan(an_offering(a_provider(), plans=False), per_unit="0.01"))


def a_meter_of(subscription: Subscription, aggregation: Aggregation, **more: Any) -> Meter:
    provider = subscription.plan.offering.provider
    return a_meter(provider, f"m_{aggregation.value}", aggregation=aggregation, **more)


def send(subscription: Subscription, meter: Meter, at: str, value: object, **data: object) -> None:
    """One event at a time of November, with these dimensions."""
    event = an_event(subscription, meter, value, at=moment(f"2026-11-{at}"))
    event["data"] |= data
    [verdict] = ingest(subscription.plan.offering.provider, [event], now=NOW)
    assert verdict.counted, verdict


def asked(
    subscription: Subscription, meter: Meter, start: str, end: str, size: Size | None = None, *, zone: str = "Asia/Shanghai", **more: Any
) -> list[metering.Measured]:
    there = windows.zone(zone)
    assert there is not None
    cut = list(windows.cut(moment(f"2026-11-{start}"), moment(f"2026-11-{end}"), size, there))
    return metering.measure(Question(meter, [subscription.id], cut, NOW, **more))


def quantities(rows: Sequence[metering.Measured]) -> list[str]:
    return [f"{row.quantity:f}" for row in rows]


def test_a_value_is_carried_through_windows_up_to_now(subscription: Subscription) -> None:
    gauge = a_meter_of(subscription, Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    send(subscription, gauge, "18 23:30", 10)
    send(subscription, gauge, "20 08:15", 4)
    hours = asked(subscription, gauge, "20 07:00", "20 12:00", Size.HOUR)
    assert quantities(hours) == ["10", "5.5", "4", "0", "0"], "value × hours, and nothing after 10:00, which is now"
    [total] = asked(subscription, gauge, "20 07:30", "20 08:30")
    assert total.quantity == Decimal("8.5")


def test_a_subscription_that_ended_carries_nothing_on(subscription: Subscription) -> None:
    gauge = a_meter_of(subscription, Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    send(subscription, gauge, "18 00:00", 2)
    subscription.ended_at = moment("2026-11-19 02:30")
    assert quantities(asked(subscription, gauge, "19 01:00", "19 04:00", Size.HOUR)) == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("aggregation", "found"),
    [
        (Aggregation.SUM, ["3", "0", "12"]), (Aggregation.COUNT, ["2", "0", "2"]), (Aggregation.MAX, ["2", "0", "7"]),
        (Aggregation.LATEST, ["2", "0", "5"]), (Aggregation.UNIQUE_COUNT, ["2", "0", "2"]),
    ],
)  # fmt: skip
def test_every_window_is_a_period_of_its_own(subscription: Subscription, aggregation: Aggregation, found: list[str]) -> None:
    meter = a_meter_of(subscription, aggregation, value_property="value")
    for at, value in (("19 08:00", 1), ("19 08:59", 2), ("19 10:00", 7), ("19 10:30", 5)):
        send(subscription, meter, at, value)
    assert quantities(asked(subscription, meter, "19 08:00", "19 11:00", Size.HOUR)) == found
    assert quantities(asked(subscription, meter, "19 08:59", "19 10:00")) == ["1" if aggregation in (Aggregation.COUNT, Aggregation.UNIQUE_COUNT) else "2"]


ASKED: list[dict[str, Any]] = [
    {},
    {"by": ["region"]},
    {"by": ["tier"], "only": [Filter("region", ("gz",))]},
    {"only": [Filter("region", ("gz",)), Filter("tier", ("a", "b"))]},
]


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_events_and_counters_say_the_same(
    subscription: Subscription, aggregation: Aggregation, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = TimeBase.HOUR if aggregation is Aggregation.TIME_WEIGHTED else TimeBase.NONE
    meter = a_meter_of(subscription, aggregation, time_base=base, dimensions=["region", "tier"], value_property="value", unit_size=3)
    for at, value, region, tier in (
        ("02 09:00", 5, "gz", "a"), ("02 23:59", 7, "sz", "a"), ("03 00:00", 2, "gz", "b"), ("03 12:00", 5, "gz", None),
        ("05 08:00", 1, "gz", "a"), ("19 08:00", 9, "sz", "b"), ("20 09:00", 7, "gz", "a"),
    ):  # fmt: skip
        send(subscription, meter, at, value, region=region, **({"tier": tier} if tier else {}))
    questions = [(size, more) for size in (Size.DAY, Size.MONTH, None) for more in ASKED]
    counted = [asked(subscription, meter, "01 00:00", "21 00:00", size, **more) for size, more in questions]
    monkeypatch.setattr(Question, "by_days", False)
    for (size, more), rows in zip(questions, counted, strict=True):
        assert asked(subscription, meter, "01 00:00", "21 00:00", size, **more) == rows
        assert any(row.quantity for row in rows)


def test_a_month_says_what_the_bill_says(subscription: Subscription) -> None:
    meter = a_meter_of(subscription, Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD)
    send(subscription, meter, "03 12:00", 8)
    november = Period(moment("2026-11-01 00:00"), moment("2026-12-01 00:00"))
    [row] = metering.measure(Question(meter, [subscription.id], [november], NOW))
    assert row.quantity == metering.quantity(subscription, meter, november, until=NOW)


def test_days_of_another_zone_take_the_events_of_that_day(subscription: Subscription) -> None:
    meter = a_meter_of(subscription, Aggregation.SUM)
    report(subscription, meter, 1, at=datetime(2026, 10, 24, 21, 59, 59, tzinfo=UTC), recorded=NOW)
    report(subscription, meter, 2, at=datetime(2026, 10, 24, 22, 0, tzinfo=UTC), recorded=NOW)
    report(subscription, meter, 4, at=datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), recorded=NOW)
    report(subscription, meter, 8, at=datetime(2026, 10, 25, 23, 0, tzinfo=UTC), recorded=NOW)
    berlin = windows.zone("Europe/Berlin")
    assert berlin is not None
    cut = list(windows.cut(datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC), Size.DAY, berlin))
    assert quantities(metering.measure(Question(meter, [subscription.id], cut, NOW))) == ["1", "6", "8"]


def test_more_events_than_anybody_waits_for_are_refused(subscription: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = a_meter_of(subscription, Aggregation.COUNT)
    monkeypatch.setattr(measuring, "MOST_EVENTS", 1)
    for minute in (1, 2):
        send(subscription, meter, f"19 08:0{minute}", None)
    with pytest.raises(measuring.TooManyEvents):
        asked(subscription, meter, "19 08:00", "19 11:00", Size.HOUR)
    assert quantities(asked(subscription, meter, "19 00:00", "20 00:00", Size.DAY)) == ["2"]


def test_windows_are_not_made_up_where_the_events_were_archived(subscription: Subscription) -> None:
    meter = a_meter_of(subscription, Aggregation.SUM)
    send(subscription, meter, "05 09:00", 3)
    db.session.add(ArchivedMonth(month=date(2026, 11, 1), path="2026-11.parquet", rows=1, hash="", archived_at=NOW))
    db.session.flush()
    with pytest.raises(metering.EventsArchived):
        asked(subscription, meter, "05 08:00", "05 10:00", Size.HOUR)
    assert quantities(asked(subscription, meter, "05 00:00", "06 00:00", Size.DAY)) == ["3"]
    november = Period(moment("2026-11-01 00:00"), moment("2026-12-01 00:00"))
    for prove in (
        lambda: metering.history(subscription.plan.offering.provider, period=november, size=5),
        lambda: metering.proved(subscription, meter, november, stored_by=NOW),
    ):
        with pytest.raises(metering.EventsArchived):
            prove()


def test_reading_costs_the_same_for_many_days(subscription: Subscription, queries: Any) -> None:
    meter = a_meter_of(subscription, Aggregation.SUM)
    for day in range(2, 20):
        send(subscription, meter, f"{day:02} 08:00", 1)
    start = moment("2026-11-20 00:00") - timedelta(days=300)
    cut = list(windows.cut(start, moment("2026-11-21 00:00"), Size.DAY, SHANGHAI))
    with queries(at_most=4):
        rows = metering.measure(Question(meter, [subscription.id], cut, NOW))
    assert len(rows) == 301 and sum(row.quantity for row in rows) == 18
