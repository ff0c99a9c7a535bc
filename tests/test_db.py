"""Transactions, effects and column types, on both databases."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, StatementError

from market import db, engines
from market.accounts import Organization, User
from market.billing.models import NumberSeries
from market.statements import read, write
from tests.builders.accounts import a_member, a_user, an_organization
from tests.support.together import together


def test_effects_run_after_the_commit_and_see_it(database: None) -> None:
    seen: list[int] = []

    def effect() -> None:
        with db.transaction(readonly=True):
            seen.append(len(db.session.scalars(select(User)).all()))

    with db.transaction():
        a_user()
        db.on_commit(effect)
        assert seen == []
    assert seen == [1]


def test_effects_of_a_transaction_that_failed_never_run(database: None) -> None:
    ran: list[str] = []
    with pytest.raises(RuntimeError), db.transaction():
        a_user()
        db.on_commit(lambda: ran.append("effect"))
        raise RuntimeError
    with db.transaction(readonly=True):
        assert db.session.scalars(select(User)).all() == []
    assert ran == []


def test_an_effect_that_fails_spoils_neither_the_commit_nor_the_next_effect(database: None) -> None:
    ran: list[str] = []

    def broken() -> None:
        raise RuntimeError("the outside world is away")

    with db.transaction():
        a_user()
        db.on_commit(broken)
        db.on_commit(lambda: ran.append("next"))
    assert ran == ["next"]


def test_an_inner_transaction_joins_the_outer_one(database: None) -> None:
    with pytest.raises(RuntimeError), db.transaction():
        with db.transaction():
            a_user()
        raise RuntimeError
    with db.transaction(readonly=True):
        assert db.session.scalars(select(User)).all() == []


def test_a_plain_transaction_has_a_session_once_somebody_asks_for_it(database: None) -> None:
    with db.transaction():
        an_organization(name="x")
    effects: list[str] = []
    for name in ("x+", "x++"):
        with db.plain_transaction():
            write("UPDATE organizations SET name = name || '+'", ())
            assert not db.session.registry.has()
            with db.transaction():
                assert db.session.scalar(select(Organization.name)) == name
            a_user()
            db.on_commit(lambda: effects.append(_name()))
            assert effects == ([] if name == "x+" else ["x+"])
        assert _name() == effects[-1] == name


def test_nothing_of_a_plain_transaction_that_failed_stays(database: None) -> None:
    with db.transaction():
        an_organization(name="x")
    for asks in (False, True):
        with pytest.raises(ZeroDivisionError), db.plain_transaction():
            write("UPDATE organizations SET name = 'y'", ())
            if asks:
                a_user()
            raise ZeroDivisionError
        assert _name() == "x"
    with db.plain_transaction():
        assert read("SELECT count(*) FROM users") == [(0,)]


def test_more_of_them_at_once_than_connections_are_kept_for(database: None) -> None:
    with db.transaction():
        an_organization(name="x")

    def add() -> None:
        with db.plain_transaction():
            write("UPDATE organizations SET name = name || '+'", ())

    threads = [threading.Thread(target=add) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _name() == "x" + "+" * 9


def test_a_kept_connection_that_died_while_it_rested_is_replaced(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if not db.on_postgresql():
        return
    monkeypatch.setattr(engines, "_RESTED_SECONDS", 0)
    with db.plain_transaction():
        [(backend,)] = read("SELECT pg_backend_pid()")
    with db.transaction():
        db.session.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})
    with db.plain_transaction():
        assert read("SELECT pg_backend_pid()") != [(backend,)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_connection_that_reports_go_by_keeps_more_pages_than_those_of_all_threads(database: None) -> None:
    with db.transaction(readonly=True):
        [(usual,)] = read("PRAGMA cache_size")
    with db.plain_transaction():
        assert read("PRAGMA cache_size") == [(6 * usual,)]


def _name() -> str:
    with db.transaction(readonly=True):
        return str(db.session.scalar(select(Organization.name)))


def test_a_reading_transaction_cannot_write(database: None) -> None:
    with pytest.raises(DBAPIError), db.transaction(readonly=True):
        a_user()
        db.session.flush()
    with db.transaction():
        a_user()  # the connection can write again


def test_read_modify_write_by_many_threads_loses_nothing(database: None) -> None:
    with db.transaction():
        db.session.add(NumberSeries(name="test"))

    def count() -> None:
        for _ in range(25):
            with db.transaction():
                db.session.get_one(NumberSeries, "test", with_for_update=True).last += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction(readonly=True):
        assert db.session.get_one(NumberSeries, "test").last == 100


def test_times_come_back_aware_and_in_utc(database: None) -> None:
    noon = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with db.transaction():
        user = a_user()
        user.created_at = noon
    with db.transaction(readonly=True):
        stored = db.session.get_one(User, user.id).created_at
    assert stored == noon and stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(database: None) -> None:
    with pytest.raises(StatementError, match="without a zone"), db.transaction():
        a_user().created_at = datetime(2026, 11, 20)  # noqa: DTZ001  # the point of the test
        db.session.flush()


@pytest.mark.parametrize("value", ["0", "0.000001", "-1.5", "9007199254.740993", "123456789012.123456"])
def test_quantities_are_stored_to_the_last_millionth(value: str) -> None:
    column = db.Quantity()
    bound = column.process_bind_param(Decimal(value), None)  # type: ignore[arg-type]  # no dialect needed
    assert column.process_result_value(bound, None) == Decimal(value)  # type: ignore[arg-type]


def test_a_seventh_decimal_is_refused() -> None:
    with pytest.raises(ValueError, match="six decimal places"):
        db.Quantity().process_bind_param(Decimal("0.0000001"), None)  # type: ignore[arg-type]


def test_sqlite_waits_its_turn_and_keeps_what_it_promises(database: None) -> None:
    if db.engine().dialect.name != "sqlite":
        return
    with db.engine().connect() as connection:
        pragma = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in (
            "journal_mode", "synchronous", "foreign_keys", "busy_timeout",
        )}  # fmt: skip
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


def test_two_who_have_each_added_to_a_thing_can_take_turns_with_it(database: None) -> None:
    if db.engine().dialect.name == "sqlite":
        return
    with db.transaction():
        id = an_organization().id
    added = threading.Barrier(2)

    def act() -> None:
        organization = db.session.get_one(Organization, id)
        a_member(organization)
        added.wait()
        db.lock(organization)

    assert together(act, act) == [None, None]


def test_a_writer_takes_the_lock_soon_after_it_is_free(database: None) -> None:
    if db.engine().dialect.name != "sqlite":
        return
    waited: list[float] = []

    def write() -> None:
        started = time.monotonic()
        with db.transaction():
            db.session.execute(text("SELECT 1"))
            waited.append(time.monotonic() - started)

    with db.transaction():
        db.session.execute(text("SELECT 1"))
        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(0.3)
        assert waited == []
    for writer in writers:
        writer.join()
    assert len(waited) == 4 and max(waited) < 5


def test_rows_are_found_by_their_index_where_that_is_asked_for(database: None) -> None:
    """A table that was looked at while it was empty is read whole otherwise, for every row that refers to it."""
    if not db.on_postgresql():
        with db.transaction():
            db.by_index()  # nothing to ask for: SQLite looks for indexes first
            assert "INDEX" in plan_of_a_look_up("EXPLAIN QUERY PLAN")
        return
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE number_series"))
    with db.transaction():
        assert "Seq Scan" in plan_of_a_look_up("EXPLAIN")
        db.by_index()
        assert "Index" in plan_of_a_look_up("EXPLAIN")
    with db.transaction():
        assert "Seq Scan" in plan_of_a_look_up("EXPLAIN")


def plan_of_a_look_up(explain: str) -> str:
    rows = db.session.execute(text(f"{explain} SELECT last FROM number_series WHERE name = 'bills'"))
    return " ".join(str(row) for row in rows)
