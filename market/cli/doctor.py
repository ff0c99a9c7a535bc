"""`market doctor` and `market migrate`: is this installation fit to run, and make it so."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import click
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from market import assets, db, resources, schema, search
from market.cli import sealed
from market.cli.context import database, unreachable
from market.cli.sealed import State
from market.config import LOOPBACK, ROOT, Settings

_LOW_DISK = 500 * 1024 * 1024


class Warn(str):
    """Works, and should not stay so."""


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema. Doing it twice is harmless."""
    with database(migrated=False):
        schema.upgrade()
    click.echo("The database is up to date.")


@click.command()
def doctor() -> None:
    """Check settings, database, schema, keys, disk, assets and mail; say what to do about each fault."""
    settings = Settings.from_env()
    click.echo(f"ok    settings: data in {settings.data_dir}")
    resources.install(settings)
    db.connect(settings.database_url)
    faults = 0
    for name, check in _CHECKS.items():
        try:
            fault = check(settings)
        except OperationalError as error:
            fault = unreachable(error)
        warned = isinstance(fault, Warn)
        faults += fault is not None and not warned
        click.echo(f"{'warn ' if warned else 'FAULT' if fault else 'ok   '} {name}{': ' + fault if fault else ''}")
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
    shared = db.on_postgresql()
    if shared and not schema.is_current():
        return None  # said by itself
    with db.transaction(readonly=True):
        made = search.ready()
    if not made:
        return "there is no search index yet; the worker makes one, or run `market search rebuild`."
    if not shared and not os.access(settings.index_dir, os.W_OK):
        return f"{settings.index_dir} cannot be written to."
    return None if shared else _low(settings.index_dir)


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


def _address(settings: Settings) -> str | None:
    """Whether the address people use is one that protects them."""
    name = urlsplit(settings.base_url).hostname or ""
    if settings.host not in LOOPBACK and name in (*LOOPBACK, "0.0.0.0", "::"):  # noqa: S104  # compared with
        return Warn(f"the server listens on {settings.host}, but links in mail say {settings.base_url}; set MARKET_BASE_URL.")
    if not settings.secure and name not in LOOPBACK:
        return Warn(
            f"{settings.base_url} is not https: passwords and cookies travel where others can read them. "
            "Put a proxy with a certificate in front, and set MARKET_BASE_URL to its https address."
        )
    if settings.secure and not settings.trusted_proxies:
        return Warn(
            "MARKET_BASE_URL is https and MARKET_TRUSTED_PROXIES is 0: to us every visitor has the proxy's address, "
            "and one who guesses passwords slows down all. Set it to the number of proxies in front."
        )
    return None


def _key(settings: Settings) -> str | None:
    """Whether the key is kept from others, and opens everything."""
    if settings.key_file.is_file() and settings.key_file.stat().st_mode & 0o077:
        return f"others can read {settings.key_file}; run `chmod 600 {settings.key_file}`."
    found = Counter(value.state for value in sealed.values())
    if found[State.UNREADABLE]:
        return (
            f"{found[State.UNREADABLE]} encrypted values can be read with none of the keys; "
            "`market secrets rotate` lists them."
        )
    if found[State.OLD]:
        return Warn(f"{found[State.OLD]} encrypted values still need an old key; run `market secrets rotate`.")
    return None


_CHECKS: dict[str, Callable[[Settings], str | None]] = {
    "database": _database,
    "schema": _schema,
    "address": _address,
    "secret key": _key,
    "disk": _disk,
    "search index": _index,
    "assets": _assets,
    "font for PDF": _font,
    "mail": _mail,
}
