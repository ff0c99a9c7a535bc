"""`market run`: everything on one machine — migrate, fill, then server, worker and example provider."""

from __future__ import annotations

import fcntl
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from market import demo, schema
from market.cli.context import database
from market.cli.supervisor import Child, supervise
from market.config import Settings


@click.command()
def run() -> None:
    """Serve the marketplace at HOST:PORT until it is stopped; with MARKET_DEMO=1 on sample data."""
    with database(migrated=False) as settings, only_one(settings.data_dir):
        require_free(settings.host, settings.port, "PORT")
        if settings.demo and settings.provider_port:
            require_free("127.0.0.1", settings.provider_port, "PROVIDER_PORT")
        schema.upgrade()
        provider = demo.prepare(settings) if settings.demo else None
        children = [_server(settings), _worker()]
        if provider:
            children.append(
                Child("provider", [sys.executable, "-m", "examples.provider"], provider.environment)
            )
        supervise(children, ready=lambda: _announce(settings))


def _server(settings: Settings) -> Child:
    command = [
        sys.executable, "-m", "gunicorn", "wsgi:app",
        "--config", "python:market.server",
        "--bind", f"{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}",
        "--workers", str(settings.web_workers),
        "--threads", str(settings.web_threads),
    ]  # fmt: skip
    return Child("server", command, health=f"http://{settings.host}:{settings.port}/healthz")


def _worker() -> Child:
    return Child("worker", [sys.executable, "-m", "market.cli", "worker"])


def _announce(settings: Settings) -> None:
    if settings.demo:
        demo.finish()
    address = f"http://{settings.host}:{settings.port}"
    click.secho(f"\n  {settings.site_name_zh} · {settings.site_name_en}   {address}\n", bold=True)
    if settings.demo:
        for person in demo.PEOPLE:
            key = f"   key of the authenticator app: {person.totp_secret}" if person.totp_secret else ""
            click.echo(f"  {person.email:<28} {demo.PASSWORD}   {person.title}{key}")
        click.echo("\n  Administrators are asked for a code too: the page shows it, `.venv/bin/market code EMAIL` prints it.")
        click.echo(f"\n  The same for scripts: {settings.data_dir / 'demo.json'}")
    click.echo("  Ctrl-C stops everything.\n")


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder; a second process is told so instead of fighting for it."""
    with (data_dir / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise click.ClickException(
                f"Another `market run` uses {data_dir}. Stop it, or set MARKET_DATA_DIR to another folder."
            ) from error
        yield


def require_free(host: str, port: int, setting: str) -> None:
    """Refuse early, in words, when somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} on {host} cannot be used ({error.strerror}). Set {setting} to another one, such as 8080."
            ) from error
