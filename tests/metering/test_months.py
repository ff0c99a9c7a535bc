"""Months as partitions: made before they are needed, late ones too, and read one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from market import db, metering
from market.catalog import Meter
from market.kit.period import days
from market.metering import Looked, UsageEvent, months
from market.subscriptions import Subscription
from tests.builders.billing import NOVEMBER, OCTOBER, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.conftest import DATABASES
from tests.support.together import together

NOW = moment("2026-11-20 10:00")
postgresql = pytest.mark.parametrize("database_url", [kind for kind in DATABASES if kind != "sqlite"] or ["sqlite"], indirect=True)


@pytest.fixture
def used(database: None) -> Subscription:
    """Usage in two months, stored before either was prepared."""
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        subscription = a_subscription(plan)
        for at in ("2026-10-01 10:00", "2026-10-31 23:59", "2026-11-01 00:00", "2026-11-19 12:00"):
            report(subscription, plan.charges[0].meter, 3, at=moment(at))
    return subscription


def rows() -> dict[str, int]:
    with db.transaction(readonly=True):
        query = text("SELECT tableoid::regclass::text AS part, count(*) FROM usage_events GROUP BY 1")
        return {part: number for part, number in db.session.execute(query)}


@postgresql
def test_months_are_prepared_and_what_came_too_early_moves(used: Subscription) -> None:
    if db.engine().dialect.name == "sqlite":
        assert months.prepare(NOW) == 0
        return
    assert rows() == {"usage_events_default": 4}
    assert months.prepare(NOW) == 4
    assert rows() == {"usage_events_2026_10": 2, "usage_events_2026_11": 2}
    assert months.prepare(NOW) == 0
    with db.transaction():
        assert months.exists(months.month_of(NOW + timedelta(days=62)))
        report(used, db.session.scalars(select(Meter)).one(), 1, at=moment("2026-11-20 09:00"), recorded=NOW)
    assert rows()["usage_events_2026_11"] == 3
    assert list(metering.inspect(Looked(), lambda *_: None)) == []


@postgresql
def test_workers_that_prepare_at_once_take_turns_while_usage_comes_in(used: Subscription) -> None:
    def use(number: int) -> object:
        [meter] = db.session.scalars(select(Meter))
        return report(used, meter, 1, at=NOW - timedelta(minutes=number), recorded=NOW)

    def prepare() -> object:
        db.session.remove()
        return months.prepare(NOW)

    found = together(prepare, lambda: use(1), prepare, lambda: use(2), lambda: use(3))
    assert not [each for each in found if isinstance(each, Exception)], found
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count()).select_from(UsageEvent)) == 7
    assert list(metering.inspect(Looked(), lambda *_: None)) == []


@postgresql
def test_a_day_of_a_subscription_reads_the_months_it_lies_in(used: Subscription) -> None:
    if db.engine().dialect.name == "sqlite":
        return
    months.prepare(NOW)
    span = days(NOVEMBER.first_day, NOVEMBER.first_day)
    with db.transaction(readonly=True):
        query = select(UsageEvent.id).where(
            UsageEvent.subscription_id == used.id, UsageEvent.type == "x", UsageEvent.at >= span.start, UsageEvent.at < span.end
        )
        compiled = query.compile(db.engine(), compile_kwargs={"literal_binds": True})
        plan = "\n".join(db.session.scalars(text(f"EXPLAIN {compiled}")))
    assert "usage_events_2026_11" in plan
    assert "usage_events_2026_10" not in plan and "default" not in plan, plan
    assert OCTOBER.end == NOVEMBER.start
