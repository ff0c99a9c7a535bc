"""`market bill verify`: every issued bill worked out again from its events, and any difference by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click
from sqlalchemy import or_, select

from market import billing, db
from market.accounts import Organization
from market.billing import BillDifference, Checked
from market.cli.context import database, progress

#: An organization's number, where that and not a code or name is given.
_LONGEST_NUMBER = 12


@dataclass
class Outcome:
    """What has been gone through so far."""

    bills: int = 0
    lines: int = 0
    differing: int = 0
    unread: int = 0

    def add(self, checked: Checked) -> None:
        """One more bill."""
        self.bills += 1
        self.lines += len(checked.bill.lines)
        self.differing += bool(checked.differences)
        self.unread += len(checked.unread)


@click.command()
@click.option("--organization", "wanted", metavar="NAME", help="Only this firm's: its number, credit code or name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: every difference, and at the end the counts.")
def verify(wanted: str | None, as_json: bool) -> None:
    """Work every issued bill out again, as it was known when it was issued, and name whatever differs.

    The quantity of each line is counted once more from the events, its amount from the stored terms, tax and totals
    from the lines. Nothing is written. Ends with status 1 when anything differs.
    """
    with database():
        organization = _organization(wanted)
        outcome = Outcome()
        for checked in progress(billing.check_all(organization), "bills", total=billing.checkable(organization)):
            outcome.add(checked)
            for line in _told(checked, as_json):
                click.echo(line)
    click.echo(_summary(outcome, as_json))
    sys.exit(1 if outcome.differing else 0)


def _organization(wanted: str | None) -> Organization | None:
    if wanted is None:
        return None
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= _LONGEST_NUMBER else None
    query = select(Organization).where(or_(Organization.id == number, Organization.uscc == wanted, Organization.name == wanted))
    with db.transaction(readonly=True):
        found = db.session.scalars(query.limit(2)).all()
        db.session.expunge_all()
    if len(found) != 1:
        raise click.ClickException(f"There is no firm {wanted!r}." if not found else f"Several firms are called {wanted!r}: give the number.")
    return found[0]


def _told(checked: Checked, as_json: bool) -> Iterator[str]:
    for each in checked.differences:
        if as_json:
            yield json.dumps({"record": "difference", **_facts(checked, each)}, ensure_ascii=False)
        else:
            place = f"line {each.line.position} ({_charge(each)})" if each.line else "the whole bill"
            yield f"{checked.bill.number}, {place}: {each.field} is {each.billed}, worked out again {each.expected}"


def _facts(checked: Checked, each: BillDifference) -> dict[str, object]:
    return {
        "bill": checked.bill.number,
        "organization": checked.bill.organization_id,
        "line": each.line.position if each.line else None,
        "charge": _charge(each),
        "field": each.field,
        "billed": str(each.billed),
        "expected": str(each.expected),
    }


def _charge(each: BillDifference) -> str | None:
    return each.line.label["charge_zh"] if each.line else None


def _summary(outcome: Outcome, as_json: bool) -> str:
    if as_json:
        counts = {"bills": outcome.bills, "lines": outcome.lines, "differing": outcome.differing, "unread": outcome.unread}
        return json.dumps({"record": "end", **counts})
    said = f"{outcome.bills:,} bills with {outcome.lines:,} lines: "
    said += f"{outcome.differing:,} do not agree." if outcome.differing else "all agree to the fen."
    if outcome.unread:
        said += f" Of {outcome.unread:,} lines the events are archived: their amounts were worked out from the stored quantity."
    return said
