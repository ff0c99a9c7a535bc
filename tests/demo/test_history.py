"""Past months that are older than what they use."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from market import audit, db, demo, metering, resources
from market.accounts import Role
from market.catalog import seed
from market.config import ROOT, Settings
from market.demo import cast, opinions
from market.metering import RefusedEvent, UsageEvent
from market.subscriptions import Subscription
from tests.support.clock import FakeClock


def test_a_catalogue_that_was_loaded_before_the_history_still_counts_it(
    settings: Settings, clock: FakeClock, database: None
) -> None:
    installed = replace(settings, demo=True, demo_months=1)
    resources.install(installed, with_clock=clock)
    with db.transaction():
        seed.load(ROOT / "catalog_seed", by=audit.system("seed"), at=clock.now())
    demo.prepare(installed)
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count()).select_from(UsageEvent))
        assert db.session.scalar(select(func.count()).select_from(RefusedEvent)) == 0
        for subscription in db.session.scalars(select(Subscription)):
            assert metering.verify(subscription) == []


def test_every_reply_that_is_written_down_has_somebody_to_give_it() -> None:
    sellers = {person.firm for person in cast.PEOPLE if person.role is Role.OWNER}
    replied = {said.offering for said in opinions.REVIEWS if said.reply}
    sold = {path.stem for firm in sellers for path in (ROOT / "catalog_seed" / "providers" / firm).glob("*.toml")}
    assert replied and replied <= sold
