"""Backup and restore on the running database, both kinds."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from market import db, documents, resources
from market.accounts import User
from market.config import Settings
from market.documents import Document
from tests.builders.accounts import EARLY, a_user, an_organization
from tests.builders.documents import PDF, a_document
from tests.support import commands

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def market(settings: Settings) -> Command:
    """`market("backup", path)` as an operator types it, on this test's database."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return commands.market(
            *arguments, MARKET_DATA_DIR=str(settings.data_dir), DATABASE_URL=settings.database_url, MARKET_SECRET_KEY=""
        )

    return run


@pytest.fixture(autouse=True)
def _needs_pg_dump(settings: Settings) -> None:
    assert settings.sqlite or shutil.which("pg_dump"), "install PostgreSQL's client programs"


def people() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count(User.id))) or 0


def add_person() -> None:
    with db.transaction():
        a_user()


def test_a_restore_brings_back_what_the_backup_saw(database: None, market: Command, tmp_path: Path) -> None:
    add_person()
    saved = market("backup", tmp_path / "state.tar.gz")
    assert saved.returncode == 0, saved.stderr
    add_person()
    restored = market("restore", "--yes", tmp_path / "state.tar.gz")
    assert restored.returncode == 0, restored.stderr
    assert people() == 1  # through connections that were open all the time


def test_a_backup_taken_while_people_write_is_whole(database: None, market: Command, tmp_path: Path) -> None:
    add_person()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            add_person()

    writer = threading.Thread(target=write)
    writer.start()
    saved = market("backup", tmp_path / "state.tar.gz")
    stop.set()
    writer.join()
    written = people()
    assert saved.returncode == 0, saved.stderr
    assert market("restore", "--yes", tmp_path / "state.tar.gz").returncode == 0
    assert 0 < people() <= written


def test_the_archive_holds_the_key_and_only_its_owner_may_read_it(
    database: None, market: Command, tmp_path: Path
) -> None:
    assert market("backup", tmp_path / "state.tar.gz").returncode == 0
    with tarfile.open(tmp_path / "state.tar.gz") as archive:
        assert {"database", "manifest.json", "secret_key"} <= set(archive.getnames())
    assert (tmp_path / "state.tar.gz").stat().st_mode & 0o077 == 0


def test_what_people_uploaded_comes_back_too(database: None, market: Command, tmp_path: Path, settings: Settings) -> None:
    # The commands run with the key that the data folder keeps, and so does this.
    resources.install(replace(settings, secret_key=Settings.from_env({"MARKET_DATA_DIR": str(settings.data_dir)}).secret_key))
    with db.transaction():
        kept = a_document(an_organization(), data=PDF)
    assert market("backup", tmp_path / "state.tar.gz").returncode == 0
    (documents.folder() / kept.name).unlink()
    with db.transaction():
        a_document(an_organization())
    restored = market("restore", "--yes", tmp_path / "state.tar.gz")
    assert restored.returncode == 0, restored.stderr
    with db.transaction(readonly=True):
        [only] = db.session.scalars(select(Document)).all()
        assert (only.name, documents.read(only)) == (kept.name, PDF)
    assert (documents.folder() / kept.name).stat().st_mode & 0o077 == 0
    assert documents.sweep(EARLY + timedelta(hours=2)) == 1


def test_something_else_is_not_restored(database: None, market: Command, tmp_path: Path) -> None:
    add_person()
    (tmp_path / "other.tar.gz").write_bytes(b"not an archive")
    refused = market("restore", "--yes", tmp_path / "other.tar.gz")
    assert refused.returncode == 1 and "cannot be read" in refused.stderr
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz"):
        pass
    refused = market("restore", "--yes", tmp_path / "empty.tar.gz")
    assert refused.returncode == 1 and "not an archive made by" in refused.stderr
    assert people() == 1
