"""Runs migrations on the connection that `schema.upgrade` passes in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from market import db, schema


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write this project's column types as plain ones, so that old migrations never change."""
    if kind != "type":
        return False
    if isinstance(item, db.UTCDateTime):
        return "sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), 'postgresql')"
    if isinstance(item, db.Quantity):
        return "sa.BigInteger()"
    if isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    render_item=render_item,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
