"""`market audit verify`: what it says, to people and programs, and how it exits."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from market import audit, db
from market.cli import main
from market.config import Settings
from tests.builders.accounts import an_organization
from tests.support.tampering import tamper

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture
def trail(database: None) -> None:
    with db.transaction():
        for number in range(3):
            audit.record("organization.added", an_organization(), by=audit.system("test"), at=NOON, reason=f"{number}")
    audit.publish_head(NOON)


def verify(settings: Settings, *arguments: str) -> Result:
    environment = {"MARKET_DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url}
    return CliRunner().invoke(main, ["audit", "verify", *arguments], env=environment)


def test_a_whole_trail_is_told_with_its_head(trail: None, settings: Settings) -> None:
    told = verify(settings)
    assert told.exit_code == 0 and "3 rows are as they were sealed. Head: 3:" in told.output
    assert "1 published heads agree" in told.output
    report = json.loads(verify(settings, "--json").stdout)
    assert (report["whole"], report["rows"], report["heads"], report["broken"]) == (True, 3, 1, None)
    assert verify(settings, "--head", f"3:{report['hash']}").exit_code == 0


def test_a_break_is_named_and_fails(trail: None, settings: Settings) -> None:
    tamper(settings.database_url, "UPDATE audit_events SET reason = 'X' WHERE id = 2")
    told = verify(settings)
    assert told.exit_code == 1 and "BROKEN at row 2 (no. 2): changed." in told.output and "1 rows before it" in told.output
    told = verify(settings, "--json")
    assert told.exit_code == 1 and json.loads(told.stdout)["broken"]["event_id"] == 2


def test_a_head_given_by_hand_that_disagrees_fails(trail: None, settings: Settings) -> None:
    assert verify(settings, "--head", "2:" + "a" * 64).exit_code == 1
    assert verify(settings, "--head", "9:" + "a" * 64).exit_code == 1
    told = verify(settings, "--head", "nonsense")
    assert told.exit_code == 2 and "64 hex digits" in told.output
