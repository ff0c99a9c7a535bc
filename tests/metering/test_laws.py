"""Laws of counting: whatever the order, the batches and the repeats, the counters are the same."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from market import db, metering
from market.catalog.models import Aggregation, Filter, Meter, TimeBase
from market.kit import period
from market.kit.quantity import round6
from market.metering import UsageCounter, UsageEvent, UsageValue
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import an_event, ingest
from tests.builders.subscriptions import a_subscription

OCTOBER = period.month("2026-10")
NOW = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
START = datetime(2026, 10, 2, 0, 0, tzinfo=UTC)
KINDS: dict[str, tuple[Aggregation, TimeBase, list[str]]] = {
    "sum": (Aggregation.SUM, TimeBase.NONE, []),
    "count": (Aggregation.COUNT, TimeBase.NONE, []),
    "max": (Aggregation.MAX, TimeBase.NONE, []),
    "latest": (Aggregation.LATEST, TimeBase.NONE, []),
    "unique": (Aggregation.UNIQUE_COUNT, TimeBase.NONE, []),
    "gauge": (Aggregation.TIME_WEIGHTED, TimeBase.HOUR, []),
    "mean": (Aggregation.TIME_WEIGHTED, TimeBase.PERIOD, []),
    "sliced sum": (Aggregation.SUM, TimeBase.NONE, ["region"]),
    "sliced max": (Aggregation.MAX, TimeBase.NONE, ["region"]),
    "sliced latest": (Aggregation.LATEST, TimeBase.NONE, ["region", "size"]),
    "sliced unique": (Aggregation.UNIQUE_COUNT, TimeBase.NONE, ["region"]),
    "sliced gauge": (Aggregation.TIME_WEIGHTED, TimeBase.HOUR, ["region"]),
}
REGIONS = ("gz", "sz", None)
GUANGZHOU = Filter("region", ("gz",))


class Fact(NamedTuple):
    """Something that happened."""

    kind: str
    #: Which of two subscriptions.
    which: int
    #: Tenths of a second since START.
    tenths: int
    millionths: int

    @property
    def region(self) -> str | None:
        """Where."""
        return REGIONS[self.millionths % 3]

    @property
    def who(self) -> str:
        """What a unique count tells apart."""
        return f"user-{self.millionths % 5}"

    @property
    def gone(self) -> bool:
        """Whether it says that the user is no longer there."""
        return self.millionths % 4 == 0


instants = st.integers(0, 29 * 24 * 3600 * 10 // 600).map(lambda n: n * 600 + n % 7)
facts = st.lists(
    st.builds(Fact, st.sampled_from(sorted(KINDS)), st.integers(0, 1), instants, st.integers(0, 10**9)),
    max_size=30, unique_by=lambda fact: (fact.kind, fact.which, fact.tenths),
)  # fmt: skip


class World:
    """A provider with a meter of each kind and two subscriptions."""

    def __init__(self) -> None:
        plan = a_plan(monthly="1.00")
        self.provider: Provider = plan.offering.provider
        self.meters: dict[str, Meter] = {
            kind: a_meter(
                self.provider, kind.replace(" ", "-"), aggregation=aggregation, time_base=base, dimensions=dimensions, unit_size=3
            )
            for kind, (aggregation, base, dimensions) in KINDS.items()
        }
        self.subscriptions: list[Subscription] = [a_subscription(plan) for _ in range(2)]

    def event(self, number: int, fact: Fact) -> dict[str, Any]:
        at = START + timedelta(milliseconds=100 * fact.tenths)
        value = fact.who if KINDS[fact.kind][0] is Aggregation.UNIQUE_COUNT else str(Decimal(fact.millionths).scaleb(-6))
        data = {"value": value, "region": fact.region, "size": fact.which} | ({"operation_type": "remove"} if fact.gone else {})
        return an_event(self.subscriptions[fact.which], self.meters[fact.kind], at=at, id=f"fact-{number}", data=data)

    def expected(self, kind: str, which: int, facts: Sequence[Fact]) -> Decimal:
        """By the definition, in a line or two each."""
        aggregation, base, dimensions = KINDS[kind]
        mine = sorted((fact for fact in facts if (fact.kind, fact.which) == (kind, which)), key=lambda fact: fact.tenths)
        numbers = [Fraction(fact.millionths, 10**6) for fact in mine]
        slices = [[f for f in mine if f.region == region] for region in REGIONS] if dimensions else [mine]
        match aggregation:
            case Aggregation.SUM:
                amount = sum(numbers, Fraction(0))
            case Aggregation.COUNT:
                amount = Fraction(len(mine))
            case Aggregation.MAX:
                amount = max(numbers, default=Fraction(0))
            case Aggregation.LATEST:
                amount = sum((Fraction(part[-1].millionths, 10**6) for part in slices if part), Fraction(0))
            case Aggregation.UNIQUE_COUNT:
                last = [{fact.who: fact for fact in part}.values() for part in slices]
                amount = Fraction(len({fact.who for part in last for fact in part if not fact.gone}))
            case Aggregation.TIME_WEIGHTED:
                amount = sum((self._area(part) for part in slices), Fraction(0))
        per = {TimeBase.NONE: 1, TimeBase.HOUR: 3600, TimeBase.PERIOD: int(OCTOBER.length.total_seconds())}
        return round6(amount / 3 / per[base])

    @staticmethod
    def _area(part: list[Fact]) -> Fraction:
        end = int((OCTOBER.end - START).total_seconds())
        seconds = [fact.tenths // 10 for fact in part] + [end]
        held = [later - sooner for sooner, later in pairwise(seconds)]
        return sum((Fraction(fact.millionths, 10**6) * time for fact, time in zip(part, held, strict=True)), Fraction(0))

    def check(self, facts: Sequence[Fact]) -> None:
        """That counters, quantities and replays say what happened."""
        there = [fact for fact in facts if fact.region == "gz"]
        ids = [subscription.id for subscription in self.subscriptions]
        counted, part = metering.quantities(ids, OCTOBER), metering.quantities(ids, OCTOBER, only=GUANGZHOU)
        told = {(fact.kind, fact.which) for fact in facts}
        for which, subscription in enumerate(self.subscriptions):
            assert metering.verify(subscription) == []
            for kind, meter in self.meters.items():
                expected = self.expected(kind, which, facts)
                assert counted.get((subscription.id, meter.id), 0) == expected, kind
                if (kind, which) in told:
                    replayed = metering.replay(subscription, meter, OCTOBER, stored_by=NOW, whole=OCTOBER)
                    assert replayed == expected, kind
                if meter.dimensions:
                    expected = self.expected(kind, which, there)
                    assert part.get((subscription.id, meter.id), 0) == expected, kind
                    if (kind, which) in told:
                        self._check_slice(subscription, meter, expected)

    @staticmethod
    def _check_slice(subscription: Subscription, meter: Meter, expected: Decimal) -> None:
        replayed = metering.replay(subscription, meter, OCTOBER, stored_by=NOW, whole=OCTOBER, only=GUANGZHOU)
        groups = metering.grouped([subscription.id], meter, OCTOBER, by=["region"])
        assert replayed == groups.get((subscription.id, ("gz",)), 0) == expected, meter.slug


@given(facts=facts, seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_split_and_repetition_counts_the_same(session: Session, facts: list[Fact], seed: int) -> None:
    counts_the_same(facts, seed)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@given(facts=facts, seed=st.integers(0, 10**6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hundreds_of_orders_splits_and_repetitions_count_the_same(session: Session, facts: list[Fact], seed: int) -> None:
    counts_the_same(facts, seed)


def counts_the_same(facts: list[Fact], seed: int) -> None:
    world, dice = World(), random.Random(seed)
    sent = [world.event(number, fact) for number, fact in enumerate(facts)]
    sent += dice.sample(sent, k=len(sent) // 2)
    dice.shuffle(sent)
    while sent:
        size = dice.randint(1, len(sent))
        batch, sent = sent[:size], sent[size:]
        verdicts = ingest(world.provider, batch, now=NOW)
        assert all(verdict.counted for verdict in verdicts)
    world.check(facts)


@given(facts=facts, seed=st.integers(0, 10**6))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_days_worked_out_anew_say_what_they_said(session: Session, facts: list[Fact], seed: int) -> None:
    world = World()
    ingest(world.provider, [world.event(number, fact) for number, fact in enumerate(facts)], now=NOW)
    keys = session.execute(select(UsageCounter.subscription_id, UsageCounter.meter_id, UsageCounter.day)).all()
    session.execute(update(UsageCounter).values(count=99, sum=Decimal(99), max=Decimal(99), area=Decimal(99)))
    session.execute(delete(UsageValue))
    metering.rework(tuple(key) for key in keys)
    world.check(facts)


@given(facts=facts, cut=st.integers(1, 29))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_month_is_the_sum_of_its_parts_and_days(session: Session, facts: list[Fact], cut: int) -> None:
    world = World()
    ingest(world.provider, [world.event(number, fact) for number, fact in enumerate(facts)], now=NOW)
    middle = OCTOBER.start + timedelta(days=cut)
    parts = [period.Period(OCTOBER.start, middle), period.Period(middle, OCTOBER.end)]
    subscription = world.subscriptions[0]
    month, days = metering.quantities([subscription.id], OCTOBER), metering.courses([subscription.id], OCTOBER)
    halves = [metering.quantities([subscription.id], part) for part in parts]
    for meter in world.meters.values():
        key = subscription.id, meter.id
        whole, course = month.get(key, Decimal(0)), days.get(key, [])
        assert [each.to_date for each in course[-1:]] == ([whole] if course else [])
        if meter.aggregation in (Aggregation.SUM, Aggregation.COUNT, Aggregation.TIME_WEIGHTED):
            assert abs(sum(half.get(key, Decimal(0)) for half in halves) - whole) <= Decimal("0.000001")
            if meter.time_base is TimeBase.PERIOD:
                continue
            assert abs(sum(each.quantity for each in course) - whole) <= Decimal("0.000016")


def test_overlapping_batches_at_the_same_time_lose_and_double_nothing(database: None) -> None:
    with db.transaction():
        world = World()
        kinds = sorted(KINDS)
        facts = [Fact(kinds[n % len(kinds)], n % 2, n * 9000 + n % 13, n * 1001) for n in range(200)]
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
        world.check(facts)


@pytest.mark.parametrize("column", ["sum", "count", "area", "closing"])
def test_verify_names_the_counter_that_is_wrong(session: Session, column: str) -> None:
    world = World()
    ingest(world.provider, [world.event(0, Fact("gauge", 0, 5, 7)), world.event(1, Fact("sum", 0, 5, 7))], now=NOW)
    counter = session.scalars(select(UsageCounter).order_by(UsageCounter.meter_id.desc())).first()
    assert counter is not None
    setattr(counter, column, Decimal(12345) if column != "count" else 77)
    session.flush()
    assert [difference.field for difference in metering.verify(world.subscriptions[0])] == [column]
