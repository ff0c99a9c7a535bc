"""`market search`: the index."""

from __future__ import annotations

import click

from market import search as index
from market.cli.context import database, progress


@click.group()
def search() -> None:
    """The search index."""


@search.command()
def rebuild() -> None:
    """Make the index anew from the catalogue, while the old one goes on answering."""
    with database():
        count = sum(1 for _ in progress(index.rebuild(), "index"))
    click.echo(f"{count} offerings indexed.")
