"""The sample world: made once, finished after a start that was cut short, told to scripts before anyone can ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from market import accounts, audit, credentials, db, demo, resources
from market.billing import Bill
from market.catalog import seed
from market.config import ROOT, Settings
from market.credentials.authenticators import code_at
from market.demo import cast, desk, history
from market.metering import UsageEvent
from market.quality import ProblemReport, Requirement, Review
from market.recommended import Entry
from market.subscriptions import Subscription
from tests.support.clock import FakeClock
from tests.support.databases import Room, kind_of


@pytest.fixture
def installed(settings: Settings, clock: FakeClock, database: None) -> Settings:
    installed = replace(settings, demo=True, demo_months=1)
    resources.install(installed, with_clock=clock)
    return installed


def facts() -> dict[str, int]:
    with db.transaction(readonly=True):
        return {
            kind.__name__: db.session.scalar(select(func.count()).select_from(kind)) or 0
            for kind in (Subscription, UsageEvent, Bill, Entry, Review, ProblemReport, Requirement)
        }


def cut_short_after(days: int, clock: FakeClock) -> None:
    """What a first start leaves behind that is killed so many days into the history."""
    start = demo.keepsakes._catalogue_date(clock.now())
    with db.transaction():
        seed.load(ROOT / "catalog_seed", by=audit.system("seed"), at=start)
    with db.transaction():
        people = cast.gather(at=start)
    for _ in islice(history.live(people, now=clock.now()), days):
        pass


def a_sample_world() -> dict[str, int]:
    """A start that nothing disturbs; how much it makes."""
    demo.prepare(resources.settings)
    return facts()


@pytest.fixture
def prepared(installed: Settings, kept: Callable[[Callable[[], Any]], Any]) -> dict[str, int]:
    """The sample world is there."""
    return dict(kept(a_sample_world))


def test_a_second_start_changes_nothing(installed: Settings, prepared: dict[str, int]) -> None:
    before, told = facts(), (installed.data_dir / "demo.json").read_text()
    demo.prepare(installed)
    assert facts() == before == prepared and all(before.values())
    assert (installed.data_dir / "demo.json").read_text() == told


def test_everything_scripts_need_is_told_and_works(installed: Settings, prepared: dict[str, int]) -> None:
    told = json.loads((installed.data_dir / "demo.json").read_text())
    assert {"address", "sign_ins", "provider", "subscription"} <= set(told)
    assert {"sme", "provider", "administrator", "administrator_2"} <= set(told["sign_ins"])
    with db.transaction():
        for person in told["sign_ins"].values():
            known = accounts.user_by_email(person["email"])
            assert known is not None and accounts.passwords.verify(known.password_hash, person["password"])
        for key in ("administrator", "administrator_2"):
            person, now = told["sign_ins"][key], resources.clock.now()
            user, code = accounts.user_by_email(person["email"]), code_at(person["totp_secret"], now)
            assert user is not None and credentials.authenticators.verify(user, code, at=now)
        key = accounts.key_of_secret(told["provider"]["api_key"], at=datetime.now(UTC))
        assert key is not None and key.source == told["provider"]["source"]
    assert (installed.data_dir / "demo.json").stat().st_mode & 0o077 == 0


def test_a_first_start_that_was_killed_is_finished_by_the_next(
    installed: Settings, clock: FakeClock, prepared: dict[str, int], rooms: Callable[[str], Room], tmp_path: Path
) -> None:
    room = rooms(kind_of(installed.database_url))
    fresh = replace(installed, database_url=room.fresh(), data_dir=tmp_path / "fresh")
    fresh.data_dir.mkdir()
    resources.install(fresh, with_clock=clock)
    db.connect(fresh.database_url)
    cut_short_after(25, clock)
    assert not desk.filled()
    demo.prepare(fresh)
    assert facts() == prepared
    db.disconnect()
    room.drop(fresh.database_url)
