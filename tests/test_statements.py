"""Statements in the drivers' own words: one text for both databases, inside the thread's transaction."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from market import db
from market.accounts import Organization, OrganizationKind
from market.statements import (
    Statement,
    ask,
    finish,
    instant,
    owe,
    pay,
    plan_once,
    read,
    undo,
    write,
    write_rows,
)
from tests.builders.accounts import an_organization
from tests.support.queries import counted

NAMED = Statement("SELECT id, created_at FROM organizations WHERE kind = :kind AND id IN :ids ORDER BY id")


def test_values_lists_and_instants_travel_alike_on_both_databases(session: Session) -> None:
    made = [an_organization() for _ in range(3)]
    session.flush()
    rows = NAMED.run(kind="buyer", ids=[made[0].id, made[2].id])
    assert [(id, instant(at)) for id, at in rows] == [(each.id, each.created_at) for each in (made[0], made[2])]
    assert NAMED.run(kind="provider", ids=[made[0].id]) == [] == NAMED.run(kind="buyer", ids=[])


def test_each_database_reads_its_own_part(session: Session) -> None:
    expected = "postgresql" if db.on_postgresql() else "sqlite"
    assert Statement("SELECT {'postgresql'|'sqlite'}").run() == [(expected,)]


def test_it_sees_and_is_seen_by_the_open_transaction_only(database: None) -> None:
    change = "UPDATE organizations SET name = 'else'"
    with db.transaction():
        id = an_organization(name="before").id
    with pytest.raises(ZeroDivisionError), db.transaction():
        write(change, ())
        assert read("SELECT name FROM organizations") == [("else",)]
        raise ZeroDivisionError
    with db.transaction(readonly=True):
        assert db.session.get_one(Organization, id).name == "before"


def test_one_cursor_serves_a_transaction_and_the_next_has_its_own(database: None) -> None:
    with db.transaction(readonly=True):
        assert read("SELECT 1") == read("SELECT 1") == [(1,)]
        db.rollback()
        assert read("SELECT 2") == [(2,)]
    with db.transaction(readonly=True):
        assert read("SELECT 3") == [(3,)]


def test_errors_are_those_of_sqlalchemy_and_tell_no_values(session: Session) -> None:
    organization = an_organization()
    session.flush()
    mark = "%s" if db.on_postgresql() else "?"
    with pytest.raises(IntegrityError) as caught:
        write(f"INSERT INTO providers (organization_id, slug) VALUES ({mark}, {mark})", (organization.id, "secret-word"))
    assert "secret-word" not in str(caught.value.statement)


def test_a_statement_that_is_wrong_is_an_error_of_the_database(session: Session) -> None:
    with pytest.raises(DBAPIError):
        read("SELECT nothing FROM nowhere")


def test_who_counts_statements_counts_these_too(session: Session) -> None:
    with counted(at_most=1) as statements:
        NAMED.run(kind=OrganizationKind.BUYER.value, ids=[1])
    assert len(statements) == 1


IDENTITIES = "INSERT OR IGNORE INTO event_identities (key, payload, event, at, stored_at) VALUES (?, ?, ?, ?, ?)"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def identities(number: int) -> list[tuple[bytes, bytes, int, str, str]]:
    return [(place.to_bytes(16, "big"), bytes(16), place, "2026-11-01 00:00:00.000000", "2026-11-01 00:00:00.000000") for place in range(number)]


@SQLITE
@pytest.mark.parametrize("number", [0, 1, 2, 127, 128, 129, 1000])
def test_any_number_of_rows_is_written_into_sqlite_and_told_as_one_statement(session: Session, number: int) -> None:
    rows = identities(number)
    assert write_rows(IDENTITIES, rows[::3]) == len(rows[::3])
    with counted(at_most=1):
        assert write_rows(IDENTITIES, rows) == number - len(rows[::3])
    assert [event for (event,) in read("SELECT event FROM event_identities ORDER BY key")] == [*range(number)]


@SQLITE
def test_of_rows_one_of_which_is_wrong_none_stays(database: None) -> None:
    rows = [*identities(200), (None, *identities(1)[0][1:])]
    with pytest.raises(IntegrityError), db.plain_transaction():
        write_rows(IDENTITIES.replace("IGNORE", "FAIL"), rows)
    with db.transaction(readonly=True):
        assert read("SELECT count(*) FROM event_identities") == [(0,)]


def test_an_instant_is_aware_whatever_the_driver_gives() -> None:
    at = datetime(2026, 11, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert instant("2026-11-01 02:03:04.000005") == at == instant(at)
    assert instant(None) is None


def test_what_is_asked_for_together_is_told_in_any_order(session: Session) -> None:
    made = [an_organization() for _ in range(2)]
    session.flush()
    first, none, last = (NAMED.ask(kind="buyer", ids=ids) for ids in ([made[0].id], [0], [made[1].id]))
    assert [id for id, _ in last.rows()] == [made[1].id]
    assert ([id for id, _ in first.rows()], none.rows()) == ([made[0].id], [])


def test_an_answer_sees_what_was_written_before_it_was_asked_for_and_no_more(session: Session) -> None:
    an_organization(name="before")
    session.flush()
    asked = [ask("SELECT name FROM organizations")]
    write("UPDATE organizations SET name = 'after'", ())
    asked.append(ask("SELECT name FROM organizations"))
    assert read("SELECT count(*) FROM organizations") == [(1,)]
    assert [answer.rows() for answer in asked] == [[("before",)], [("after",)]]


RENAME = "UPDATE organizations SET name = name || '+'"


def renamed() -> str:
    with db.transaction(readonly=True):
        [(name,)] = read("SELECT name FROM organizations")
        return str(name)


@pytest.mark.parametrize("wanted", ["nothing", "pay", "a question"])
def test_what_is_owed_is_written_once_with_the_next_question_or_the_commit(database: None, wanted: str) -> None:
    with db.transaction():
        an_organization(name="x")
        db.session.flush()
        owe(RENAME, ())
        if wanted == "pay":
            pay()
            assert db.session.scalar(text("SELECT name FROM organizations")) == "x+"
        if wanted == "a question":
            assert read("SELECT name FROM organizations") == [("x+",)]
    assert renamed() == "x+"


def test_what_is_owed_is_not_written_after_a_rollback_nor_by_the_next_transaction(database: None) -> None:
    with db.transaction():
        an_organization(name="x")
    with pytest.raises(ZeroDivisionError), db.transaction():
        owe(RENAME, ())
        raise ZeroDivisionError
    with db.transaction():
        assert read("SELECT 1") == [(1,)]
    assert renamed() == "x"


def test_a_debt_that_cannot_be_paid_fails_the_commit_and_leaves_nothing(database: None) -> None:
    with db.transaction():
        an_organization(name="x")
    with pytest.raises(DBAPIError), db.transaction():
        write(RENAME, ())
        owe("UPDATE nowhere SET name = 'y'", ())
    assert renamed() == "x"


def test_the_last_question_is_committed_unless_something_is_left_to_do(database: None) -> None:
    with db.transaction():
        an_organization(name="x")
    for name in ("x+", "x++"):
        with db.transaction():
            answer = ask(f"{RENAME} RETURNING name")
            finish()
            assert answer.rows() == [(name,)]
            if db.on_postgresql():
                assert renamed_elsewhere() == name
    with pytest.raises(ZeroDivisionError), db.transaction():
        db.before_commit(list, "something")
        ask(f"{RENAME} RETURNING name")
        finish()
        raise ZeroDivisionError
    assert renamed() == "x++"


def renamed_elsewhere() -> str:
    with db.reading() as connection:
        return str(connection.scalar(text("SELECT name FROM organizations")))


def test_a_wrong_question_spoils_its_transaction_and_none_after_it(database: None) -> None:
    for _ in range(2):
        with pytest.raises(DBAPIError), db.transaction():
            asked = [NAMED.ask(kind="buyer", ids=[1]), ask("SELECT nothing FROM nowhere"), NAMED.ask(kind="provider", ids=[1])]
            asked[-1].rows()
        with db.transaction():
            assert NAMED.run(kind="buyer", ids=[1]) == NAMED.run(kind="provider", ids=[1]) == []


def test_a_plain_transaction_whose_last_act_fails_leaves_nothing_but_a_connection_that_goes_on(database: None) -> None:
    with db.transaction():
        id = an_organization(name="x").id
    mode, kept = Statement("SELECT {current_setting('plan_cache_mode')|'force_generic_plan'}"), []
    for _ in range(2):
        with db.plain_transaction():
            plan_once()
            owe(RENAME, ())
            with pytest.raises(DBAPIError):
                ask("SELECT nothing FROM nowhere")
                finish()
            undo()
        with db.plain_transaction():
            plan_once()
            assert [*mode.run(), *NAMED.run(kind="provider", ids=[id])] == [("force_generic_plan",)]
            kept.append(db.held().raw)  # type: ignore[union-attr]  # it is in one
        assert kept[0] is kept[-1]
    assert renamed() == "x"


def test_what_a_rollback_throws_away_is_prepared_anew(database: None) -> None:
    with db.transaction():
        # So often that psycopg has prepared something, and throws away everything that is.
        for _ in range(7):
            db.session.execute(text("SELECT 1"))
        assert NAMED.run(kind="buyer", ids=[1]) == []
        with db.session.begin_nested() as trial:
            trial.rollback()
        assert NAMED.run(kind="buyer", ids=[1]) == []
        db.rollback()
        assert NAMED.run(kind="buyer", ids=[1]) == []


def test_plans_are_kept_until_the_transaction_ends(database: None) -> None:
    mode = "SELECT {current_setting('plan_cache_mode')|'auto'}"
    with db.transaction():
        plan_once()
        assert Statement(mode).run() == [("force_generic_plan" if db.on_postgresql() else "auto",)]
    with db.transaction():
        assert Statement(mode).run() == [("auto",)]
