"""The letter before a trial ends by itself."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from market import db, notifications, subscriptions
from market.notifications import Email
from tests.builders.accounts import an_actor
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import ORDERED, a_subscription


def letters() -> list[Email]:
    with db.transaction(readonly=True):
        return [*db.session.scalars(select(Email).where(Email.key.like("trial_ending%")))]


def test_it_is_written_once_three_days_before(database):
    with db.transaction():
        trial = a_subscription(a_plan(monthly="9.00", trial_days=14))
        ends = trial.cancel_at
    notifications.remind_of_trials(ends - timedelta(days=3, seconds=1))
    assert not letters()
    for _ in range(2):
        notifications.remind_of_trials(ends - timedelta(days=3))
    (letter,) = letters()
    assert "2026年10月15日" in letter.body


def test_who_goes_on_gets_none(database):
    with db.transaction():
        trial = a_subscription(a_plan(monthly="9.00", trial_days=14))
        ends = trial.cancel_at
        subscriptions.convert(trial, by=an_actor(), at=ORDERED)
    notifications.remind_of_trials(ends - timedelta(days=1))
    assert not letters()
