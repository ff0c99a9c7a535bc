"""The verifier names the first row that is not as it was sealed, whatever was done to it, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import select, text

from market import audit, db
from market.audit import AuditEvent, AuditHead, AuditLink, chain, links
from tests.builders.accounts import a_user, an_organization
from tests.support.tampering import tamper

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
COLUMNS = [
    *(f"audit_events.{column.name}" for column in AuditEvent.__table__.columns),
    *(f"audit_links.{column.name}" for column in AuditLink.__table__.columns),
]


@pytest.fixture
def trail(database: None) -> list[int]:
    """Ids of seven sealed rows: of a person, about a person, of the system, with values, of somebody forgotten."""
    with db.transaction():
        anna, ben, firm = a_user(name="陈晓彤"), a_user(name="何志明"), an_organization()
        by_anna = audit.Actor("user", anna.id, anna.name, firm.id, "192.0.2.1")
        by_ben = audit.Actor("user", ben.id, ben.name, firm.id, "192.0.2.2")
        audit.record("organization.added", firm, by=by_anna, at=NOON)
        audit.record("member.added", ben, by=by_anna, at=NOON, after={"role": "owner"}, reason="新同事")
        audit.record("member.left", anna, by=by_ben, at=NOON, before={"role": "owner", "limit_fen": 5000})
    with db.transaction():
        audit.record("organization.changed", firm, by=audit.system("test"), at=NOON, before={"name": "老名"})
        audit.record("organization.changed", firm, by=by_ben, at=NOON, after={"list": [1, {"deep": None}]})
    with db.transaction():
        audit.forget(ben, by=by_anna, at=NOON + timedelta(days=1))
        audit.record("organization.changed", firm, by=by_anna, at=NOON)
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)))


def verify(*heads: audit.Head) -> audit.Report:
    with db.transaction(readonly=True):
        return audit.verify(heads)


def broken(*heads: audit.Head) -> tuple[str, int | None]:
    """What is wrong first, and with which row."""
    found = verify(*heads).broken
    assert found is not None
    return found.kind, found.event_id


def heads() -> list[tuple[int, str]]:
    with db.transaction(readonly=True):
        return [(link.position, link.hash) for link in db.session.scalars(select(AuditLink).order_by(AuditLink.position))]


def rows() -> list[dict[str, Any]]:
    """Rows in the form the hash is taken of."""
    with db.transaction(readonly=True):
        return [row for _link, row in links.walked() if row is not None]


def test_a_trail_that_nobody_touched_is_whole(trail: list[int]) -> None:
    report = verify()
    assert report.whole and report.rows == 7 and report.erased == 4
    assert (report.rows, report.hash) == heads()[-1]


@pytest.mark.parametrize("column", COLUMNS)
def test_one_byte_changed_in_any_column_of_any_row_is_named(trail: list[int], database_url: str, column: str) -> None:
    table, _, name = column.partition(".")
    key = "id" if table == "audit_events" else "event_id"
    for id in trail:
        with db.engine().connect() as connection:
            old = connection.execute(text(f"SELECT {name} FROM {table} WHERE {key} = :id"), {"id": id}).scalar()
        new = altered(old)
        now = new if name == key else id
        tamper(database_url, (f"UPDATE {table} SET {name} = ? WHERE {key} = ?", (stored(new), id)))
        report = verify()
        assert report.broken is not None, f"{column} of row {id}: {old!r} → {new!r}"
        assert report.broken.event_id == id, f"{column} of row {id}: {report.broken}"
        tamper(database_url, (f"UPDATE {table} SET {name} = ? WHERE {key} = ?", (stored(old), now)))
        assert verify().whole


def altered(value: Any) -> Any:
    """A value that differs by as little as possible."""
    match value:
        case bool() | None:
            return 1
        case int():
            return value + 1000
        case datetime():
            return value + timedelta(microseconds=1)
        case dict():
            return {**value, "x": 1}
        case str() if value.startswith("{"):
            return value[:-1] + " }"
        case str() if value:
            return value[:-1] + chr(ord(value[-1]) ^ 1)
        case _:
            return "x"


def stored(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) else value


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["at", "actor_label", "action", "before", "after", "reason", "actor_digest"])
def test_every_byte_of_a_text_counts_where_the_database_keeps_any_bytes(trail: list[int], database_url: str, column: str) -> None:
    id = trail[2] if column == "before" else trail[1]
    with db.engine().connect() as connection:
        old = connection.execute(text(f"SELECT CAST({column} AS BLOB) FROM audit_events WHERE id = {id}")).scalar_one()
    change = f"UPDATE audit_events SET {column} = CAST(? AS TEXT) WHERE id = {id}"
    assert old
    for place in range(len(old)):
        for bit in (1, 0x80):  # another letter; no UTF-8 any more
            new = bytearray(old)
            new[place] ^= bit
            tamper(database_url, (change, (bytes(new),)))
            assert broken() == ("changed", id), f"byte {place} of {column}: {bytes(new)!r}"
    tamper(database_url, (change, (old,)))
    assert verify().whole


def swap(table: str, key: str, first: int, second: int) -> list[str]:
    """Exchange the places of two rows, past their unique key."""
    moves = [(-1, first), (first, second), (second, -1)]
    return [f"UPDATE {table} SET {key} = {to} WHERE {key} = {which}" for to, which in moves]


TRICKS: dict[str, tuple[Callable[[list[int]], list[str]], str, int]] = {
    "a row is deleted": (lambda ids: [f"DELETE FROM audit_events WHERE id = {ids[2]}"], "missing", 2),
    "a link is deleted": (lambda ids: [f"DELETE FROM audit_links WHERE event_id = {ids[2]}"], "missing", 2),
    "row and link are deleted": (
        lambda ids: [f"DELETE FROM audit_links WHERE event_id = {ids[2]}", f"DELETE FROM audit_events WHERE id = {ids[2]}"],
        "missing", 2,
    ),
    "the first row and its link are deleted": (
        lambda ids: [f"DELETE FROM audit_links WHERE event_id = {ids[0]}", f"DELETE FROM audit_events WHERE id = {ids[0]}"],
        "missing", 0,
    ),
    "a link is deleted and the others close ranks": (
        lambda ids: [
            f"DELETE FROM audit_links WHERE event_id = {ids[2]}",
            *(f"UPDATE audit_links SET position = position - 1 WHERE event_id = {id}" for id in ids[3:]),
        ],
        "missing", 2,
    ),
    "two rows exchange their ids": (lambda ids: swap("audit_events", "id", ids[2], ids[4]), "changed", 2),
    "two links exchange their places": (lambda ids: swap("audit_links", "position", 3, 5), "reordered", 4),
    "two neighbours exchange their places": (lambda ids: swap("audit_links", "position", 3, 4), "reordered", 3),
    "two links exchange their rows": (
        lambda ids: swap("audit_links", "event_id", ids[2], ids[4]), "reordered", 4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_what_was_removed_or_moved_is_named(trail: list[int], database_url: str, trick: str) -> None:
    statements, kind, which = TRICKS[trick]
    tamper(database_url, *statements(trail))
    assert broken() == (kind, trail[which])


def a_copy(id: int, of: int) -> str:
    """A row put in past the program, like another but with an id of its own."""
    names = [column.name for column in AuditEvent.__table__.columns if column.name != "id"]
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO audit_events (id, {quoted}) SELECT {id}, {quoted} FROM audit_events WHERE id = {of}"


def test_a_row_put_in_past_the_program_is_named(trail: list[int], database_url: str) -> None:
    tamper(database_url, a_copy(trail[-1] + 5, trail[0]))
    assert broken() == ("unsealed", trail[-1] + 5)
    with db.transaction():
        audit.record("organization.added", an_organization(), by=audit.system("test"), at=NOON)
    assert broken()[0] in ("unsealed", "inserted")


def test_a_row_put_in_before_others_is_named(trail: list[int], database_url: str) -> None:
    tamper(database_url, a_copy(0, trail[0]))
    assert broken() == ("inserted", 0)


def test_a_row_put_in_with_a_link_of_its_own_is_named(trail: list[int], database_url: str) -> None:
    tamper(database_url, a_copy(1000, trail[0]))
    with db.transaction(readonly=True):
        (row,) = links._rows(sealed=False)
    before = dict(heads())[3]
    tamper(
        database_url,
        *(f"UPDATE audit_links SET position = position + 1 WHERE event_id = {id}" for id in reversed(trail[3:])),
        ("INSERT INTO audit_links VALUES (4, 1000, ?, ?)", (before, chain.seal(before, row))),
    )
    assert broken() == ("inserted", 1000)


def test_a_changed_row_whose_own_link_was_made_anew_is_named(trail: list[int], database_url: str) -> None:
    forge(database_url, trail[2], only=True)
    assert broken() == ("forged", trail[2])


def test_a_chain_made_anew_from_a_changed_row_on_contradicts_a_published_head(trail: list[int], database_url: str) -> None:
    honest = heads()
    audit.publish_head(NOON)
    forge(database_url, trail[2])
    found = verify().broken
    assert found is not None and (found.kind, found.position) == ("head", 7)
    # The head in the database is as easily changed as the rest: one that somebody noted down is not.
    tamper(database_url, ("UPDATE audit_heads SET hash = ?", (heads()[-1][1],)))
    assert verify().whole
    assert verify(audit.Head(2, honest[1][1], "by hand")).whole
    found = verify(audit.Head(2, honest[1][1], "by hand"), audit.Head(3, honest[2][1], "by hand")).broken
    assert found is not None and (found.kind, found.event_id) == ("head", trail[2])


def forge(url: str, id: int, *, only: bool = False) -> None:
    """Change a row and make its link anew, and all that follow unless `only`."""
    tamper(url, f"UPDATE audit_events SET reason = '另一个理由' WHERE id = {id}")
    previous, made = chain.GENESIS, []
    for row, (position, hash) in zip(rows(), heads(), strict=True):
        if row["id"] >= id:
            hash = chain.seal(previous, row)
            made.append(("UPDATE audit_links SET previous_hash = ?, hash = ? WHERE position = ?", (previous, hash, position)))
        previous = hash
    tamper(url, *(made[:1] if only else made))


@pytest.mark.parametrize("rows_too", [False, True])
def test_a_tail_that_was_cut_off_contradicts_a_published_head(trail: list[int], database_url: str, rows_too: bool) -> None:
    audit.publish_head(NOON)
    cut = ["DELETE FROM audit_links WHERE position > 5"]
    tamper(database_url, *cut, *([f"DELETE FROM audit_events WHERE id >= {trail[5]}"] if rows_too else []))
    # Among what was cut is the record of an erasure; the cut is what is named.
    assert broken() == ("cut", None if rows_too else trail[5])


def test_a_cut_tail_is_named_also_with_a_head_given_by_hand(database: None, database_url: str) -> None:
    with db.transaction():
        for _ in range(3):
            audit.record("organization.added", an_organization(), by=audit.system("test"), at=NOON)
    noted = heads()[-1]
    with db.transaction(readonly=True):
        last = db.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id.desc())).first()
    tamper(database_url, "DELETE FROM audit_links WHERE position = 3")
    assert broken() == ("unsealed", last)
    assert broken(audit.Head(*noted, "by hand")) == ("cut", last)
    tamper(database_url, f"DELETE FROM audit_events WHERE id = {last}")
    assert verify().whole  # nothing in the database tells it any more
    assert broken(audit.Head(*noted, "by hand")) == ("cut", None)


def test_erasing_without_a_record_of_it_is_named(trail: list[int], database_url: str) -> None:
    tamper(database_url, f"UPDATE audit_events SET actor_salt = '', actor_label = '{audit.FORGOTTEN}', address = '' WHERE id = {trail[0]}")
    assert broken() == ("changed", trail[0])


def test_a_published_head_that_was_changed_is_named(trail: list[int], database_url: str) -> None:
    audit.publish_head(NOON)
    with db.transaction(readonly=True):
        assert db.session.scalars(select(AuditHead)).one().position == 7
    tamper(database_url, f"UPDATE audit_heads SET hash = '{'a' * 64}'")
    assert broken()[0] == "head"


def test_it_reads_beside_writers(trail: list[int]) -> None:
    def walk() -> Iterator[int]:
        for _ in range(3):
            with db.transaction():
                audit.record("organization.added", an_organization(), by=audit.system("test"), at=NOON)
            yield verify().rows

    assert list(walk()) == [8, 9, 10]
