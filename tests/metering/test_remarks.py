"""Dated lines about late usage: the database counts, and not without end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import db, metering
from market.metering import Band
from market.providers import Provider
from tests.builders.accounts import EARLY
from tests.builders.billing import OCTOBER, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import an_event, ingest
from tests.builders.subscriptions import a_subscription

REACH = timedelta(days=35)


@pytest.fixture
def late(session: None) -> int:
    """Two events about the 18th of October and three about the 19th, a week late; one about September after its bill."""
    subscription = a_subscription(a_plan(per_unit="0.01"), started_at=EARLY)
    meter, seller = subscription.plan.charges[0].meter, db.session.get_one(Provider, subscription.provider_id)
    assert meter is not None
    # The last second and the first of days in Guangdong, which are other days in UTC.
    times = ["2026-10-18 00:00", "2026-10-18 23:59", "2026-10-19 00:00", "2026-10-19 07:00", "2026-10-19 23:59"]
    ingest(seller, [an_event(subscription, meter, 1, at=moment(time)) for time in times], now=moment("2026-11-02 15:00"))
    september = an_event(subscription, meter, 1, at=moment("2026-09-28 09:00"))
    ingest(seller, [september], now=moment("2026-10-20 15:00"), closed={subscription.organization_id: OCTOBER.start})
    return subscription.id


def test_days_are_those_of_guangdong(late: int) -> None:
    told = metering.remarks([late], OCTOBER, reach=REACH)
    assert [(each.day.isoformat(), each.number, each.more) for each in told] == [
        ("2026-10-19", 3, False), ("2026-10-18", 2, False), ("2026-09-28", 1, False),
    ]  # fmt: skip
    assert told[-1].band is Band.VERY_LATE
    assert len(metering.remarks([late], OCTOBER)) == 2


def test_a_flood_is_counted_from_its_latest_use_until_enough_is_counted(late: int) -> None:
    told = metering.remarks([late], OCTOBER, most=4)
    assert [(each.day.isoformat(), each.number, each.more) for each in told] == [("2026-10-19", 3, False), ("2026-10-18", 1, True)]
