"""The `market` command: everything an operator does from a shell."""

from __future__ import annotations

import gc
import sys

import click

from market.cli import (
    audit,
    backup,
    bench,
    billing,
    catalog,
    clock,
    doctor,
    dunning,
    events,
    ledger,
    people,
    rate,
    run,
    search,
    secrets,
    worker,
)
from market.config import ConfigError
from market.errors import MarketError


class _Group(click.Group):
    """Turns refusals into a sentence and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ConfigError, MarketError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A marketplace where small firms get their cloud services."""


for command in (
    run.run,
    worker.worker,
    doctor.doctor,
    doctor.migrate,
    catalog.seed,
    catalog.assets,
    billing.bill,
    ledger.ledger,
    dunning.dunning,
    audit.audit,
    people.person,
    people.code,
    search.search,
    secrets.secrets,
    backup.backup,
    backup.restore,
    clock.clock,
    events.usage,
    bench.bench,
    bench.tour,
    rate.rate,
):
    main.add_command(command)

# What is loaded by now stays.
gc.freeze()
gc.set_threshold(50_000, 20, 20)

if __name__ == "__main__":
    sys.exit(main())
