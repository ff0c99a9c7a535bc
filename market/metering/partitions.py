"""Months of events as partitions on PostgreSQL, so that an old one can be taken away whole.

There is always a default partition: no event is refused because its month has not been prepared.
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

from market import db

#: Tables that are partitions' parents, and the statement that gives each its default partition.
DEFAULTS: dict[str, str] = {}


def by_month(model: type[db.Base]) -> None:
    """Give this table its default partition, whoever makes it: `create_all` or a migration.

    The primary key is SQLite's only: PostgreSQL would want `at` in it, and needs it for nothing. Foreign
    keys stay out of both.
    """
    table = model.__table__
    assert isinstance(table, Table)
    table.primary_key.ddl_if(dialect="sqlite")
    for reference in table.foreign_key_constraints:
        reference.ddl_if(dialect="none")
    DEFAULTS[table.name] = f"CREATE TABLE {table.name}_default PARTITION OF {table.name} DEFAULT"
    ddl = DDL(DEFAULTS[table.name])  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it
    event.listen(table, "after_create", ddl.execute_if(dialect="postgresql"))
