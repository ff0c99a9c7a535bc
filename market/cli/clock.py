"""`market clock`: move the test clock that server, worker and provider share."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from market import resources
from market.config import Settings
from market.resources import FileClock


@click.group()
def clock() -> None:
    """The test clock; exists only with MARKET_TEST_CLOCK=1."""
    resources.install(Settings.from_env())
    if not isinstance(resources.clock, FileClock):
        raise click.ClickException("There is no test clock here: it exists only with MARKET_TEST_CLOCK=1.")


@clock.command()
def show() -> None:
    """Print the clock's instant."""
    click.echo(resources.clock.now().isoformat())


@clock.command("set")
@click.argument("instant", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]))
def set_(instant: datetime) -> None:
    """Set the clock to INSTANT, such as 2026-12-04T00:00:00+08:00."""
    _move(instant)


@clock.command()
@click.argument("seconds", type=float)
def advance(seconds: float) -> None:
    """Move the clock by SECONDS."""
    _move(resources.clock.now() + timedelta(seconds=seconds))


def _move(to: datetime) -> None:
    if isinstance(resources.clock, FileClock):
        resources.clock.set(to)
    click.echo(resources.clock.now().isoformat())
