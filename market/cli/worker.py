"""`market worker`: the scheduled work as a process of its own."""

from __future__ import annotations

import click

from market import jobs
from market.cli.context import database


@click.command()
@click.option("--once", is_flag=True, help="Run every sweep once and stop.")
def worker(once: bool) -> None:
    """Deliver, send, index and close whatever is due, until it is stopped."""
    with database():
        if once:
            failed = [sweep.name for sweep in jobs.SWEEPS if not sweep.run()]
            if failed:
                raise click.ClickException(f"Not done: {', '.join(failed)}. The log above says why.")
        else:
            jobs.run_forever()
