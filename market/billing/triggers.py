"""The database's own refusal to change what was issued, on both databases.

Of an issued bill only the state of payment changes, its lines and taxes not at all; a credit note and a movement of
a balance stay as they were written. Somebody who may alter tables can drop a trigger; for her there is the audit
trail. Migrations carry the same statements as they were at the time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import DDL, Table, event

from market import db


def keep(model: type[db.Base], *, changing: Collection[str] = (), once: str = "") -> None:
    """Rows stay, with all but the columns that go on `changing`; `once` names a column from whose being filled on."""
    table = _table(model)
    fixed = [column.name for column in table.columns if column.name not in changing]
    _attach(table, _kept_sqlite(table.name, fixed, once), _kept_postgresql(table.name, fixed, once))


def keep_parts(model: type[db.Base]) -> None:
    """The parts of a bill: nothing is added to an issued one, changed in it or taken from it."""
    table = _table(model)
    _attach(table, _parts_sqlite(table.name), _parts_postgresql(table.name))


def keep_whole(model: type[db.Base]) -> None:
    """The lines of a credit note: they stay, and they never come to more than the note."""
    table = _table(model)
    _attach(table, _whole_sqlite(table.name), _whole_postgresql(table.name))


def _table(model: type[db.Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _attach(table: Table, sqlite: Sequence[str], postgresql: Sequence[str]) -> None:
    texts = [("after_create", "sqlite", text) for text in sqlite]
    texts += [("after_create", "postgresql", text) for text in postgresql]
    texts.append(("after_drop", "postgresql", f"DROP FUNCTION IF EXISTS {table.name}_guard()"))
    for moment, dialect, text in texts:
        ddl = DDL(text)  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it
        event.listen(table, moment, ddl.execute_if(dialect=dialect))


def _kept_sqlite(name: str, fixed: Sequence[str], once: str) -> list[str]:
    refusal = f"BEGIN SELECT RAISE(ABORT, '{name} stay as issued'); END"
    issued, same = f"OLD.{once} IS NOT NULL" if once else "1 = 1", _same(fixed, "IS")
    return [
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} WHEN {issued} {refusal}",
        f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} WHEN {issued} AND NOT ({same}) {refusal}",
    ]


def _kept_postgresql(name: str, fixed: Sequence[str], once: str) -> list[str]:
    same = _same(fixed, "IS NOT DISTINCT FROM")
    draft = f"IF TG_OP <> 'TRUNCATE' THEN IF OLD.{once} IS NULL THEN RETURN COALESCE(NEW, OLD); END IF; END IF; " if once else ""
    body = (
        f"BEGIN {draft}IF TG_OP = 'UPDATE' THEN IF {same} THEN RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{name} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    return [
        _function(name, body),
        f"CREATE TRIGGER {name}_kept BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW {_run(name)}",
        f"CREATE TRIGGER {name}_not_emptied BEFORE TRUNCATE ON {name} FOR EACH STATEMENT {_run(name)}",
    ]


def _parts_sqlite(name: str) -> list[str]:
    refusal = f"BEGIN SELECT RAISE(ABORT, '{name} stay as issued'); END"

    def issued(row: str) -> str:
        return f"EXISTS (SELECT 1 FROM bills WHERE id = {row}.bill_id AND number IS NOT NULL)"

    return [
        f"CREATE TRIGGER {name}_no_insert BEFORE INSERT ON {name} WHEN {issued('NEW')} {refusal}",
        f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} WHEN {issued('OLD')} OR {issued('NEW')} {refusal}",
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} WHEN {issued('OLD')} {refusal}",
    ]


def _parts_postgresql(name: str) -> list[str]:
    """For each statement, not for each row: a month close writes hundreds of thousands of lines."""
    body = (
        "BEGIN IF TG_OP <> 'TRUNCATE' THEN IF NOT EXISTS (SELECT 1 FROM touched JOIN bills ON bills.id = touched.bill_id "
        "WHERE bills.number IS NOT NULL) THEN RETURN NULL; END IF; END IF; "
        f"RAISE EXCEPTION '{name} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    each = f"REFERENCING {{}} TABLE AS touched FOR EACH STATEMENT {_run(name)}"
    return [
        _function(name, body),
        f"CREATE TRIGGER {name}_added AFTER INSERT ON {name} {each.format('NEW')}",
        f"CREATE TRIGGER {name}_changed AFTER UPDATE ON {name} {each.format('OLD')}",
        f"CREATE TRIGGER {name}_moved AFTER UPDATE ON {name} {each.format('NEW')}",
        f"CREATE TRIGGER {name}_removed AFTER DELETE ON {name} {each.format('OLD')}",
        f"CREATE TRIGGER {name}_not_emptied BEFORE TRUNCATE ON {name} FOR EACH STATEMENT {_run(name)}",
    ]


_MORE = "(SELECT sum(gross_fen) FROM credit_note_lines WHERE credit_note_id = NEW.credit_note_id) > (SELECT gross_fen FROM credit_notes WHERE id = NEW.credit_note_id)"


def _whole_sqlite(name: str) -> list[str]:
    refusal = f"BEGIN SELECT RAISE(ABORT, '{name} stay as issued'); END"
    return [
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} {refusal}",
        f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} {refusal}",
        f"CREATE TRIGGER {name}_no_more AFTER INSERT ON {name} WHEN {_MORE} {refusal}",
    ]


def _whole_postgresql(name: str) -> list[str]:
    body = (
        f"BEGIN IF TG_OP = 'INSERT' THEN IF NOT ({_MORE}) THEN RETURN NULL; END IF; END IF; "
        f"RAISE EXCEPTION '{name} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    return [
        _function(name, body),
        f"CREATE TRIGGER {name}_kept BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW {_run(name)}",
        f"CREATE TRIGGER {name}_no_more AFTER INSERT ON {name} FOR EACH ROW {_run(name)}",
        f"CREATE TRIGGER {name}_not_emptied BEFORE TRUNCATE ON {name} FOR EACH STATEMENT {_run(name)}",
    ]


def _function(name: str, body: str) -> str:
    return f"CREATE OR REPLACE FUNCTION {name}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"


def _run(name: str) -> str:
    return f"EXECUTE FUNCTION {name}_guard()"


def _same(names: Sequence[str], same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in names)
