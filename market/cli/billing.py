"""`market bill`: month close from the shell."""

from __future__ import annotations

import click

from market import billing, resources
from market.cli.bill_verify import verify
from market.cli.context import database


@click.group()
def bill() -> None:
    """Bills."""


@bill.command()
def close() -> None:
    """Draw up and issue every bill that is due. Running it twice is harmless."""
    with database():
        report = billing.close_due(resources.clock.now())
    click.echo(str(report))


bill.add_command(verify)
