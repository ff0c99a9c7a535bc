"""Payments: the bank's statements, what went where, proofs of transfers

Written by hand. On SQLite a CHECK of an existing table is exchanged in its own text.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    bank_statements()


def downgrade() -> None:
    no_bank_statements()


# --- the bank's statements ---------------------------------------------------------------

ENTRIES = "kind IN ('credit', 'applied', 'refund', 'returned', 'void', 'deposit')"
ENTRIES_BEFORE = "kind IN ('credit', 'applied', 'refund', 'returned', 'void')"


def bank_statements() -> None:
    known("balance_entries", "entrykind_known", ENTRIES_BEFORE, ENTRIES)
    op.create_table(
        "bank_statements",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("document_id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.Column("status", words("status_known", "preview", "imported", "discarded"), nullable=False),
        sa.Column("uploaded_by_id", BIG, nullable=False),
        sa.Column("uploaded_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("faulty", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_bank_statements_document_id")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["users.id"], name=op.f("fk_bank_statements_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statements")),
        sa.UniqueConstraint("request_key", name=op.f("uq_bank_statements_request_key")),
    )
    op.create_index("ix_bank_statements_status", "bank_statements", ["status", "id"])
    op.create_table(
        "bank_layouts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("reversed", sa.Boolean(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("saved_by_id", BIG, nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["saved_by_id"], ["users.id"], name=op.f("fk_bank_layouts_saved_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_layouts")),
        sa.UniqueConstraint("signature", name=op.f("uq_bank_layouts_signature")),
    )
    bank_lines()
    op.create_table(
        "payer_names",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("added_by_id", BIG, nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["added_by_id"], ["users.id"], name=op.f("fk_payer_names_added_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payer_names_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payer_names")),
        sa.UniqueConstraint("key", name=op.f("uq_payer_names_key")),
    )
    op.create_index("ix_payer_names_organization_id", "payer_names", ["organization_id"])
    op.create_table(
        "payment_proofs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("payment_id", BIG, nullable=False),
        sa.Column("document_id", BIG, nullable=False),
        sa.Column("added_by_id", BIG, nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["added_by_id"], ["users.id"], name=op.f("fk_payment_proofs_added_by_id")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_payment_proofs_document_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_proofs_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_proofs")),
        sa.UniqueConstraint("document_id", name=op.f("uq_payment_proofs_document_id")),
    )
    op.create_index("ix_payment_proofs_payment_id", "payment_proofs", ["payment_id"])


def bank_lines() -> None:
    op.create_table(
        "bank_lines",
        sa.Column("id", BIG, nullable=False),
        sa.Column("statement_id", BIG, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payer_name", sa.String(), nullable=False),
        sa.Column("payer_account", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("status", words("status_known", "unmatched", "proposed", "booked", "returned"), nullable=False),
        sa.Column("reason", words("reason_known", "exact", "by_hand", "by_person", "other_amount", "nothing_owed", "other_name", "unknown_payer", "reference_taken", "outgoing"), nullable=False),
        sa.Column("organization_id", BIG, nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("return_reference", sa.String(), nullable=True),
        sa.Column("handled_by_id", BIG, nullable=True),
        sa.Column("handled_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_bank_lines_amount_not_nothing")),
        sa.CheckConstraint("(amount_fen < 0) = (reason = 'outgoing')", name=op.f("ck_bank_lines_outgoing_by_its_sign")),
        sa.CheckConstraint("(status = 'returned') = (return_reference IS NOT NULL)", name=op.f("ck_bank_lines_returned_has_a_reference")),
        sa.ForeignKeyConstraint(["handled_by_id"], ["users.id"], name=op.f("fk_bank_lines_handled_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_bank_lines_organization_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statements.id"], name=op.f("fk_bank_lines_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_lines")),
        sa.UniqueConstraint("key", name=op.f("uq_bank_lines_key")),
        sa.UniqueConstraint("return_reference", name=op.f("uq_bank_lines_return_reference")),
    )  # fmt: skip
    op.create_index("ix_bank_lines_organization_id", "bank_lines", ["organization_id", "id"])
    op.create_index("ix_bank_lines_statement_id", "bank_lines", ["statement_id", "line"])
    op.create_index("ix_bank_lines_status", "bank_lines", ["status", "id"])
    op.create_table(
        "bank_allocations",
        sa.Column("id", BIG, nullable=False),
        sa.Column("line_id", BIG, nullable=False),
        sa.Column("kind", words("allocationkind_known", "bill", "balance", "returned"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("arrival_id", BIG, nullable=True),
        sa.Column("balance_entry_id", BIG, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_bank_allocations_amount_positive")),
        sa.CheckConstraint(
            "(kind = 'bill') = (arrival_id IS NOT NULL) AND (kind = 'balance') = (balance_entry_id IS NOT NULL)",
            name=op.f("ck_bank_allocations_says_what_it_became"),
        ),
        sa.ForeignKeyConstraint(["arrival_id"], ["bank_arrivals.id"], name=op.f("fk_bank_allocations_arrival_id")),
        sa.ForeignKeyConstraint(["balance_entry_id"], ["balance_entries.id"], name=op.f("fk_bank_allocations_balance_entry_id")),
        sa.ForeignKeyConstraint(["line_id"], ["bank_lines.id"], name=op.f("fk_bank_allocations_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_allocations")),
        sa.UniqueConstraint("arrival_id", name=op.f("uq_bank_allocations_arrival_id")),
        sa.UniqueConstraint("balance_entry_id", name=op.f("uq_bank_allocations_balance_entry_id")),
    )
    op.create_index("ix_bank_allocations_line_id", "bank_allocations", ["line_id"])


def no_bank_statements() -> None:
    for table in ("payment_proofs", "payer_names", "bank_allocations", "bank_lines", "bank_layouts", "bank_statements"):
        op.drop_table(table)
    deposits_go()
    known("balance_entries", "entrykind_known", ENTRIES, ENTRIES_BEFORE)


def deposits_go() -> None:
    """The older schema has no word for money that came without a bill: it stands there as given back by a refund."""
    renamed = "UPDATE balance_entries SET kind = 'returned' WHERE kind = 'deposit'"
    if on_sqlite():
        found = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'balance_entries_no_update'")
        again = str(found.scalar_one())
        for statement in ("DROP TRIGGER balance_entries_no_update", renamed, again):
            op.execute(sa.text(statement.replace(":", "\\:")))
    else:
        for statement in ("DISABLE TRIGGER USER", None, "ENABLE TRIGGER USER"):
            op.execute(f"ALTER TABLE balance_entries {statement}" if statement else renamed)


# --- what all parts need -----------------------------------------------------------------


def known(table: str, name: str, before: str, after: str) -> None:
    """Exchange a CHECK: `known("bills", "not_overpaid", "paid_fen <= …", "paid_fen + …")`."""
    if on_sqlite():
        retype(table, {before: after})
    else:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, after)


def retype(table: str, words: dict[str, str]) -> None:
    """SQLite: other words in a table's definition that change nothing of how its rows are stored, such as a CHECK."""
    text = defined(table, words)
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.get_bind().exec_driver_sql("PRAGMA writable_schema = ON")
    op.get_bind().exec_driver_sql("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (text, table))
    op.get_bind().exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    op.get_bind().exec_driver_sql("PRAGMA writable_schema = OFF")


def defined(table: str, words: dict[str, str]) -> str:
    """SQLite's own text of a table with some words replaced; every one of them must stand in it."""
    found = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    text = str(found.scalar_one())
    for before, after in words.items():
        if text.count(before) != 1:
            raise RuntimeError(f"{table}: {before!r} stands {text.count(before)} times in its definition")
        text = text.replace(before, after)
    return text


def words(name: str, *known: str) -> sa.Enum:
    return sa.Enum(*known, name=name, native_enum=False, create_constraint=True, length=32)


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
