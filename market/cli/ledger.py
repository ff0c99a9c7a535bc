"""`market ledger`: the double-entry books, made complete and checked."""

from __future__ import annotations

import json
import sys

import click

from market import db, resources
from market import ledger as books
from market.cli.context import bar, database
from market.kit import money
from market.ledger import LedgerDifference


@click.group()
def ledger() -> None:
    """The books: what bills, payments, credits, balances and refunds move."""


@ledger.command()
def post() -> None:
    """Post what is not in the books, such as what happened before there were any. Doing it twice is harmless."""
    with database(), bar("posting") as seen:
        posted = books.post_due(resources.clock.now(), told=seen.update)
    click.echo(f"{posted:,} facts were posted." if posted else "The books are complete.")


@ledger.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: every difference, and at the end the counts.")
def verify(as_json: bool) -> None:
    """Work every fact out again and add up every account; name whatever differs from bills, payments, credits, balances.

    Nothing is written. Ends with status 1 when anything differs.
    """
    differing = 0
    with database(), db.snapshot():
        total = books.checks()
        with bar("books", total=total) as seen:
            for each in books.verify(told=seen.update):
                differing += 1
                click.echo(json.dumps(_facts(each), ensure_ascii=False) if as_json else _words(each))
        totals = books.totals()
    debits, credits = sum(each.debit_fen for each in totals), sum(each.credit_fen for each in totals)
    if as_json:
        click.echo(json.dumps({"record": "end", "checked": total, "differing": differing, "debits": debits, "credits": credits}))
    else:
        said = f"{differing:,} do not agree." if differing else "the books agree to the fen."
        click.echo(f"{total:,} facts and bills, ¥{money.text(debits)} on either side: {said}")
    sys.exit(1 if differing else 0)


def _facts(each: LedgerDifference) -> dict[str, object]:
    return {"record": "difference", "about": each.about, "field": each.field, "ledger": each.ledger, "expected": each.expected}


def _words(each: LedgerDifference) -> str:
    return f"{each.about}: {each.field} is {each.ledger} in the books, and should be {each.expected}"
