"""`market doctor` and `market migrate`: is this installation fit to run, and make it so."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from market import assets, db, schema
from market.cli.context import database, unreachable
from market.config import ROOT, Settings

_LOW_DISK = 500 * 1024 * 1024


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema. Doing it twice is harmless."""
    with database(migrated=False):
        schema.upgrade()
    click.echo("The database is up to date.")


@click.command()
def doctor() -> None:
    """Check settings, database, schema, disk, assets and mail; say what to do about each fault."""
    settings = Settings.from_env()
    click.echo(f"ok    settings: data in {settings.data_dir}")
    db.connect(settings.database_url)
    faults = 0
    for name, check in _CHECKS.items():
        try:
            fault = check(settings)
        except OperationalError as error:
            fault = unreachable(error)
        faults += fault is not None
        click.echo(f"{'FAULT' if fault else 'ok   '} {name}{': ' + fault if fault else ''}")
    db.disconnect()
    sys.exit(1 if faults else 0)


def _database(_: Settings) -> str | None:
    with db.engine().connect() as connection:
        connection.execute(text("SELECT 1"))
    return None


def _schema(_: Settings) -> str | None:
    return None if schema.is_current() else "older than this program; run `market migrate`."


def _disk(settings: Settings) -> str | None:
    return _low(settings.data_dir)


def _index(settings: Settings) -> str | None:
    if not any(settings.index_dir.glob("*/*")):
        return "there is no search index yet; the worker makes one, or run `market search rebuild`."
    if not os.access(settings.index_dir, os.W_OK):
        return f"{settings.index_dir} cannot be written to."
    return _low(settings.index_dir)


def _low(folder: Path) -> str | None:
    free = shutil.disk_usage(folder).free
    return None if free > _LOW_DISK else f"only {free // 1024 // 1024} MB free in {folder}."


def _assets(_: Settings) -> str | None:
    missing = [name for name in ("htmx.min.js", "icons.svg") if not (ROOT / "static/vendor" / name).is_file()]
    return f"{', '.join(missing)} missing; run `market assets`." if missing else None


def _font(_: Settings) -> str | None:
    try:
        assets.font_dir()
    except assets.AssetError as error:
        return str(error)
    return None


def _mail(settings: Settings) -> str | None:
    if settings.smtp_url or settings.demo:
        return None
    return "MARKET_SMTP_URL is not set: messages stay in the local mailbox and reach nobody."


_CHECKS: dict[str, Callable[[Settings], str | None]] = {
    "database": _database,
    "schema": _schema,
    "disk": _disk,
    "search index": _index,
    "assets": _assets,
    "font for PDF": _font,
    "mail": _mail,
}
