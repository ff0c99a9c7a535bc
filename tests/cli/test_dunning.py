"""`market dunning run`: what would happen, and the same done."""

from __future__ import annotations

from market import db
from market.config import Settings
from tests.builders.dunning import an_unpaid_bill, keys
from tests.cli.test_people import run


def test_a_dry_run_names_the_steps_and_writes_nothing(database: object, settings: Settings) -> None:
    with db.transaction():
        bill = an_unpaid_bill()
    told = run(settings, "dunning", "run", "--dry-run").output
    assert f"{bill.number}: charge." in told and "would be taken" in told
    with db.transaction(readonly=True):
        assert keys(bill) == []
    assert "steps taken" in run(settings, "dunning", "run").output
    with db.transaction(readonly=True):
        assert keys(bill)
