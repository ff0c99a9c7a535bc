"""The database's own refusal to remove what was said or to put other words in somebody's mouth."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import DDL, Table, event

from market import db


def keep(model: type[db.Base], *, changing: Collection[str]) -> None:
    """Rows stay, with all but the columns `changing`. Migrations carry the same statements as they were at the time."""
    table = model.__table__
    assert isinstance(table, Table)
    fixed = [column.name for column in table.columns if column.name not in changing]
    texts = [("after_create", dialect, text) for dialect, make in _MADE.items() for text in make(table.name, fixed)]
    texts.append(("after_drop", "postgresql", f"DROP FUNCTION IF EXISTS {table.name}_guard()"))
    for moment, dialect, text in texts:
        ddl = DDL(text)  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it
        event.listen(table, moment, ddl.execute_if(dialect=dialect))


def _sqlite(name: str, fixed: Collection[str]) -> list[str]:
    refusal = f"BEGIN SELECT RAISE(ABORT, '{name} stay as written'); END"
    return [
        f"CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name} {refusal}",
        f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} WHEN NOT ({_same(fixed, 'IS')}) {refusal}",
    ]


def _postgresql(name: str, fixed: Collection[str]) -> list[str]:
    body = (
        f"BEGIN IF TG_OP = 'UPDATE' THEN IF {_same(fixed, 'IS NOT DISTINCT FROM')} THEN RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{name} stay as written' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    run = f"EXECUTE FUNCTION {name}_guard()"
    return [
        f"CREATE OR REPLACE FUNCTION {name}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        f"CREATE TRIGGER {name}_kept BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW {run}",
        f"CREATE TRIGGER {name}_not_emptied BEFORE TRUNCATE ON {name} FOR EACH STATEMENT {run}",
    ]


def _same(names: Collection[str], same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in names)


_MADE = {"sqlite": _sqlite, "postgresql": _postgresql}
