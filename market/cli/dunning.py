"""`market dunning`: reminders and suspensions for bills that are not paid, as the worker takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
from sqlalchemy import select

from market import db, resources
from market import dunning as steps
from market.billing import Bill
from market.cli.context import bar, database
from market.dunning import Turn, Wait
from market.kit import money, working_days
from market.kit.period import local_day


@click.group()
def dunning() -> None:
    """Reminders before and after a bill's last day, the last notice, suspension and going on."""


@dunning.command()
@click.option("--dry-run", is_flag=True, help="Print what would be done, and write nothing.")
def run(dry_run: bool) -> None:
    """Take every step that is due. Doing it twice is harmless; the worker does the same."""
    with database():
        now = resources.clock.now()
        with db.transaction(readonly=True):
            total = steps.candidate_count(now)
        with bar("bills", total=total) as seen:
            taken = _look(now, seen) if dry_run else steps.run(now, told=seen.update)
    click.echo(f"{total:,} bills looked at, {taken:,} steps {'would be ' if dry_run else ''}taken.")
    for year in (local_day(now).year, local_day(now).year + 1):
        if not working_days.is_announced(year):
            click.echo(f"Days off of {year} are not announced yet as far as is known here: weekends and statutory days count.")


def _look(now: datetime, seen: Any) -> int:
    taken = 0
    for ids in steps.candidates(now):
        with db.transaction(readonly=True):
            due = steps.turns(ids, now)
            bills = {bill.id: bill for bill in db.session.scalars(select(Bill).where(Bill.id.in_(ids)))}
            for id, turn in due.items():
                taken += len(turn.take)
                for line in _words(bills[id], turn, now):
                    seen.write(line)
        seen.update(len(ids))
    return taken


def _words(bill: Bill, turn: Turn, now: datetime) -> list[str]:
    waiting = steps.case_of(bill, now).wait
    lines = [f"{bill}: {planned.key}, ¥{money.text(bill.owed_fen)} owed" for planned in turn.take]
    lines += [f"{bill}: {planned.key} is left out, a later step is due" for planned in turn.overtaken]
    return lines or ([f"{bill}: waits ({waiting})"] if waiting in (Wait.HOLD, Wait.PAYING) else [])
