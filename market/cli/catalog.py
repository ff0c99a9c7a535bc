"""`market seed` and `market assets`: fill the catalogue, fetch the pages' third-party files."""

from __future__ import annotations

from pathlib import Path

import click

from market import assets as third_party
from market import audit, db, policies, resources
from market.catalog import generator
from market.catalog import seed as catalog_seed
from market.cli.context import database, progress
from market.config import ROOT


@click.command()
@click.option("--listings", type=click.IntRange(0), default=0, help="Make up this many listings as well.")
@click.option("--organizations", type=click.IntRange(0), default=0, help="Make up this many buyers as well.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT / "catalog_seed",
    show_default="catalog_seed",
)
def seed(listings: int, organizations: int, folder: Path) -> None:
    """Load the hand-written catalogue and policies; what is there and unchanged is left alone."""
    with database():
        now = resources.clock.now()
        with db.transaction():
            report = catalog_seed.load(folder, by=audit.system("seed"), at=now)
            policies.load(folder / "policies", by=audit.system("seed"), at=now)
        click.echo(
            f"Catalogue: {report.created} added, {report.changed} changed, {report.unchanged} unchanged."
        )
        if listings or organizations:
            steps = generator.generate(listings=listings, organizations=organizations, seed=1, at=now)
            made = sum(progress(steps, "made up", total=None))
            click.echo(f"{made} listings and organizations made up.")


@click.command()
def assets() -> None:
    """Build static/vendor from installed packages: htmx, and a sprite of the icons in use."""
    try:
        built = third_party.build()
    except third_party.AssetError as error:
        raise click.ClickException(str(error)) from error
    for path in built:
        click.echo(f"built {path}")
