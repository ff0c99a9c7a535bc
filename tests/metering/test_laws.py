"""Laws of counting: whatever the order, the batches and the repeats, the counters are the same."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import db, metering
from market.catalog.models import Aggregation, Meter, TimeBase
from market.kit import period
from market.kit.quantity import round6
from market.metering import UsageCounter, UsageEvent
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import an_event, ingest
from tests.builders.subscriptions import a_subscription

OCTOBER = period.month("2026-10")
NOW = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
START = datetime(2026, 10, 2, 0, 0, tzinfo=UTC)
KINDS = {
    "sum": (Aggregation.SUM, TimeBase.NONE),
    "count": (Aggregation.COUNT, TimeBase.NONE),
    "max": (Aggregation.MAX, TimeBase.NONE),
    "gauge": (Aggregation.TIME_WEIGHTED, TimeBase.HOUR),
    "mean": (Aggregation.TIME_WEIGHTED, TimeBase.PERIOD),
}

#: (kind of meter, which of two subscriptions, tenth of a second since START, millionths)
Fact = tuple[str, int, int, int]
instants = st.integers(0, 29 * 24 * 3600 * 10 // 600).map(lambda n: n * 600 + n % 7)
facts = st.lists(
    st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 1), instants, st.integers(0, 10**9)),
    max_size=25, unique_by=lambda fact: (fact[0], fact[1], fact[2]),
)  # fmt: skip


class World:
    """A provider with a meter of each kind and two subscriptions."""

    def __init__(self) -> None:
        plan = a_plan(monthly="1.00")
        self.provider: Provider = plan.offering.provider
        self.meters: dict[str, Meter] = {
            kind: a_meter(self.provider, kind, aggregation=aggregation, time_base=base, unit_size=3)
            for kind, (aggregation, base) in KINDS.items()
        }
        self.subscriptions: list[Subscription] = [a_subscription(plan) for _ in range(2)]

    def event(self, number: int, fact: Fact) -> dict[str, Any]:
        kind, which, tenths, millionths = fact
        at = START + timedelta(milliseconds=100 * tenths)
        value = str(Decimal(millionths).scaleb(-6))
        return an_event(self.subscriptions[which], self.meters[kind], value, at=at, id=f"fact-{number}")

    def expected(self, kind: str, which: int, facts: list[Fact]) -> Decimal:
        """By the definition, in one line each."""
        mine = sorted((tenths, Fraction(value, 10**6)) for k, w, tenths, value in facts if (k, w) == (kind, which))
        values = [value for _, value in mine]
        if kind == "sum":
            return round6(sum(values, Fraction(0)) / 3)
        if kind == "count":
            return round6(Fraction(len(values), 3))
        if kind == "max":
            return round6(max(values, default=Fraction(0)) / 3)
        end = int((OCTOBER.end - START).total_seconds())
        seconds = [tenths // 10 for tenths, _ in mine] + [end]
        area = sum((value * (seconds[n + 1] - seconds[n]) for n, value in enumerate(values)), Fraction(0))
        return round6(area / 3 / (3600 if kind == "gauge" else int(OCTOBER.length.total_seconds())))


@given(facts=facts, seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_split_and_repetition_counts_the_same(session: Session, facts: list[Fact], seed: int) -> None:
    world, dice = World(), random.Random(seed)
    sent = [world.event(number, fact) for number, fact in enumerate(facts)]
    sent += dice.sample(sent, k=len(sent) // 2)
    dice.shuffle(sent)
    while sent:
        size = dice.randint(1, len(sent))
        batch, sent = sent[:size], sent[size:]
        verdicts = ingest(world.provider, batch, now=NOW)
        assert all(verdict.counted for verdict in verdicts)
    for which, subscription in enumerate(world.subscriptions):
        assert metering.verify(subscription) == []
        for kind, meter in world.meters.items():
            assert metering.quantity(subscription, meter, OCTOBER) == world.expected(kind, which, facts)


@given(facts=facts, cut=st.integers(1, 29))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_month_is_the_sum_of_its_parts_and_days(session: Session, facts: list[Fact], cut: int) -> None:
    world = World()
    ingest(world.provider, [world.event(number, fact) for number, fact in enumerate(facts)], now=NOW)
    middle = OCTOBER.start + timedelta(days=cut)
    parts = [period.Period(OCTOBER.start, middle), period.Period(middle, OCTOBER.end)]
    subscription = world.subscriptions[0]
    for kind in ("sum", "count", "gauge", "mean"):
        meter = world.meters[kind]
        whole = metering.quantity(subscription, meter, OCTOBER)
        assert abs(sum(metering.quantity(subscription, meter, part) for part in parts) - whole) <= Decimal("0.000001")
        if kind != "mean":
            days = metering.daily(subscription, meter, OCTOBER)
            assert len(days) == 31
            assert abs(sum(amount for _, amount in days) - whole) <= Decimal("0.000016")


def test_overlapping_batches_at_the_same_time_lose_and_double_nothing(database: None) -> None:
    with db.transaction():
        world = World()
        kinds = sorted(KINDS)
        facts: list[Fact] = [(kinds[n % 5], n % 2, n * 9000 + n % 13, n * 1000) for n in range(200)]
        events = [world.event(number, fact) for number, fact in enumerate(facts)]
    failures: list[BaseException] = []

    def post(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(6):
                batch = dice.sample(events, k=60)
                with db.transaction():
                    verdicts = ingest(db.session.get_one(Provider, world.provider.id), batch, now=NOW)
                    assert all(verdict.counted for verdict in verdicts)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=post, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    with db.transaction():
        ingest(db.session.get_one(Provider, world.provider.id), events, now=NOW)
        assert db.session.scalar(select(func.count()).select_from(UsageEvent)) == 200
        for which, subscription in enumerate(world.subscriptions):
            assert metering.verify(subscription) == []
            for kind, meter in world.meters.items():
                assert metering.quantity(subscription, meter, OCTOBER) == world.expected(kind, which, facts)


@pytest.mark.parametrize("column", ["sum", "count", "area", "closing"])
def test_verify_names_the_counter_that_is_wrong(session: Session, column: str) -> None:
    world = World()
    ingest(world.provider, [world.event(0, ("gauge", 0, 5, 7)), world.event(1, ("sum", 0, 5, 7))], now=NOW)
    counter = session.scalars(select(UsageCounter).order_by(UsageCounter.meter_id.desc())).first()
    assert counter is not None
    setattr(counter, column, Decimal(12345) if column != "count" else 77)
    session.flush()
    assert [difference.field for difference in metering.verify(world.subscriptions[0])] == [column]
