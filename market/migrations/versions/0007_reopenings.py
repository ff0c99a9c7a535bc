"""Payments: how bills came to be owed again

Written by hand.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
COLUMNS = ("id", "bill_id", "amount_fen", "was_paid", "payment_id", "at")


def upgrade() -> None:
    op.create_table(
        "bill_reopenings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("bill_id", BIG, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("was_paid", sa.Boolean(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_bill_reopenings_amount_positive")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_bill_reopenings_bill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_reopenings")),
    )
    op.create_index("ix_bill_reopenings_bill_id", "bill_reopenings", ["bill_id", "id"])
    op.create_index("ix_bill_reopenings_payment_id", "bill_reopenings", ["payment_id"])
    op.execute(
        "INSERT INTO bill_reopenings (bill_id, amount_fen, was_paid, payment_id, at) "
        "SELECT payments.bill_id, disputes.bill_fen, disputes.bill_was_paid, payments.id, disputes.closed_at "
        "FROM disputes JOIN payments ON payments.id = disputes.payment_id WHERE disputes.bill_fen > 0 ORDER BY disputes.id"
    )
    kept("bill_reopenings")
    op.drop_column("disputes", "bill_was_paid")


def downgrade() -> None:
    op.add_column("disputes", sa.Column("bill_was_paid", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE disputes SET bill_was_paid = (SELECT count(*) > 0 FROM bill_reopenings WHERE was_paid "
        "AND bill_reopenings.payment_id = disputes.payment_id AND bill_reopenings.at = disputes.closed_at) WHERE bill_fen > 0"
    )
    if not on_sqlite():
        op.alter_column("disputes", "bill_was_paid", server_default=None)
    op.drop_table("bill_reopenings")
    if not on_sqlite():
        op.execute("DROP FUNCTION bill_reopenings_guard()")


def kept(table: str) -> None:
    """Rows are only added: nothing of them changes, and none goes."""
    if on_sqlite():
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} stay as issued'); END"
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN 1 = 1 {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN 1 = 1 AND NOT ({equal('IS')}) {refusal}")
        return
    body = (
        f"BEGIN IF TG_OP = 'UPDATE' THEN IF {equal('IS NOT DISTINCT FROM')} THEN RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{table} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    op.execute(f"CREATE OR REPLACE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    run = f"EXECUTE FUNCTION {table}_guard()"
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}")


def equal(same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in COLUMNS)


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
