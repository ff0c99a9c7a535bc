"""`market search`: the index."""

from __future__ import annotations

import click

from market import db, resources
from market import search as index
from market.cli.context import database, progress
from market.kit.period import local_day


@click.group()
def search() -> None:
    """The search index."""


@search.command()
def rebuild() -> None:
    """Make the index anew from the catalogue, while the old one goes on answering."""
    with database():
        count = rebuilt()
    click.echo(f"{count} offerings, providers and solutions indexed.")


def rebuilt() -> int:
    """Make the index anew with a progress bar; says in words when the disk does not take it."""
    try:
        with db.transaction(readonly=True):
            total = index.how_many()
        try:
            count = sum(1 for _ in progress(index.rebuild(), "index", total))
        except index.Overtaken:
            count = total  # a worker has made a newer one meanwhile
        with db.transaction(readonly=True):
            index.warm(local_day(resources.clock.now()))  # leaves the shelf on the disk, for servers that start later
        return count
    except OSError as error:
        raise click.ClickException(
            f"The index cannot be written to {resources.settings.index_dir}: {error.strerror or error}. "
            "Pages go on with the old one; the worker tries again by itself."
        ) from error
