"""Taking usage in: a verdict for every event, and counters that follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import catalog, db, metering, subscriptions
from market.catalog.models import Aggregation, Meter, TimeBase
from market.kit import period
from market.metering import BadEvent, Band, Outcome, UsageEvent
from market.metering.counters import MOST_SLICES
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import an_event, ingest, report
from tests.builders.subscriptions import a_subscription

NOW = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OCTOBER = period.month("2026-10")


class Shop:
    """A provider with one subscription and a meter of each kind."""

    def __init__(self) -> None:
        plan = a_plan(per_unit="0.01")
        self.provider = plan.offering.provider
        self.calls = plan.charges[0].meter
        assert self.calls is not None
        self.subscription = a_subscription(plan)

    def meter(self, slug: str, aggregation: Aggregation, **columns: Any) -> Meter:
        return a_meter(self.provider, slug, aggregation=aggregation, **columns)

    def event(self, value: object = 1, **changes: Any) -> dict[str, Any]:
        changes = {"at": NOW - HOUR} | changes
        return an_event(self.subscription, self.calls, value, **changes)

    def send(self, *events: Any, now: datetime = NOW, **options: Any) -> list[tuple[str, str]]:
        verdicts = ingest(self.provider, list(events), now=now, **options)
        return [(verdict.outcome.value, verdict.code) for verdict in verdicts]


@pytest.fixture
def shop(session: Session) -> Shop:
    return Shop()



@pytest.fixture
def statements(session: Session) -> Iterator[list[str]]:
    """What the database is asked."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    listening.listen(db.engine(), "before_cursor_execute", note)
    yield seen
    listening.remove(db.engine(), "before_cursor_execute", note)


def stored(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(UsageEvent)) or 0


def test_an_accepted_event_is_stored_and_counted(session: Session, shop: Shop) -> None:
    assert shop.send(shop.event("2.5")) == [("accepted", "")]
    assert metering.quantity(shop.subscription, shop.calls, OCTOBER) == Decimal("2.5")
    event = session.scalars(select(UsageEvent)).one()
    assert (event.band, event.stored_at, event.data) == (Band.ON_TIME, NOW, {"value": "2.5"})


def test_the_same_event_again_is_a_duplicate_with_the_first_receipt(session: Session, shop: Shop) -> None:
    event = shop.event(7)
    shop.send(event)
    [verdict] = ingest(shop.provider, [dict(reversed(event.items()))], now=NOW + HOUR)
    assert verdict.outcome is Outcome.DUPLICATE
    assert verdict.first is not None and verdict.first.stored_at == NOW
    assert metering.quantity(shop.subscription, shop.calls, OCTOBER) == 7


def test_another_event_under_the_same_id_is_a_conflict_with_the_first(session: Session, shop: Shop) -> None:
    shop.send(shop.event(7, id="a"))
    [verdict] = ingest(shop.provider, [shop.event(8, id="a")], now=NOW)
    assert (verdict.outcome, verdict.code) == (Outcome.CONFLICT, "conflict")
    assert verdict.first is not None and verdict.first.data == {"value": 7}
    assert metering.quantity(shop.subscription, shop.calls, OCTOBER) == 7


def test_a_hundred_events_with_one_duplicate(session: Session, shop: Shop) -> None:
    events = [shop.event(1, id=str(n)) for n in range(99)]
    outcomes = [outcome for outcome, _ in shop.send(*events, events[50])]
    assert (outcomes.count("accepted"), outcomes[-1]) == (99, "duplicate")
    assert metering.quantity(shop.subscription, shop.calls, OCTOBER) == 99


def test_repeats_within_one_batch_are_judged_like_repeats_of_an_earlier_one(session: Session, shop: Shop) -> None:
    broken = shop.event("many", id="b")
    events = [shop.event(1, id="a"), shop.event(1, id="a"), shop.event(2, id="a"), broken, shop.event(3, id="b")]
    assert [outcome for outcome, _ in shop.send(*events)] == ["accepted", "duplicate", "conflict", "refused", "accepted"]


def test_a_batch_can_be_sent_again_whatever_happened_since(session: Session, shop: Shop) -> None:
    batch = [shop.event(1), shop.event(2)]
    shop.send(*batch)
    subscriptions.cancel(shop.subscription, when="now", reason="", by=an_actor(), at=NOW)
    later = NOW + timedelta(days=100)
    closed = {shop.subscription.organization_id: later}
    assert shop.send(*batch, now=later, closed=closed) == [("duplicate", ""), ("duplicate", "")]


def test_an_event_without_a_time_happened_now_and_can_be_repeated_later(session: Session, shop: Shop) -> None:
    event = shop.event(1, time=None)
    assert shop.send(event) == [("accepted", "")]
    assert shop.send(event, now=NOW + HOUR) == [("duplicate", "")]
    assert session.scalars(select(UsageEvent)).one().at == NOW


def test_a_dry_run_judges_and_stores_nothing(session: Session, shop: Shop) -> None:
    assert shop.send(shop.event(1), shop.event(-1), dry_run=True) == [("accepted", ""), ("refused", "negative")]
    assert stored(session) == 0
    assert session.scalars(metering.refused_of(shop.provider)).all() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": None}, "missing_attribute"),
        ({"id": ""}, "missing_attribute"),
        ({"source": None}, "missing_attribute"),
        ({"type": None}, "missing_attribute"),
        ({"subject": None}, "missing_attribute"),
        ({"specversion": None}, "missing_attribute"),
        ({"specversion": "0.3"}, "malformed"),
        ({"id": 5}, "malformed"),
        ({"subject": ["x"]}, "malformed"),
        ({"id": "x" * 256}, "too_long"),
        ({"id": "a\0b"}, "malformed"),
        ({"id": "\ud800"}, "malformed"),
        ({"source": "somebody/else"}, "wrong_source"),
        ({"type": "nobody.knows"}, "unknown_type"),
        ({"subject": "sub_nobody"}, "unknown_subscription"),
        ({"data": [1]}, "malformed"),
        ({"data": "5"}, "malformed"),
        ({"data": {"other": 1}}, "value_missing"),
        ({"data": {"value": None}}, "value_missing"),
        ({"data": None}, "value_missing"),
        ({"data": {"value": True}}, "not_a_number"),
        ({"data": {"value": "lots"}}, "not_a_number"),
        ({"data": {"value": "NaN"}}, "not_a_number"),
        ({"data": {"value": {"a": 1}}}, "not_a_number"),
        ({"data": {"value": "0.0000001"}}, "too_many_decimals"),
        ({"data": {"value": "-1"}}, "negative"),
        ({"data": {"value": 1_000_000_001}}, "too_large"),
        ({"data": {"value": "1e400"}}, "too_large"),
        ({"data": {"value": 1, "note": "x" * 70_000}}, "too_long"),
        ({"data": {"value": 1, "note": "\0"}}, "malformed"),
        ({"data_base64": "AAAA"}, "malformed"),
        ({"time": "yesterday"}, "malformed"),
        ({"time": "2026-02-30T00:00:00Z"}, "malformed"),
        ({"time": "2026-10-20T03:00:00"}, "malformed"),
        ({"time": "0001-01-01T00:00:00+08:00"}, "malformed"),
        ({"time": 1792468800}, "malformed"),
        ({"time": (NOW + timedelta(minutes=6)).isoformat()}, "future"),
        ({"time": "2026-09-30T15:59:59Z"}, "subscription_not_live"),
        ({"time": "2020-01-01T00:00:00Z"}, "expired"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_refused_with_a_reason(
    session: Session, shop: Shop, changes: dict[str, Any], code: str
) -> None:
    [verdict] = ingest(shop.provider, [shop.event(1) | changes], now=NOW)
    assert (verdict.outcome, verdict.code) == (Outcome.REFUSED, code)
    assert verdict.reason
    [kept] = session.scalars(metering.refused_of(shop.provider))
    assert (kept.code, kept.reason) == (code, verdict.reason)
    assert stored(session) == 0


@pytest.mark.parametrize("raw", [None, 5, "text", [], {}])
def test_what_is_no_event_at_all_is_refused(session: Session, shop: Shop, raw: Any) -> None:
    assert shop.send(raw)[0][0] == "refused"


def test_data_nested_too_deep_is_refused(session: Session, shop: Shop) -> None:
    nested: Any = 1
    for _ in range(9):
        nested = {"a": nested}
    assert shop.send(shop.event(1) | {"data": {"value": 1, "more": nested}}) == [("refused", "too_deep")]


def test_a_body_that_is_not_json_is_kept_as_refused(session: Session, shop: Shop) -> None:
    assert shop.send(BadEvent("not_json", "{oops")) == [("refused", "not_json")]
    assert session.scalars(metering.refused_of(shop.provider)).one().body == "{oops"


def test_use_from_before_a_meter_counts_once_the_meter_is_there(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR, created_at=NOW)
    event = an_event(shop.subscription, gauge, 3, at=NOW - 2 * HOUR)
    assert shop.send(event, now=NOW - HOUR) == [("refused", "unknown_type")]
    assert shop.send(event) == [("accepted", "")]
    assert metering.verify(shop.subscription) == []


def test_an_event_counts_for_the_meters_there_were_when_it_came_in(session: Session, shop: Shop) -> None:
    gauge = shop.meter(
        "level", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR, event_type=shop.calls.event_type, created_at=NOW
    )
    assert shop.send(shop.event(2), now=NOW - timedelta(minutes=1)) == [("accepted", "")]
    assert metering.quantity(shop.subscription, shop.calls, OCTOBER) == 2
    assert metering.quantity(shop.subscription, gauge, OCTOBER) == 0
    assert metering.verify(shop.subscription) == []


def test_another_providers_subscription_is_as_unknown_as_one_that_does_not_exist(session: Session, shop: Shop) -> None:
    stranger = a_subscription(a_plan(per_unit="1"))
    foreign = shop.event(1) | {"subject": stranger.public_id}
    unknown = shop.event(1) | {"subject": "sub_nobody"}
    assert [v.reason for v in ingest(shop.provider, [foreign], now=NOW)] == [
        v.reason for v in ingest(shop.provider, [unknown], now=NOW)
    ]


def test_two_providers_may_use_the_same_id(session: Session, shop: Shop) -> None:
    other = Shop()
    assert shop.send(shop.event(1, id="a")) == other.send(other.event(1, id="a")) == [("accepted", "")]


def test_a_subscription_that_is_being_set_up_counts_nothing(session: Session, shop: Shop) -> None:
    waiting = a_subscription(shop.subscription.plan, started_at=None)
    assert shop.send(shop.event(1) | {"subject": waiting.public_id}) == [("refused", "subscription_not_live")]


def test_use_before_the_end_is_still_taken_after_it_and_use_after_it_is_not(session: Session, shop: Shop) -> None:
    subscriptions.cancel(shop.subscription, when="now", reason="", by=an_actor(), at=NOW)
    before, after = shop.event(1, at=NOW - HOUR), shop.event(1, at=NOW + HOUR)
    assert shop.send(before, after, now=NOW + 2 * HOUR) == [("accepted", ""), ("refused", "subscription_not_live")]


@pytest.mark.parametrize(
    ("age_days", "closed_days_ago", "expected", "band"),
    [
        (0, None, "accepted", Band.ON_TIME),
        (10, None, "accepted", Band.LATE),
        (34, 5, "accepted", Band.VERY_LATE),
        (36, 5, "refused", None),
        (60, None, "accepted", Band.LATE),
    ],
)
def test_the_band_follows_the_bill_and_35_days(
    session: Session, shop: Shop, age_days: int, closed_days_ago: int | None, expected: str, band: Band | None
) -> None:
    now = datetime(2026, 12, 5, 4, 0, tzinfo=UTC)
    closed = {} if closed_days_ago is None else {shop.subscription.organization_id: now - timedelta(days=closed_days_ago)}
    event = shop.event(1, at=now - timedelta(days=age_days))
    [(outcome, code)] = shop.send(event, now=now, closed=closed)
    assert (outcome, code) == (expected, "" if expected == "accepted" else "expired")
    assert session.scalar(select(UsageEvent.band)) == band


def test_decimals_are_kept_to_the_last_digit(session: Session, shop: Shop) -> None:
    loaded = metering.load(json.dumps(shop.event(0)).encode().replace(b'"value": 0', b'"value": 123456789.123457'))
    assert shop.send(loaded) == [("accepted", "")]
    assert metering.quantity(shop.subscription, shop.calls, OCTOBER) == Decimal("123456789.123457")


def test_an_event_counts_for_every_meter_of_its_type(session: Session, shop: Shop) -> None:
    requests = shop.meter("requests", Aggregation.COUNT, event_type=shop.calls.event_type)
    largest = shop.meter("largest", Aggregation.MAX, event_type=shop.calls.event_type)
    shop.send(shop.event(3), shop.event(5), shop.event(4))
    figures = [metering.quantity(shop.subscription, meter, OCTOBER) for meter in (shop.calls, requests, largest)]
    assert figures == [12, 3, 5]
    assert metering.verify(shop.subscription) == []


def test_a_day_that_would_not_fit_its_counter_is_refused_and_the_rest_stays(session: Session, shop: Shop) -> None:
    full = [shop.event(1_000_000_000) for _ in range(1000)]
    assert {outcome for outcome, _ in shop.send(*full)} == {"accepted"}
    yesterday = shop.event(1, at=NOW - timedelta(days=1))
    assert shop.send(shop.event(1), yesterday) == [("refused", "too_large"), ("accepted", "")]
    assert metering.verify(shop.subscription) == []


def test_a_gauge_keeps_its_value_until_the_next_reading(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR, unit_size=1000)
    report(shop.subscription, gauge, "500", at=datetime(2026, 10, 2, 4, 0, 0, 900_000, tzinfo=UTC), recorded=NOW)
    report(shop.subscription, gauge, "1500", at=datetime(2026, 10, 4, 4, 0, tzinfo=UTC), recorded=NOW)
    expected = Decimal("0.5") * 48 + Decimal("1.5") * (28 * 24 - 12 + 0)
    assert metering.quantity(shop.subscription, gauge, OCTOBER) == expected
    november = OCTOBER.next()
    assert metering.quantity(shop.subscription, gauge, november) == Decimal("1.5") * 720
    assert metering.quantity(shop.subscription, gauge, november, until=november.start + 10 * HOUR) == 15


def test_a_reading_in_the_past_changes_its_day_and_those_after_it(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    midnight = OCTOBER.start + timedelta(days=9)
    report(shop.subscription, gauge, 10, at=midnight, recorded=NOW)
    report(shop.subscription, gauge, 20, at=midnight + timedelta(days=3), recorded=NOW)
    report(shop.subscription, gauge, 0, at=midnight + timedelta(days=1, hours=12), recorded=NOW)
    assert metering.quantity(shop.subscription, gauge, OCTOBER, until=midnight + timedelta(days=4)) == 10 * 36 + 20 * 24
    assert metering.verify(shop.subscription) == []


def test_a_gauge_stops_where_the_subscription_ends(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    report(shop.subscription, gauge, 10, at=NOW - 2 * HOUR)
    subscriptions.cancel(shop.subscription, when="now", reason="", by=an_actor(), at=NOW)
    assert metering.quantity(shop.subscription, gauge, OCTOBER) == 20
    assert metering.quantity(shop.subscription, gauge, OCTOBER.next()) == 0


def test_a_period_gauge_gives_the_mean_over_the_whole_month(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD)
    start = OCTOBER.start
    report(shop.subscription, gauge, 310, at=start + timedelta(days=10, hours=10), recorded=NOW)
    report(shop.subscription, gauge, 0, at=start + timedelta(days=11, hours=10), recorded=NOW)
    assert metering.quantity(shop.subscription, gauge, OCTOBER) == 10
    day = metering.daily(shop.subscription, gauge, OCTOBER)
    assert [amount for _, amount in day if amount] == [Decimal("180.833333"), Decimal("129.166667")]


def test_of_two_readings_in_one_second_the_later_one_holds(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    at = NOW - HOUR
    shop.send(*(an_event(shop.subscription, gauge, value, at=at) for value in (5, 7, 6)))
    assert metering.quantity(shop.subscription, gauge, OCTOBER, until=NOW) == 6


def test_the_refused_are_resolved_when_they_come_again_mended(session: Session, shop: Shop) -> None:
    shop.send(shop.event(-1, id="a"), shop.event(-1, id="b"))
    assert metering.unresolved_count(shop.provider, since=NOW) == 2
    shop.send(shop.event(1, id="a"))
    assert metering.unresolved_count(shop.provider, since=NOW) == 1
    assert [r.event_id for r in session.scalars(metering.refused_of(shop.provider, unresolved=True))] == ["b"]


def test_of_two_events_at_one_instant_the_later_one_is_the_latest(session: Session, shop: Shop) -> None:
    seats = shop.meter("seats", Aggregation.LATEST)
    at = NOW - HOUR
    shop.send(*(an_event(shop.subscription, seats, value, at=at) for value in (5, 7)))
    shop.send(an_event(shop.subscription, seats, 6, at=at))
    shop.send(an_event(shop.subscription, seats, 99, at=at - HOUR))
    assert metering.quantity(shop.subscription, seats, OCTOBER) == 6
    assert metering.quantity(shop.subscription, seats, OCTOBER.next()) == 0
    assert metering.verify(shop.subscription) == []


def test_a_value_that_comes_and_goes_counts_while_it_is_there(session: Session, shop: Shop) -> None:
    users = shop.meter("users", Aggregation.UNIQUE_COUNT)

    def seen(who: str, hours: int, **more: str) -> None:
        event = an_event(shop.subscription, users, at=NOW - hours * HOUR, data={"value": who} | more)
        assert shop.send(event) == [("accepted", "")]

    for who, hours in (("an", 60), ("bo", 60), ("an", 30), ("bo", 30)):
        seen(who, hours)
    assert metering.quantity(shop.subscription, users, OCTOBER) == 2
    seen("bo", 20, operation_type="remove")
    seen("nobody", 20, operation_type="remove")
    assert metering.quantity(shop.subscription, users, OCTOBER) == 1
    seen("bo", 10)
    assert metering.quantity(shop.subscription, users, OCTOBER) == 2
    assert metering.verify(shop.subscription) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"value": 1, "region": ["gz"]}, "label_invalid"),
        ({"value": 1, "region": "x" * 101}, "label_invalid"),
        ({"value": 1, "region": "\u0001" * 100, "size": "\u0001" * 100}, "label_invalid"),
        ({"value": 1, "region": {}}, "label_invalid"),
        ({"value": None, "region": "gz"}, "value_missing"),
        ({"value": "", "region": "gz"}, "value_missing"),
        ({"value": [1]}, "label_invalid"),
        ({"value": "a", "operation_type": "drop"}, "operation_unknown"),
        ({"value": "a", "operation_type": 1}, "operation_unknown"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(session: Session, shop: Shop, data: dict[str, Any], code: str) -> None:
    users = shop.meter("users", Aggregation.UNIQUE_COUNT, dimensions=["region", "size"])
    assert shop.send(an_event(shop.subscription, users, at=NOW - HOUR, data=data)) == [("refused", code)]


def test_slices_beyond_the_bound_are_refused_and_known_ones_go_on(session: Session, shop: Shop) -> None:
    calls = shop.meter("sliced", Aggregation.SUM, dimensions=["region"])

    def sent(*regions: int, at: datetime = NOW - HOUR) -> list[tuple[str, str]]:
        events = [an_event(shop.subscription, calls, at=at, data={"value": 1, "region": region}) for region in regions]
        return shop.send(*events)

    assert {outcome for outcome, _ in sent(*range(MOST_SLICES - 1))} == {"accepted"}
    assert sent(1000, 1001, 5, 1000) == [("accepted", ""), ("refused", "too_many_slices"), ("accepted", ""), ("accepted", "")]
    assert sent(1001, at=NOW - 25 * HOUR) == [("accepted", "")]
    assert metering.quantity(shop.subscription, calls, OCTOBER) == MOST_SLICES + 3
    assert metering.verify(shop.subscription) == []


def test_events_that_name_no_value_are_a_slice_of_their_own(session: Session, shop: Shop) -> None:
    calls = shop.meter("sliced", Aggregation.SUM, dimensions=["region"])
    report(shop.subscription, calls, 3, at=NOW - HOUR)
    report(shop.subscription, calls, 4, at=NOW - HOUR, region="gz")
    found = metering.grouped([shop.subscription.id], calls, OCTOBER, by=["region"])
    assert {group: amount for (_, group), amount in found.items()} == {(None,): 3, ("gz",): 4}
    assert metering.quantity(shop.subscription, calls, OCTOBER) == 7


def test_a_version_that_is_only_priced_otherwise_knows_what_was_used_so_far(session: Session, shop: Shop) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    report(shop.subscription, gauge, 10, at=NOW - 2 * HOUR)
    tens = replace(catalog.meaning_of(gauge), unit_size=10)
    second = catalog.change_meter(gauge, tens, name_zh=gauge.name_zh, name_en=gauge.name_en, by=an_actor(), at=NOW)
    report(shop.subscription, gauge, 20, at=NOW, recorded=NOW + HOUR)
    assert metering.quantity(shop.subscription, gauge, OCTOBER, until=NOW + HOUR) == 40
    assert metering.quantity(shop.subscription, second, OCTOBER, until=NOW + HOUR) == 4
    whole = metering.replay(shop.subscription, second, OCTOBER, stored_by=NOW + HOUR, whole=OCTOBER)
    assert whole == metering.quantity(shop.subscription, second, OCTOBER)
    assert metering.verify(shop.subscription) == []


def test_the_running_bill_reads_no_events(session: Session, shop: Shop, statements: list[str]) -> None:
    gauge = shop.meter("stored", Aggregation.TIME_WEIGHTED, time_base=TimeBase.HOUR)
    report(shop.subscription, gauge, 10, at=NOW - 2 * HOUR)
    statements.clear()
    assert metering.quantity(shop.subscription, gauge, OCTOBER, until=NOW) == 20
    assert not any("usage_events" in statement for statement in statements)
