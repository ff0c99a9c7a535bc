"""Archives: everything of one's own, nothing of anybody else's, and no secret."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from market import accounts, db, privacy, resources
from market.accounts.models import Organization, User
from market.privacy import Export, ExportStatus
from market.privacy import actions as privacy_actions
from tests.builders.accounts import an_actor
from tests.builders.worlds import World, a_world
from tests.conftest import PRESENT
from tests.support.together import together

Lines = dict[str, list[dict[str, object]]]


def two_worlds() -> tuple[World, World]:
    """Everything twice, but no archives: the tests make their own."""
    with db.transaction():
        worlds = a_world("one"), a_world("two")
        db.session.execute(Export.__table__.delete())
    shutil.rmtree(resources.settings.data_dir / "exports")
    return worlds


@pytest.fixture
def worlds(kept: Callable[[Callable[[], Any]], Any]) -> tuple[World, World]:
    return kept(two_worlds)


@pytest.fixture
def world(worlds: tuple[World, World]) -> World:
    return worlds[0]


def person(email: str) -> User:
    user = accounts.user_by_email(email)
    assert user is not None
    return user


def firm_of(user: User) -> Organization:
    return accounts.memberships_of(user)[0].organization


def made(email: str, *, personal: bool = False) -> tuple[int, Lines]:
    """Ask for an archive, have it made, and read it."""
    with db.transaction():
        user = person(email)
        organization = None if personal else firm_of(user)
        id = privacy.request_export(user, organization, by=an_actor(user), at=PRESENT).id or 0
        db.session.flush()
    assert privacy.build_due(PRESENT) == 1
    with db.transaction():
        export = db.session.scalars(select(Export).order_by(Export.id.desc()).limit(1)).one()
        assert export.status is ExportStatus.READY and export.rows == export.rows_done > 0
        with ZipFile(privacy.path_of(export)) as archive:
            check_contents(archive)
            return export.id or id, {
                name: [json.loads(line) for line in archive.read(name).splitlines()]
                for name in archive.namelist() if name.endswith(".jsonl")
            }  # fmt: skip


def check_contents(archive: ZipFile) -> None:
    """The list of contents is right about every file."""
    manifest = json.loads(archive.read("manifest.json"))
    assert set(archive.namelist()) == {"README.txt", "manifest.json", *manifest["files"]}
    for name, said in manifest["files"].items():
        content = archive.read(name)
        assert hashlib.sha256(content).hexdigest() == said["sha256"]
        assert "rows" not in said or said["rows"] == len(content.splitlines())


@pytest.mark.parametrize("side", ["buyer", "seller"])
def test_an_archive_holds_all_of_ones_own_and_nothing_of_anybody_elses(worlds: tuple[World, World], side: str) -> None:
    mine, theirs = (getattr(each, side) for each in worlds)
    _id, lines = made(mine.email)
    with db.transaction(readonly=True):
        organization, other = firm_of(person(mine.email)), firm_of(person(theirs.email))
    assert [row["name"] for row in lines["tables/organizations.jsonl"]] == [organization.name]
    everything = json.dumps(lines, ensure_ascii=False)
    assert other.name not in everything and theirs.email not in everything
    assert lines["tables/subscriptions.jsonl"] and lines["tables/audit_events.jsonl"]
    assert lines["tables/usage_events.jsonl"] and lines["tables/bill_lines.jsonl"]


def test_amounts_quantities_and_times_can_be_read_by_a_program(world: World) -> None:
    _id, lines = made(world.buyer.email)
    (bill,) = [row for row in lines["tables/bills.jsonl"] if row["number"]]
    assert isinstance(bill["gross_fen"], int) and str(bill["issued_at"]).endswith("+00:00")
    assert {type(row["quantity"]) for row in lines["tables/bill_lines.jsonl"]} <= {str, type(None)}


def test_no_archive_has_a_secret(world: World) -> None:
    for email, personal in ((world.buyer.email, False), (world.seller.email, False), (world.buyer.email, True)):
        _id, lines = made(email, personal=personal)
        fields = {field for rows in lines.values() for row in rows for field in row}
        assert not {field for field in fields if "secret" in field or "password" in field or field.endswith("token_hash")}
        with db.transaction():
            db.session.execute(Export.__table__.delete())


def test_a_person_gets_what_names_her(world: World) -> None:
    email = world.buyer.email
    _id, lines = made(email, personal=True)
    assert [row["email"] for row in lines["tables/users.jsonl"]] == [email]
    assert {row["actor_kind"] for row in lines["tables/audit_events.jsonl"]} == {"user"}


def test_one_archive_at_a_time(world: World) -> None:
    def ask() -> object:
        user = person(world.buyer.email)
        return privacy.request_export(user, firm_of(user), by=an_actor(user), at=PRESENT).file

    answers = together(ask, ask, ask)
    assert sorted(type(answer).__name__ for answer in answers) == ["ExportPending", "ExportPending", "str"]


def test_what_a_killed_worker_left_is_made_by_the_next(world: World) -> None:
    with db.transaction():
        user = person(world.buyer.email)
        export = privacy.request_export(user, firm_of(user), by=an_actor(user), at=PRESENT)
    assert export.id and privacy_actions._claim(export.id, PRESENT)
    assert privacy.build_due(PRESENT + timedelta(minutes=9)) == 0
    assert privacy.build_due(PRESENT + timedelta(minutes=11)) == 1


def test_an_archive_is_thrown_away_in_time(world: World) -> None:
    id, _lines = made(world.buyer.email)
    with db.transaction(readonly=True):
        path = privacy.path_of(db.session.get_one(Export, id))
    assert path.parent == resources.settings.data_dir / "exports" and path.stat().st_mode & 0o077 == 0
    assert privacy.expire_due(PRESENT + privacy.KEPT - timedelta(seconds=1)) == 0
    assert privacy.expire_due(PRESENT + privacy.KEPT) == 1
    assert not path.exists()
    with db.transaction(readonly=True), pytest.raises(privacy.ExportGone):
        privacy.path_of(db.session.get_one(Export, id))


def test_a_disk_that_refuses_is_a_failed_archive_and_the_person_may_ask_again(world: World) -> None:
    (resources.settings.data_dir / "exports").write_text("in the way")
    with db.transaction():
        user = person(world.buyer.email)
        export = privacy.request_export(user, firm_of(user), by=an_actor(user), at=PRESENT)
    assert privacy.build_due(PRESENT) == 0
    with db.transaction():
        assert db.session.get_one(Export, export.id).status is ExportStatus.FAILED
        user = person(world.buyer.email)
        privacy.request_export(user, firm_of(user), by=an_actor(user), at=PRESENT)
