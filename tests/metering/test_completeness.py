"""Heartbeats, and meters that fall silent."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from market import db
from market.accounts import Organization
from market.errors import Invalid
from market.kit.period import local_midnight
from market.metering import completeness
from market.metering.completeness import Silence
from market.metering.completeness.silences import is_silent, usual_pause
from market.notifications.models import Email
from market.subscriptions import Subscription
from tests.builders.accounts import a_member
from tests.builders.billing import moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription

MONDAY = date(2026, 10, 5)


@given(st.sets(st.integers(0, 27), max_size=28))
def test_whoever_goes_on_in_her_own_rhythm_is_never_silent(offsets: set[int]) -> None:
    days = [MONDAY + timedelta(days=n) for n in sorted(offsets)]
    pause = usual_pause(days)
    if pause is not None:
        due = days[-1] + timedelta(days=pause)
        assert not is_silent(days[-1], pause, local_midnight(due) + timedelta(days=1, hours=11))
        assert is_silent(days[-1], pause, local_midnight(due) + timedelta(days=1, hours=12))


@pytest.mark.parametrize(
    ("offsets", "pause"),
    [(range(28), 1), (range(6), None), ([0, 1, 2, 3, 4, 7, 8, 9], 3), ([0, 3, 6, 9, 12, 15, 18], 3), ([0, 1, 2, 3, 4, 5, 12], None)],
)
def test_the_rhythm_is_the_longest_usual_pause(offsets: list[int], pause: int | None) -> None:
    assert usual_pause([MONDAY + timedelta(days=n) for n in offsets]) == pause


def a_daily_one(until: int) -> Subscription:
    """Used every day of October until this one."""
    subscription = a_subscription(a_plan(per_unit="1.00"))
    for day in range(1, until + 1):
        meter = subscription.plan.charges[0].meter
        report(subscription, meter, "1", at=moment(f"2026-10-{day:02} 12:00"))
    return subscription


def told() -> list[str]:
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(Email.key).where(Email.key.startswith("meter_silent"))))


def test_a_silence_is_told_once_and_over_when_usage_returns(database: None, app: object) -> None:
    with db.transaction():
        subscription = a_daily_one(14)
        provider = subscription.plan.offering.provider
        a_member(provider_organization(subscription))
    assert completeness.watch(moment("2026-10-16 11:59")) == 0
    assert completeness.watch(moment("2026-10-16 12:00")) == 1
    assert completeness.watch(moment("2026-10-17 12:00")) == 0
    assert len(told()) == 1
    with db.transaction():
        assert [each.last_day for each in completeness.silences_of(provider)] == [date(2026, 10, 14)]
        report(subscription, subscription.plan.charges[0].meter, "1", at=moment("2026-10-18 09:00"))
    completeness.watch(moment("2026-10-18 10:00"))
    with db.transaction(readonly=True):
        assert not completeness.silences_in([subscription.id])
        assert db.session.scalars(select(Silence.ended_at)).one() == moment("2026-10-18 10:00")
    assert completeness.watch(moment("2026-10-18 11:00")) == 0


def provider_organization(subscription: Subscription) -> Organization:
    return db.session.get_one(Organization, subscription.plan.offering.provider.organization_id)


@pytest.mark.usefixtures("session")
def test_usage_is_complete_until_the_slowest_source_says_so() -> None:
    provider, now = a_plan().offering.provider, moment("2026-10-20 12:00")

    def beat(source: str, hour: int, type: str = "") -> datetime:
        return completeness.beat(provider, source, until=moment(f"2026-10-20 {hour:02}:00"), type=type, now=now).complete_until

    assert completeness.complete_until({(provider.id, "calls")}) == {}
    assert beat("/a", 10) == moment("2026-10-20 10:00")
    assert beat("/a", 8) == moment("2026-10-20 10:00")
    beat("/b", 9, "calls")
    until = completeness.complete_until({(provider.id, "calls"), (provider.id, "storage")})
    assert until == {(provider.id, "calls"): moment("2026-10-20 09:00"), (provider.id, "storage"): moment("2026-10-20 10:00")}
    with pytest.raises(Invalid):
        beat("/a", 13)
