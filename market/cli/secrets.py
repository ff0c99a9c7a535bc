"""`market secrets`: a new secret key, without losing what the old one encrypted and whom it knew."""

from __future__ import annotations

import os
from collections import Counter

import click

from market.cli import sealed
from market.cli.context import database, progress
from market.cli.sealed import State
from market.config import Settings, new_secret_key

_MANY = 10


@click.group()
def secrets() -> None:
    """The secret key: make a new one, write everything with it, forget the old one. In this order."""


@secrets.command()
def new() -> None:
    """Make a new key in the data folder; the old one stays beside it, to read with."""
    with database() as settings:
        keys = _kept(settings)
        _write(settings, [new_secret_key(), *keys])
        click.echo(f"A new key is in {settings.key_file}; the old one stays for reading.")
        click.echo("Restart the server and the worker now; then run `market secrets rotate`.")


@secrets.command()
def rotate() -> None:
    """Write every encrypted column and file with the newest key. May be stopped and begun again."""
    with database() as settings:
        found: Counter[State] = Counter()
        unreadable = []
        for value in progress(sealed.values(renew=True), "encrypted values", total=sealed.count()):
            found[value.state] += 1
            if value.state is State.UNREADABLE:
                unreadable.append(value.where)
        click.echo(f"{found[State.OLD]} written anew, {found[State.FRESH]} already were.")
        if unreadable:
            raise click.ClickException(_lost(unreadable))
        if settings.old_secret_keys:
            click.echo(
                "Nothing encrypted needs the old key any more. It still keeps people signed in: a month from now, "
                "run `market secrets forget`, or empty MARKET_OLD_SECRET_KEYS."
            )


@secrets.command()
def forget() -> None:
    """Drop the old keys of the data folder. Whoever signed in before the change and not since signs in again."""
    with database() as settings:
        current, *old = _kept(settings)
        if not old:
            click.echo("There is no old key.")
            return
        waiting = [value.where for value in sealed.values() if value.state is not State.FRESH]
        if waiting:
            raise click.ClickException(
                f"{len(waiting)} encrypted values still need an old key. Run `market secrets rotate` first."
            )
        _write(settings, [current])
        click.echo("The old keys are gone. Restart the server and the worker.")


def _lost(places: list[str]) -> str:
    shown = "\n".join(f"  - {place}" for place in places[:_MANY])
    more = f"\n  … and {len(places) - _MANY} more" if len(places) > _MANY else ""
    return (
        f"{len(places)} encrypted values can be read with none of the keys:\n{shown}{more}\n"
        "Name the key they were written with in MARKET_OLD_SECRET_KEYS and run this again."
    )


def _kept(settings: Settings) -> list[str]:
    """The keys in the data folder. Refused when the environment says the key: nothing here would change it."""
    keys = settings.key_file.read_text().split() if settings.key_file.is_file() else []
    if not keys or keys[0] != settings.secret_key:
        raise click.ClickException(
            "The key comes from MARKET_SECRET_KEY. Put it into MARKET_OLD_SECRET_KEYS, and set MARKET_SECRET_KEY to a "
            f"new one, such as this one made just now:\n  {new_secret_key()}\n"
            "Restart the server and the worker; then run `market secrets rotate`."
        )
    return keys


def _write(settings: Settings, keys: list[str]) -> None:
    """Readers see the old file or the new one; only its owner may read it."""
    draft = settings.key_file.with_name(".secret_key.part")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(keys) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(settings.key_file)
