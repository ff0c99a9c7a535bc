"""`market backup` and `market restore`: the whole state in one file, taken and put back while it runs.

The archive holds the database, what people uploaded, the key that encrypts both (when the data folder keeps it)
and a manifest. The search index is left out: it is made anew from the catalogue.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy.engine import make_url

from market import documents, resources, schema
from market.cli.context import database, progress
from market.cli.search import rebuilt
from market.config import Settings

_MANIFEST = "manifest.json"
_DUMP = "database"
_KEY = "secret_key"
_DOCUMENTS = "documents"


@click.command()
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path))
def backup(archive: Path) -> None:
    """Write everything to ARCHIVE, a consistent picture of one instant. It holds secrets: keep it safe."""
    with database() as settings, tempfile.TemporaryDirectory(dir=settings.data_dir) as scratch:
        folder = Path(scratch)
        steps: list[tuple[str, Callable[[], object]]] = [
            ("database", lambda: _dump(settings, folder / _DUMP)),
            # After the database: a file is written before its row, so every row of the dump has its file.
            ("documents", lambda: _collect_documents(folder / _DOCUMENTS)),
            ("manifest", lambda: _write_manifest(settings, folder)),
            ("archive", lambda: _pack(folder, archive)),
        ]
        for _, step in progress(steps, "backup"):
            step()
    click.echo(f"Saved {archive} ({archive.stat().st_size // 1024} KB).")


@click.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.confirmation_option(prompt="This replaces all data of this installation. Go on?")
def restore(archive: Path) -> None:
    """Put back everything from ARCHIVE; what has happened since then is gone."""
    with database(migrated=False) as settings, tempfile.TemporaryDirectory(dir=settings.data_dir) as scratch:
        folder = Path(scratch)
        _unpack(archive, folder)
        manifest = _read_manifest(folder, settings)
        steps: list[tuple[str, Callable[[], object]]] = [
            ("database", lambda: _load(settings, folder / _DUMP)),
            ("schema", schema.upgrade),
            ("documents", lambda: _put_documents(folder / _DOCUMENTS)),
            ("key", lambda: _put_key(folder, settings)),
            ("index", rebuilt),
        ]
        for _, step in progress(steps, "restore"):
            step()
    click.echo(f"Restored the state of {manifest['taken_at']}.")
    if (folder / _KEY).exists() or manifest.get("key"):
        click.echo("Restart the server and the worker, so that they read the restored key.")


def _write_manifest(settings: Settings, folder: Path) -> None:
    key = settings.data_dir / _KEY
    if key.is_file():
        shutil.copy2(key, folder / _KEY)
    manifest = {
        "taken_at": resources.clock.now().isoformat(),
        "database": "sqlite" if settings.sqlite else "postgresql",
        "key": key.is_file(),
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest))


def _read_manifest(folder: Path, settings: Settings) -> dict[str, str]:
    try:
        manifest: dict[str, str] = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise click.ClickException("This is not an archive made by `market backup`.") from error
    kind = "sqlite" if settings.sqlite else "postgresql"
    if manifest.get("database") != kind:
        raise click.ClickException(
            f"The archive holds a {manifest.get('database')} database, but DATABASE_URL names {kind}."
        )
    return manifest


def _pack(folder: Path, archive: Path) -> None:
    """Write beside the target first, so that a half-written archive never has its name."""
    draft = archive.with_name(f".{archive.name}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
        draft.replace(archive)
    except OSError as error:
        raise click.ClickException(f"{archive} cannot be written: {error.strerror}.") from error


def _unpack(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            _extract(tar, folder)
    except (tarfile.TarError, OSError) as error:
        raise click.ClickException(f"{archive} cannot be read: {error}.") from error


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Debian 12's Python is older than tarfile's own filter: what `_pack` writes are plain files and folders, inside."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    for member in tar.getmembers():
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name} is no plain file of the archive")
    tar.extractall(folder)  # noqa: S202  # each member was looked at


def _put_key(folder: Path, settings: Settings) -> None:
    if (folder / _KEY).is_file():
        shutil.copy2(folder / _KEY, settings.data_dir / _KEY)


def _collect_documents(target: Path) -> None:
    """Files are never changed once written, so that another name for each of them is as good as a copy."""
    target.mkdir()
    for path in documents.folder().glob("[!.]*") if documents.folder().is_dir() else ():
        if not path.suffix:
            _second_name(path, target / path.name)


def _second_name(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path)
    except FileNotFoundError:
        return  # swept in the meantime
    except OSError:
        shutil.copy2(path, target)  # a file system without hard links


def _put_documents(source: Path) -> None:
    """Beside what is there; what no row names any more is swept later."""
    if source.is_dir():
        documents.folder().mkdir(mode=0o700, exist_ok=True)
        for path in source.iterdir():
            path.replace(documents.folder() / path.name)


def _dump(settings: Settings, target: Path) -> None:
    if settings.sqlite:
        _copy_sqlite(_sqlite_file(settings), target)
    else:
        _postgres("pg_dump", settings, "--format=custom", f"--file={target}")


def _load(settings: Settings, dump: Path) -> None:
    if settings.sqlite:
        _copy_sqlite(dump, _sqlite_file(settings))
    else:
        _postgres(
            "pg_restore", settings, "--clean", "--if-exists", "--no-owner", "--single-transaction", str(dump)
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's online backup: readers and writers of either side go on."""
    with (
        closing(sqlite3.connect(source, timeout=60)) as old,
        closing(sqlite3.connect(target, timeout=60)) as new,
    ):
        old.backup(new)


def _sqlite_file(settings: Settings) -> Path:
    return Path(make_url(settings.database_url).database or "")


def _postgres(program: str, settings: Settings, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs; the password goes by the environment, not the command line."""
    url = make_url(settings.database_url)
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    address = url.set(drivername="postgresql", password=None).render_as_string()
    try:
        subprocess.run(
            [program, f"--dbname={address}", *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise click.ClickException(f"{program} is missing: install PostgreSQL's client programs.") from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"{program} failed: {error.stderr.strip()}") from error
