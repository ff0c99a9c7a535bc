"""`market usage verify`: what it finds, what it names, and how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select, update

from market import db
from market.catalog import Meter
from market.cli import main
from market.config import Settings
from market.metering.models import EventIdentity, UsageCounter, UsageEvent
from market.subscriptions import Subscription
from tests.builders.billing import moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription


@dataclass(frozen=True)
class Shop:
    """Two subscriptions with usage in two months, in a database that the commands use."""

    runner: CliRunner
    name: str
    other: str

    def run(self, *arguments: str) -> tuple[int, str]:
        result = self.runner.invoke(main, ["usage", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout

    def named(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        code, said = self.run("verify", "--json", *arguments)
        found = json.loads(said)
        assert found["differences"] == len(found["named"])
        return code, found["named"]


@pytest.fixture
def shop(database: None, settings: Settings) -> Shop:
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        first, second = a_subscription(plan), a_subscription(plan)
        for subscription in (first, second):
            for day in ("2026-10-05 10:00", "2026-10-05 11:00", "2026-11-02 09:00"):
                report(subscription, plan.charges[0].meter, 3, at=moment(day))
    env = {
        "DATABASE_URL": settings.database_url, "MARKET_DATA_DIR": str(settings.data_dir), "MARKET_SECRET_KEY": settings.secret_key,
    }  # fmt: skip
    return Shop(CliRunner(env=env), first.public_id, second.public_id)


def test_everything_agrees(shop: Shop) -> None:
    code, said = shop.run("verify")
    assert (code, said) == (0, "Looked at 2 subscriptions, 6 events. Everything agrees.\n")


def test_a_wrong_counter_is_named_with_what_its_events_say(shop: Shop) -> None:
    with db.transaction():
        first = select(Subscription.id).where(Subscription.public_id == shop.name).scalar_subquery()
        wrong = update(UsageCounter).where(UsageCounter.subscription_id == first, UsageCounter.day == date(2026, 10, 5))
        db.session.execute(wrong.values(sum=Decimal(7)))
        slug = db.session.scalars(select(Meter.slug)).first()
    code, [found] = shop.named()
    assert code == 1
    assert (found["subscription"], found["meter"], found["day"]) == (shop.name, slug, "2026-10-05")
    assert (found["field"], found["counted"], found["expected"]) == ("sum", "7", "6")
    assert shop.named("--subscription", shop.other) == (0, [])
    assert "the events say 6" in shop.run("verify", "--subscription", shop.name)[1]


def test_events_and_identities_are_matched_both_ways(shop: Shop) -> None:
    with db.transaction():
        first, second, third, *_ = db.session.scalars(select(UsageEvent).order_by(UsageEvent.id))
        db.session.execute(delete(EventIdentity).where(EventIdentity.event == first.id))
        db.session.execute(delete(UsageEvent).where(UsageEvent.id == second.id))
        db.session.execute(update(EventIdentity).where(EventIdentity.event == third.id).values(stored_at=moment("2026-12-01 00:00")))
    _code, found = shop.named()
    assert {(each["what"], each["event"]) for each in found if "what" in each} == {
        ("event without identity", first.id), ("identity without event", second.id), ("identity names another time", third.id),
    }  # fmt: skip
    assert {each["field"] for each in found if "field" in each} == {"count", "sum"}


def test_an_event_of_nobody_is_named(shop: Shop) -> None:
    with db.transaction():
        db.session.execute(update(UsageEvent).values(subscription_id=UsageEvent.subscription_id + 1000))
    code, found = shop.named()
    assert code == 1
    assert "event of a subscription that does not exist" in {each.get("what") for each in found}


def test_a_subscription_that_is_not_there_is_said_in_words(shop: Shop) -> None:
    result = shop.runner.invoke(main, ["usage", "verify", "--subscription", "sub_none"])
    assert (result.exit_code, result.stderr) == (1, "Error: There is no subscription sub_none.\n")
