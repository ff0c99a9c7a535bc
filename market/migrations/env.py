"""Runs migrations on the connection that `schema.upgrade` passes in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers
from alembic.operations.ops import CreateTableOp, MigrateOperation, MigrationScript
from sqlalchemy import JSON
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from market import db, roundtrip, schema
from market.audit import triggers
from market.metering import partitions


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write this project's column types as plain ones, so that old migrations never change."""
    if kind != "type":
        return False
    if isinstance(item, db.UTCDateTime):
        return "sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), 'postgresql')"
    if isinstance(item, db.Quantity):
        return "sa.BigInteger()"
    if isinstance(item, db.Digest):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.LargeBinary(16).with_variant(postgresql.UUID(), 'postgresql')"
    if isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


class Statements(MigrateOperation):
    """Statements for each dialect, written into the migration as they are now."""

    def __init__(self, of_dialect: dict[str, list[str]]) -> None:
        self.of_dialect = of_dialect


@renderers.dispatch_for(Statements)
def render_statements(_autogen: AutogenContext, operation: Statements) -> list[str]:
    """A line for each statement: the writer of migrations indents by itself what follows a line with an `if`."""
    return [
        f"op.execute({text!r}) if op.get_context().dialect.name == {dialect!r} else None"
        for dialect, texts in operation.of_dialect.items()
        for text in texts
    ]


_DIALECTS = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def complete(_context: Any, _revision: Any, directives: list[MigrationScript]) -> None:
    """What autogenerate does not know: the triggers of guarded tables, and partitions."""
    for script in directives:
        assert script.upgrade_ops is not None and script.downgrade_ops is not None
        made = [step.table_name for step in script.upgrade_ops.ops if isinstance(step, CreateTableOp)]
        for table in made:
            if table in triggers.CREATE:
                script.upgrade_ops.ops.append(Statements(triggers.CREATE[table]))
                script.downgrade_ops.ops.append(Statements(triggers.DROP[table]))
        script.upgrade_ops.ops[:] = [
            Statements(_partitioned(step.table_name))
            if isinstance(step, CreateTableOp) and step.table_name in partitions.DEFAULTS
            else step
            for step in script.upgrade_ops.ops
        ]


def _partitioned(table: str) -> dict[str, list[str]]:
    """The statements that make a partitioned table: autogenerate knows no key that only one dialect has."""
    create = CreateTable(schema.metadata.tables[table])
    written = {name: str(create.compile(dialect=dialect())) for name, dialect in _DIALECTS.items()}
    return {"sqlite": [written["sqlite"]], "postgresql": [written["postgresql"], partitions.DEFAULTS[table]]}


context.configure(
    process_revision_directives=complete,
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    render_item=render_item,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
roundtrip.forget(context.config.attributes["connection"].info)
