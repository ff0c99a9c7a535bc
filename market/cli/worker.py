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
            for sweep in jobs.SWEEPS:
                sweep.run()
        else:
            jobs.run_forever()
