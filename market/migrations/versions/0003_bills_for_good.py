"""Bills for good: what was issued stays, credit notes, balances, refunds

Written by hand. On SQLite a column is added in place, and a CHECK of an existing table is exchanged in its own text.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    credited_bills()
    credit_notes()
    fapiao_tables()
    issued_things_stay()


def downgrade() -> None:
    issued_things_change()
    no_fapiao_tables()
    no_credit_notes()
    no_credited_bills()


# --- what a bill says of credit notes ----------------------------------------------------

PAID = "paid_fen >= 0 AND paid_fen + credited_fen <= gross_fen"
PAID_BEFORE = "paid_fen >= 0 AND paid_fen <= gross_fen"
CREDITED = "credited_fen >= 0"
RETURNED = "returned_fen >= 0 AND credited_fen + returned_fen <= gross_fen"


def credited_bills() -> None:
    for column, name, check in (("credited_fen", "credited_not_negative", CREDITED), ("returned_fen", "not_overcredited", RETURNED)):
        if on_sqlite():
            op.execute(
                f"ALTER TABLE bills ADD COLUMN {column} BIGINT DEFAULT '0' NOT NULL CONSTRAINT ck_bills_{name} CHECK ({check})"
            )
        else:
            op.add_column("bills", sa.Column(column, sa.BigInteger(), server_default="0", nullable=False))
            op.create_check_constraint(op.f(f"ck_bills_{name}"), "bills", check)
    known("bills", "not_overpaid", PAID_BEFORE, PAID)


def no_credited_bills() -> None:
    # What was credited no bill asks for; the older schema has no words for it but that it was paid.
    op.execute("UPDATE bills SET paid_fen = paid_fen + credited_fen, credited_fen = 0, returned_fen = 0")
    known("bills", "not_overpaid", PAID, PAID_BEFORE)
    # SQLite drops the CHECK with its column; PostgreSQL does so too.
    op.drop_column("bills", "returned_fen")
    op.drop_column("bills", "credited_fen")


# --- credit notes, balances, refunds -----------------------------------------------------


def credit_notes() -> None:
    op.create_table(
        "credit_proposals",
        sa.Column("id", BIG, nullable=False),
        sa.Column("bill_id", BIG, nullable=False),
        sa.Column("status", words("status_known", "proposed", "approved", "rejected"), nullable=False),
        sa.Column("reason", words("creditreason_known", "usage_corrected", "prepaid_unused", "wrong_usage", "wrong_price", "not_delivered", "service_level", "agreed", "other"), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("destination", words("destination_known", "balance", "refund"), nullable=False),
        sa.Column("cuts", JSON, nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("asked_by_id", BIG, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by_id", BIG, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("gross_fen > 0", name=op.f("ck_credit_proposals_amount_positive")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_credit_proposals_bill_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["users.id"], name=op.f("fk_credit_proposals_asked_by_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_credit_proposals_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_proposals")),
        sa.UniqueConstraint("request_key", name=op.f("uq_credit_proposals_request_key")),
    )  # fmt: skip
    op.create_index("ix_credit_proposals_bill_id", "credit_proposals", ["bill_id"])
    op.create_index("ix_credit_proposals_status", "credit_proposals", ["status", "id"])
    op.create_table(
        "credit_notes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("bill_id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("status", words("status_known", "issued", "awaiting_red_fapiao", "settled", "void"), nullable=False),
        sa.Column("source", words("source_known", "correction", "termination", "administrator"), nullable=False),
        sa.Column("reason", words("creditreason_known", "usage_corrected", "prepaid_unused", "wrong_usage", "wrong_price", "not_delivered", "service_level", "agreed", "other"), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("offset_fen", sa.BigInteger(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("proposal_id", BIG, nullable=True),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("voided_at", MOMENT, nullable=True),
        sa.Column("void_reason", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("offset_fen >= 0 AND balance_fen >= 0 AND refund_fen >= 0 AND offset_fen + balance_fen + refund_fen = gross_fen", name=op.f("ck_credit_notes_all_of_it_goes_somewhere")),
        sa.CheckConstraint("gross_fen > 0 AND gross_fen = net_fen + tax_fen", name=op.f("ck_credit_notes_split_adds_up")),
        sa.CheckConstraint("(status = 'void') = (voided_at IS NOT NULL)", name=op.f("ck_credit_notes_void_has_its_day")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_credit_notes_bill_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_credit_notes_organization_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["credit_proposals.id"], name=op.f("fk_credit_notes_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_notes_number")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_credit_notes_proposal_id")),
    )  # fmt: skip
    op.create_index("ix_credit_notes_bill_id", "credit_notes", ["bill_id"])
    op.create_index("ix_credit_notes_organization_id", "credit_notes", ["organization_id", "id"])
    op.create_table(
        "credit_note_lines",
        sa.Column("id", BIG, nullable=False),
        sa.Column("credit_note_id", BIG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("bill_line_id", BIG, nullable=False),
        sa.Column("about_line_id", BIG, nullable=False),
        sa.Column("provider_id", BIG, nullable=False),
        sa.Column("tax_rate", sa.String(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("net_fen >= 0 AND tax_fen >= 0", name=op.f("ck_credit_note_lines_parts_not_negative")),
        sa.CheckConstraint("gross_fen > 0 AND gross_fen = net_fen + tax_fen", name=op.f("ck_credit_note_lines_split_adds_up")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["credit_notes.id"], name=op.f("fk_credit_note_lines_credit_note_id")),
        sa.ForeignKeyConstraint(["bill_line_id"], ["bill_lines.id"], name=op.f("fk_credit_note_lines_bill_line_id")),
        sa.ForeignKeyConstraint(["about_line_id"], ["bill_lines.id"], name=op.f("fk_credit_note_lines_about_line_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_credit_note_lines_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note_lines")),
        sa.UniqueConstraint("credit_note_id", "position", name=op.f("uq_credit_note_lines_credit_note_id_position")),
    )  # fmt: skip
    op.create_index("ix_credit_note_lines_about_line_id", "credit_note_lines", ["about_line_id"])
    op.create_index("ix_credit_note_lines_bill_line_id", "credit_note_lines", ["bill_line_id"])
    op.create_index("ix_credit_note_lines_provider_id", "credit_note_lines", ["provider_id", "credit_note_id"])
    op.create_table(
        "refund_requests",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("credit_note_id", BIG, nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", words("status_known", "pending", "succeeded", "failed", "canceled"), nullable=False),
        sa.Column("request_key", sa.String(), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("bank_reference", sa.String(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("settled_by_id", BIG, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund_requests_amount_positive")),
        sa.CheckConstraint("(status = 'succeeded') = (bank_reference IS NOT NULL)", name=op.f("ck_refund_requests_paid_has_a_reference")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_refund_requests_organization_id")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["credit_notes.id"], name=op.f("fk_refund_requests_credit_note_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["users.id"], name=op.f("fk_refund_requests_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_requests")),
        sa.UniqueConstraint("bank_reference", name=op.f("uq_refund_requests_bank_reference")),
        sa.UniqueConstraint("credit_note_id", name=op.f("uq_refund_requests_credit_note_id")),
        sa.UniqueConstraint("request_key", name=op.f("uq_refund_requests_request_key")),
    )  # fmt: skip
    op.create_index("ix_refund_requests_organization_id", "refund_requests", ["organization_id", "id"])
    op.create_index("ix_refund_requests_status", "refund_requests", ["status", "id"])
    op.create_table(
        "balance_entries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", words("entrykind_known", "credit", "applied", "refund", "returned", "void"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("after_fen", sa.BigInteger(), nullable=False),
        sa.Column("credit_note_id", BIG, nullable=True),
        sa.Column("bill_id", BIG, nullable=True),
        sa.Column("refund_request_id", BIG, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("amount_fen <> 0 AND after_fen >= 0", name=op.f("ck_balance_entries_never_below_nothing")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_balance_entries_organization_id")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["credit_notes.id"], name=op.f("fk_balance_entries_credit_note_id")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_balance_entries_bill_id")),
        sa.ForeignKeyConstraint(["refund_request_id"], ["refund_requests.id"], name=op.f("fk_balance_entries_refund_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_entries")),
        sa.UniqueConstraint("organization_id", "number", name=op.f("uq_balance_entries_organization_id_number")),
    )  # fmt: skip
    op.create_index("ix_balance_entries_bill_id", "balance_entries", ["bill_id"])
    op.create_index("ix_balance_entries_credit_note_id", "balance_entries", ["credit_note_id"])


def no_credit_notes() -> None:
    for table in ("balance_entries", "refund_requests", "credit_note_lines", "credit_notes", "credit_proposals"):
        op.drop_table(table)


# --- fapiao ------------------------------------------------------------------------------


def fapiao_tables() -> None:
    op.create_table(
        "fapiao_titles",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tax_code", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("bank", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fapiao_titles_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fapiao_titles")),
        sa.UniqueConstraint("organization_id", "name", "tax_code", name=op.f("uq_fapiao_titles_organization_id_name_tax_code")),
    )  # fmt: skip
    one_of("uq_fapiao_titles_default", "fapiao_titles", ["organization_id"], "is_default")
    op.create_table(
        "fapiao_requests",
        sa.Column("id", BIG, nullable=False),
        sa.Column("bill_id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("provider_id", BIG, nullable=False),
        sa.Column("kind", words("fapiaokind_known", "special", "ordinary"), nullable=False),
        sa.Column("status", words("status_known", "requested", "issuing", "issued", "refused", "withdrawn", "red"), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("requested_by_id", BIG, nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("refusal", words("refusalreason_known", "title", "kind", "unpaid", "elsewhere", "amount", "credited", "other"), nullable=True),
        sa.Column("refusal_words", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("gross_fen = net_fen + tax_fen", name=op.f("ck_fapiao_requests_split_adds_up")),
        sa.CheckConstraint("gross_fen >= 0", name=op.f("ck_fapiao_requests_not_negative")),
        sa.CheckConstraint("(status = 'refused') = (refusal IS NOT NULL)", name=op.f("ck_fapiao_requests_refused_with_reason")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_fapiao_requests_bill_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fapiao_requests_organization_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_fapiao_requests_provider_id")),
        sa.ForeignKeyConstraint(["requested_by_id"], ["users.id"], name=op.f("fk_fapiao_requests_requested_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fapiao_requests")),
    )  # fmt: skip
    one_of("uq_fapiao_requests_part", "fapiao_requests", ["bill_id", "provider_id"], "status <> 'red'")
    op.create_index("ix_fapiao_requests_queue", "fapiao_requests", ["provider_id", "status", "due_on"])
    op.create_index("ix_fapiao_requests_mine", "fapiao_requests", ["organization_id", "requested_at"])
    op.create_table(
        "fapiao_amounts",
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("tax_rate", sa.String(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("gross_fen = net_fen + tax_fen", name=op.f("ck_fapiao_amounts_split_adds_up")),
        sa.ForeignKeyConstraint(["request_id"], ["fapiao_requests.id"], name=op.f("fk_fapiao_amounts_request_id")),
        sa.PrimaryKeyConstraint("request_id", "tax_rate", name=op.f("pk_fapiao_amounts")),
    )
    op.create_table(
        "fapiaos",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("red", sa.Boolean(), nullable=False),
        sa.Column("red_reason", words("redreason_known", "wrong", "returned", "ended", "allowance"), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("credit_note_id", BIG, nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("net_fen", sa.BigInteger(), nullable=False),
        sa.Column("tax_fen", sa.BigInteger(), nullable=False),
        sa.Column("document_id", BIG, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=True),
        sa.Column("recorded_by_id", BIG, nullable=True),
        sa.CheckConstraint("gross_fen = net_fen + tax_fen AND gross_fen > 0", name=op.f("ck_fapiaos_split_adds_up")),
        sa.CheckConstraint("red OR number IS NOT NULL", name=op.f("ck_fapiaos_blue_has_a_number")),
        sa.CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name=op.f("ck_fapiaos_dated_with_number")),
        sa.CheckConstraint("red = (red_reason IS NOT NULL)", name=op.f("ck_fapiaos_red_with_reason")),
        sa.ForeignKeyConstraint(["request_id"], ["fapiao_requests.id"], name=op.f("fk_fapiaos_request_id")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["credit_notes.id"], name=op.f("fk_fapiaos_credit_note_id")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_fapiaos_document_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["users.id"], name=op.f("fk_fapiaos_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fapiaos")),
        sa.UniqueConstraint("number", name=op.f("uq_fapiaos_number")),
        sa.UniqueConstraint("request_id", "credit_note_id", name=op.f("uq_fapiaos_request_id_credit_note_id")),
    )
    one_of("uq_fapiaos_blue", "fapiaos", ["request_id"], "NOT red")
    op.create_index("ix_fapiaos_request_id", "fapiaos", ["request_id"])
    op.create_index("ix_fapiaos_credit_note_id", "fapiaos", ["credit_note_id"])


def no_fapiao_tables() -> None:
    for table in ("fapiaos", "fapiao_amounts", "fapiao_requests", "fapiao_titles"):
        op.drop_table(table)


def one_of(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# --- what was issued stays ---------------------------------------------------------------

FIXED = {
    "bills": (
        "id", "organization_id", "period_start", "period_end", "number", "gross_fen", "net_fen", "tax_fen", "cutoff",
        "issued_at", "due_at", "parties",
    ),
    "credit_notes": (
        "id", "number", "bill_id", "organization_id", "source", "reason", "note", "gross_fen", "net_fen", "tax_fen",
        "offset_fen", "balance_fen", "refund_fen", "proposal_id", "issued_at",
    ),
    "balance_entries": (
        "id", "organization_id", "number", "kind", "amount_fen", "after_fen", "credit_note_id", "bill_id",
        "refund_request_id", "at",
    ),
}  # fmt: skip
PARTS = ("bill_lines", "bill_taxes")
MORE = (
    "(SELECT sum(gross_fen) FROM credit_note_lines WHERE credit_note_id = NEW.credit_note_id) > "
    "(SELECT gross_fen FROM credit_notes WHERE id = NEW.credit_note_id)"
)


def issued_things_stay() -> None:
    for table, columns in FIXED.items():
        kept(table, columns, "number" if table == "bills" else "")
    for table in PARTS:
        parts_kept(table)
    whole_kept("credit_note_lines")


def issued_things_change() -> None:
    """Let go of the tables that stay; those that go take their triggers along, but not the functions."""
    if on_sqlite():
        for trigger in ("bills_no_delete", "bills_no_update"):
            op.execute(f"DROP TRIGGER {trigger}")
        for table in PARTS:
            for moment in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{moment}")
        return
    for table in (*FIXED, *PARTS, "credit_note_lines"):
        op.execute(f"DROP FUNCTION {table}_guard() CASCADE")


def kept(table: str, columns: tuple[str, ...], once: str) -> None:
    if on_sqlite():
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} stay as issued'); END"
        issued, same = f"OLD.{once} IS NOT NULL" if once else "1 = 1", equal(columns, "IS")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN {issued} {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN {issued} AND NOT ({same}) {refusal}")
        return
    same = equal(columns, "IS NOT DISTINCT FROM")
    draft = f"IF TG_OP <> 'TRUNCATE' THEN IF OLD.{once} IS NULL THEN RETURN COALESCE(NEW, OLD); END IF; END IF; " if once else ""
    function(
        table,
        f"BEGIN {draft}IF TG_OP = 'UPDATE' THEN IF {same} THEN RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{table} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END",
    )
    run = f"EXECUTE FUNCTION {table}_guard()"
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}")


def parts_kept(table: str) -> None:
    if on_sqlite():
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} stay as issued'); END"
        new, old = (f"EXISTS (SELECT 1 FROM bills WHERE id = {row}.bill_id AND number IS NOT NULL)" for row in ("NEW", "OLD"))
        op.execute(f"CREATE TRIGGER {table}_no_insert BEFORE INSERT ON {table} WHEN {new} {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN {old} OR {new} {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN {old} {refusal}")
        return
    function(
        table,
        "BEGIN IF TG_OP <> 'TRUNCATE' THEN IF NOT EXISTS (SELECT 1 FROM touched JOIN bills ON bills.id = touched.bill_id "
        "WHERE bills.number IS NOT NULL) THEN RETURN NULL; END IF; END IF; "
        f"RAISE EXCEPTION '{table} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END",
    )
    run = f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_guard()"
    for name, moment, rows in (("added", "INSERT", "NEW"), ("changed", "UPDATE", "OLD"), ("moved", "UPDATE", "NEW"), ("removed", "DELETE", "OLD")):
        op.execute(f"CREATE TRIGGER {table}_{name} AFTER {moment} ON {table} REFERENCING {rows} TABLE AS touched {run}")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} {run}")


def whole_kept(table: str) -> None:
    if on_sqlite():
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} stay as issued'); END"
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_more AFTER INSERT ON {table} WHEN {MORE} {refusal}")
        return
    function(
        table,
        f"BEGIN IF TG_OP = 'INSERT' THEN IF NOT ({MORE}) THEN RETURN NULL; END IF; END IF; "
        f"RAISE EXCEPTION '{table} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END",
    )
    run = f"EXECUTE FUNCTION {table}_guard()"
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER {table}_no_more AFTER INSERT ON {table} FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}")


def function(table: str, body: str) -> None:
    op.execute(f"CREATE OR REPLACE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")


def equal(names: tuple[str, ...], same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in names)


# --- what both ways need -----------------------------------------------------------------


def words(name: str, *known: str) -> sa.Enum:
    return sa.Enum(*known, name=name, native_enum=False, create_constraint=True, length=32)


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


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
