"""Migrations make the schema that the models describe, the same on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, inspect, select, text

from market import db, ledger, schema
from market.billing import Reopening
from market.metering import partitions
from tests.builders.credit_notes import an_open_bill
from tests.builders.gateways import AT, a_dispute, by_card

Shape = dict[str, dict[str, Any]]


def shape_of(engine: Engine) -> Shape:
    """Everything the database itself says about its tables, in an order of its own."""
    look, triggers = inspect(engine), _triggers(engine)
    return {
        table: {
            "triggers": sorted(sql for name, sql in triggers if name == table),
            "columns": {
                column["name"]: (
                    str(column["type"].compile(engine.dialect)),
                    column["nullable"],
                    column.get("default") and str(column["default"]),
                )
                for column in look.get_columns(table)
            },
            "primary key": look.get_pk_constraint(table),
            "foreign keys": _sorted(look.get_foreign_keys(table)),
            "unique": _sorted(look.get_unique_constraints(table)),
            "indexes": _sorted(look.get_indexes(table)),
            "checks": sorted(
                (str(check["name"]), _squeeze(check["sqltext"]))
                for check in look.get_check_constraints(table)
            ),
        }
        for table in look.get_table_names()
        if table != "alembic_version" and table.removesuffix("_default") not in partitions.DEFAULTS.keys() - {table}
    }


#: Table and source of each trigger, on PostgreSQL with its function.
_TRIGGERS = {
    "sqlite": "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT tgrelid::regclass::text, pg_get_triggerdef(t.oid) || ' ' || prosrc
        FROM pg_trigger t JOIN pg_proc f ON f.oid = tgfoid WHERE NOT tgisinternal""",
}


def _triggers(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [(table, sql) for table, sql in connection.execute(text(_TRIGGERS[engine.dialect.name]))]


def _sorted(things: Any) -> list[str]:
    return sorted(_plain(thing) for thing in things)


def _plain(thing: Any) -> str:
    """Text that two equal descriptions share, whatever objects they are made of."""
    if isinstance(thing, dict):
        return "{" + ", ".join(f"{key}: {_plain(value)}" for key, value in sorted(thing.items())) + "}"
    if isinstance(thing, list | tuple):
        return "[" + ", ".join(map(_plain, thing)) + "]"
    return str(thing)


def _squeeze(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()


def test_migrations_make_what_the_models_say(database_url: str, tmp_path: Any, created_url: str) -> None:
    migrated, created = _shape_at(database_url), _shape_at(created_url)
    assert set(migrated) == set(created) == set(schema.metadata.tables)
    for table in created:
        assert migrated[table] == created[table], table


def _shape_at(url: str) -> Shape:
    engine = create_engine(url)
    try:
        return shape_of(engine)
    finally:
        engine.dispose()


@pytest.fixture
def created_url(database_url: str, rooms: Callable[[str], Any]) -> Any:
    """A second database of the same kind, made from the models alone."""
    room = rooms("sqlite" if database_url.startswith("sqlite") else "postgresql")
    url = room.fresh()
    engine = create_engine(url)
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        schema.metadata.create_all(connection)
    engine.dispose()
    yield url
    room.drop(url)


def test_every_check_reaches_the_database(database_url: str) -> None:
    # Autogenerate leaves CHECKs out without a word, so their names are compared with the models' own.
    found = _shape_at(database_url)
    for table in schema.metadata.tables.values():
        named = {str(c.name) for c in table.constraints if "check" in c.__visit_name__ and c.name}
        assert named <= {name for name, _ in found[table.name]["checks"]}, table.name


def test_the_trail_is_guarded_by_the_database_itself(database_url: str) -> None:
    found = _shape_at(database_url)
    for table in ("audit_events", "audit_links", "audit_heads"):
        assert found[table]["triggers"], table


def test_a_fresh_database_is_current(database: None) -> None:
    assert schema.is_current()
    schema.upgrade()
    assert schema.is_current()


def test_going_down_and_up_again_ends_where_it_began(database_url: str) -> None:
    before = _shape_at(database_url)
    config = schema.alembic_config()
    db.connect(database_url)
    with db.engine().begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    schema.upgrade()
    db.disconnect()
    assert _shape_at(database_url) == before


def test_what_lost_disputes_had_reopened_is_taken_over(database: None) -> None:
    def reopened() -> list[Any]:
        with db.transaction(readonly=True):
            assert list(ledger.verify()) == []
            columns = (Reopening.bill_id, Reopening.amount_fen, Reopening.was_paid, Reopening.payment_id, Reopening.at)
            return [tuple(row) for row in db.session.execute(select(*columns).order_by(Reopening.id))]

    with db.transaction():
        whole, part = an_open_bill("150.00"), an_open_bill("150.00")
        for bill, paid, fen in ((whole, 15000, 15000), (part, 10000, 4000), (None, 700, 700)):
            a_dispute(by_card(whole.organization if bill is None else bill.organization, paid, bill), fen, "lost")
        ledger.post_due(AT)
    before = reopened()
    assert [row[:3] for row in before] == [(whole.id, 15000, True), (part.id, 4000, False)]
    config = schema.alembic_config()
    with db.engine().begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        kept = connection.execute(text("SELECT bill_fen, bill_was_paid FROM disputes ORDER BY id")).all()
    assert [(fen, bool(was_paid)) for fen, was_paid in kept] == [(15000, True), (4000, False), (0, False)]
    schema.upgrade()
    assert reopened() == before
    with db.transaction():
        an_open_bill("150.00")  # what the connection had prepared before is gone, and it knows


def test_times_have_a_zone_and_money_is_whole() -> None:
    for table in schema.metadata.tables.values():
        for column in table.columns:
            kind = type(column.type).__name__
            if column.name.endswith("_fen"):
                assert kind in ("BigInteger", "BigInt"), f"{table.name}.{column.name}"
            assert kind not in ("DateTime", "Numeric", "Float"), f"{table.name}.{column.name} is {kind}"
