"""The database's own refusal to change the trail, on both databases.

Rows can be added; nothing else. The one exception is erasure: in rows of a person the name, the address and the
salt may be replaced by their erased forms. Somebody who may alter tables can drop a trigger, which is
what the chain is for. Migrations carry the same statements as they were at the time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import DDL, Table, event

from market import db

FORGOTTEN = "—"
#: table -> dialect -> statements that make its triggers, in order.
CREATE: dict[str, dict[str, list[str]]] = {}
#: table -> dialect -> statements that remove what the table's own end leaves behind.
DROP: dict[str, dict[str, list[str]]] = {}

#: What erasure may change: the salt to nothing, together with the texts that it salts.
_ACTOR, _SUBJECT = ("actor_salt", "actor_label", "address"), ("subject_salt", "subject_label")
_ERASED = {"actor_label": FORGOTTEN, "subject_label": FORGOTTEN}


def guard(*models: type[db.Base]) -> None:
    """Give these tables their triggers, whoever makes them: `create_all` or a migration."""
    for model in models:
        table = model.__table__
        assert isinstance(table, Table)
        CREATE[table.name] = {"sqlite": _sqlite(table), "postgresql": _postgresql(table)}
        DROP[table.name] = {"sqlite": [], "postgresql": [f"DROP FUNCTION IF EXISTS {table.name}_guard()"]}
        for moment, statements in (("after_create", CREATE), ("after_drop", DROP)):
            for dialect, texts in statements[table.name].items():
                for text in texts:
                    ddl = DDL(text)  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it
                    event.listen(table, moment, ddl.execute_if(dialect=dialect))


def _sqlite(table: Table) -> list[str]:
    refusal = f"BEGIN SELECT RAISE(ABORT, '{table.name} is only ever added to'); END"
    allowed = _allowed(table, "IS")
    return [
        f"CREATE TRIGGER {table.name}_no_delete BEFORE DELETE ON {table.name} {refusal}",
        f"CREATE TRIGGER {table.name}_no_update BEFORE UPDATE ON {table.name} WHEN NOT ({allowed}) {refusal}",
    ]


def _postgresql(table: Table) -> list[str]:
    allowed = _allowed(table, "IS NOT DISTINCT FROM")
    refusal = f"RAISE EXCEPTION '{table.name} is only ever added to'"
    body = f"BEGIN IF TG_OP = 'UPDATE' THEN IF {allowed} THEN RETURN NEW; END IF; END IF; {refusal}; END"
    run = f"EXECUTE FUNCTION {table.name}_guard()"
    return [
        f"CREATE OR REPLACE FUNCTION {table.name}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        f"CREATE TRIGGER {table.name}_only_added BEFORE UPDATE OR DELETE ON {table.name} FOR EACH ROW {run}",
        f"CREATE TRIGGER {table.name}_not_emptied BEFORE TRUNCATE ON {table.name} FOR EACH STATEMENT {run}",
    ]


def _allowed(table: Table, same: str) -> str:
    """The condition under which an UPDATE may pass: nothing but an erasure."""
    columns = [column.name for column in table.columns]
    erasable = [group for group in (_ACTOR, _SUBJECT) if set(group) <= set(columns)]
    if not erasable:
        return "1 = 0"
    fixed = [name for name in columns if not any(name in group for group in erasable)]
    return " AND ".join([_equal(fixed, same), *(f"({_equal(group, same)} OR {_erased(group)})" for group in erasable)])


def _equal(names: Sequence[str], same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in names)


def _erased(group: Sequence[str]) -> str:
    salt = group[0]
    emptied = [f"NEW.\"{name}\" = '{_ERASED.get(name, '')}'" for name in group]
    return " AND ".join([f"OLD.\"{salt}\" <> ''", *emptied])
