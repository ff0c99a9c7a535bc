"""Multiplied usage is as good as reported usage: the counters say what the events say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from benchmarks import history
from benchmarks.databases import Database
from market import db, metering
from market.catalog import Aggregation
from market.config import Settings
from market.metering.models import EventIdentity, UsageEvent
from market.subscriptions import Subscription
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import ORDERED, a_subscription

_KINDS = (Aggregation.SUM, Aggregation.COUNT, Aggregation.MAX)


def indexes() -> set[str]:
    """What PostgreSQL says of every index, those of the partitions included; SQLite's stay as they are."""
    if not db.on_postgresql():
        return set()
    with db.transaction(readonly=True):
        return set(db.session.scalars(text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")))


@pytest.mark.usefixtures("database")
def test_copies_are_events_of_their_own_that_are_counted(settings: Settings) -> None:
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        meters = [a_meter(plan.offering.provider, kind.value, aggregation=kind) for kind in _KINDS]
        apart, other = a_subscription(plan), a_subscription(plan)
        for number in range(6):
            for meter in meters:
                for subscription in (apart, other):
                    report(subscription, meter, "2.5", at=ORDERED + timedelta(hours=5 * number + 1))
    name = "SQLite" if settings.sqlite else "PostgreSQL"
    before = indexes()
    history.multiply(Database(name, settings.database_url), apart.id, times=4, originals=36)
    assert indexes() == before
    with db.transaction(readonly=True):
        stored = {subscription: number for subscription, number in db.session.execute(
            select(UsageEvent.subscription_id, func.count()).group_by(UsageEvent.subscription_id)
        )}  # fmt: skip
        assert stored == {apart.id: 18, other.id: 72}
        events = {(row.id, row.at, row.stored_at) for row in db.session.scalars(select(UsageEvent))}
        identities = {(row.event, row.at, row.stored_at) for row in db.session.scalars(select(EventIdentity))}
        assert identities == events
        assert len(set(db.session.scalars(select(UsageEvent.event_id)))) == 90
        for subscription in (apart, other):
            assert metering.verify(db.session.get_one(Subscription, subscription.id)) == []
