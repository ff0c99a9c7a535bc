"""Payments: the books, the bank's statements

Written by hand. On SQLite a CHECK of an existing table is exchanged in its own text.
"""

from __future__ import annotations

from typing import Any

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
    balance_lots()
    ledger()
    gateways()
    suspensions()
    dunning()


def downgrade() -> None:
    no_dunning()
    no_suspensions()
    no_gateways()
    no_ledger()
    no_balance_lots()
    no_bank_statements()


# --- the books ---------------------------------------------------------------------------

ACCOUNTS = ("id", "kind", "organization_id", "provider_id", "gateway")
POSTINGS = ("id", "event", "subject_id", "position", "debit_id", "credit_id", "amount_fen", "bill_id", "rate", "at", "posted_at")


def ledger() -> None:
    """What was issued, paid and credited before is posted by `market ledger post`, or by the worker when it starts."""
    op.create_table(
        "ledger_accounts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", words("accountkind_known", "receivable", "cash", "unmatched", "disputed", "balance", "granted", "grants", "refunds", "unpaid", "payable", "commission"), nullable=False),
        sa.Column("organization_id", BIG, nullable=True),
        sa.Column("provider_id", BIG, nullable=True),
        sa.Column("gateway", sa.String(), nullable=True),
        sa.CheckConstraint("(kind IN ('receivable', 'balance', 'granted', 'grants', 'refunds')) = (organization_id IS NOT NULL)", name=op.f("ck_ledger_accounts_organization_where_it_is_hers")),
        sa.CheckConstraint("(kind IN ('unpaid', 'payable', 'commission')) = (provider_id IS NOT NULL)", name=op.f("ck_ledger_accounts_provider_where_it_is_hers")),
        sa.CheckConstraint("(kind IN ('cash', 'unmatched', 'disputed')) = (gateway IS NOT NULL)", name=op.f("ck_ledger_accounts_gateway_where_it_is_hers")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_ledger_accounts_organization_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_ledger_accounts_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("kind", "organization_id", name=op.f("uq_ledger_accounts_kind_organization_id")),
        sa.UniqueConstraint("kind", "provider_id", name=op.f("uq_ledger_accounts_kind_provider_id")),
        sa.UniqueConstraint("kind", "gateway", name=op.f("uq_ledger_accounts_kind_gateway")),
    )  # fmt: skip
    op.create_index("ix_ledger_accounts_organization_id", "ledger_accounts", ["organization_id"])
    op.create_index("ix_ledger_accounts_provider_id", "ledger_accounts", ["provider_id"])
    op.create_table(
        "ledger_postings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("event", words("event_known", "bill_issued", "bill_paid", "payment_arrived", "transfer_taken", "transfer_settled", "deposited", "granted", "expired", "balance_used", "refund_asked", "refund_returned", "refund_paid", "credit_issued", "credit_voided", "dispute_opened", "dispute_won", "dispute_lost", "dispute_settled"), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("debit_id", BIG, nullable=False),
        sa.Column("credit_id", BIG, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("bill_id", BIG, nullable=True),
        sa.Column("rate", sa.String(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("posted_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_ledger_postings_amount_positive")),
        sa.CheckConstraint("debit_id <> credit_id", name=op.f("ck_ledger_postings_between_two")),
        sa.ForeignKeyConstraint(["debit_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_postings_debit_id")),
        sa.ForeignKeyConstraint(["credit_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_postings_credit_id")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_ledger_postings_bill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_postings")),
        sa.UniqueConstraint("event", "subject_id", "position", name=op.f("uq_ledger_postings_event_subject_id_position")),
    )  # fmt: skip
    op.create_index("ix_ledger_postings_debit_id", "ledger_postings", ["debit_id", "id"])
    op.create_index("ix_ledger_postings_credit_id", "ledger_postings", ["credit_id", "id"])
    op.create_index("ix_ledger_postings_bill_id", "ledger_postings", ["bill_id"])
    kept("ledger_accounts", ACCOUNTS)
    kept("ledger_postings", POSTINGS)


def no_ledger() -> None:
    # Nothing is lost: the books follow from what they are about, and are posted again after the next upgrade.
    for table in ("ledger_postings", "ledger_accounts"):
        op.drop_table(table)
        if not on_sqlite():
            op.execute(f"DROP FUNCTION {table}_guard()")


# --- the bank's statements ---------------------------------------------------------------

ENTRIES = "kind IN ('credit', 'applied', 'refund', 'returned', 'void', 'deposit', 'disputed', 'granted', 'expired')"
LINES = ("id", "statement_id", "line", "key", "account", "booked_on", "amount_fen", "payer_name", "payer_account", "reference", "remark")
ALLOCATIONS = ("id", "line_id", "kind", "amount_fen", "arrival_id", "balance_entry_id", "at")
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
        sa.Column("refund_request_id", BIG, nullable=True),
        sa.Column("handled_by_id", BIG, nullable=True),
        sa.Column("handled_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_bank_lines_amount_not_nothing")),
        sa.CheckConstraint("(amount_fen < 0) = (reason = 'outgoing')", name=op.f("ck_bank_lines_outgoing_by_its_sign")),
        sa.CheckConstraint("(status = 'returned') = (return_reference IS NOT NULL)", name=op.f("ck_bank_lines_returned_has_a_reference")),
        sa.ForeignKeyConstraint(["handled_by_id"], ["users.id"], name=op.f("fk_bank_lines_handled_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_bank_lines_organization_id")),
        sa.ForeignKeyConstraint(["refund_request_id"], ["refund_requests.id"], name=op.f("fk_bank_lines_refund_request_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statements.id"], name=op.f("fk_bank_lines_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_lines")),
        sa.UniqueConstraint("key", name=op.f("uq_bank_lines_key")),
        sa.UniqueConstraint("refund_request_id", name=op.f("uq_bank_lines_refund_request_id")),
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
    kept("bank_lines", LINES)
    kept("bank_allocations", ALLOCATIONS)


def no_bank_statements() -> None:
    for table in ("payment_proofs", "payer_names", "bank_allocations", "bank_lines", "bank_layouts", "bank_statements"):
        op.drop_table(table)
    if not on_sqlite():
        for table in ("bank_lines", "bank_allocations"):
            op.execute(f"DROP FUNCTION {table}_guard()")
    deposits_go()
    known("balance_entries", "entrykind_known", ENTRIES, ENTRIES_BEFORE)


def deposits_go() -> None:
    """The older schema has no word for money that came without a bill, was given or taken back: it stands there as given
    back by a refund, or as paid back."""
    renamed = (
        "UPDATE balance_entries SET kind = CASE WHEN amount_fen > 0 THEN 'returned' ELSE 'refund' END "
        "WHERE kind IN ('deposit', 'disputed', 'granted', 'expired')"
    )
    if not on_sqlite():
        op.execute("ALTER TABLE balance_entries DISABLE TRIGGER USER")
        op.execute(renamed)
        op.execute("ALTER TABLE balance_entries ENABLE TRIGGER USER")
        return
    run = op.get_bind().exec_driver_sql
    again = run("SELECT sql FROM sqlite_master WHERE name = 'balance_entries_no_update'").scalar_one()
    for statement in ("DROP TRIGGER balance_entries_no_update", renamed, str(again)):
        run(statement)


# --- payments through gateways, their refunds, disputes and news ---------------------------

PAYMENT_CHECKS = {
    "bill_where_it_pays_one": "(purpose = 'bill') = (bill_id IS NOT NULL)",
    "paymentpurpose_known": "purpose IN ('bill', 'top_up')",
}
REQUESTS_BEFORE = "status IN ('pending', 'succeeded', 'failed', 'canceled')"
REQUESTS = "status IN ('pending', 'processing', 'succeeded', 'failed', 'canceled')"
PAYMENT_KEYS = {"organization_id": "organizations", "card_id": "saved_cards", "balance_entry_id": "balance_entries"}
AMOUNT_POSITIVE = "CONSTRAINT ck_payments_amount_positive CHECK (amount_fen > 0)"


def more_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("organization_id", BIG, nullable=True),
        sa.Column("purpose", sa.String(32), server_default="bill", nullable=False),
        sa.Column("way", sa.String(), server_default="", nullable=False),
        sa.Column("failure_code", sa.String(), server_default="", nullable=False),
        sa.Column("request_key", sa.String(), nullable=True),
        sa.Column("card_id", BIG, nullable=True),
        sa.Column("unattended", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("balance_entry_id", BIG, nullable=True),
        sa.Column("save_card", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("intent_id", sa.String(), nullable=True),
        sa.Column("page_url", sa.String(), server_default="", nullable=False),
        sa.Column("held", sa.String(), server_default="", nullable=False),
        sa.Column("ask_at", MOMENT, nullable=True),
        sa.Column("asked_times", sa.Integer(), server_default="0", nullable=False),
    ]


def payment_constraints() -> str:
    """SQLite: what is said of the new columns, behind a CHECK that is there."""
    checks = [f"CONSTRAINT ck_payments_{name} CHECK ({rule})" for name, rule in PAYMENT_CHECKS.items()]
    keys = [f"CONSTRAINT fk_payments_{column} FOREIGN KEY({column}) REFERENCES {table} (id)" for column, table in PAYMENT_KEYS.items()]
    return ", ".join([AMOUNT_POSITIVE, *checks, *keys])


def gateways() -> None:
    op.create_table(
        "saved_cards",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("gateway_reference", sa.String(), nullable=False),
        sa.Column("brand", sa.String(), nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("exp_month", sa.Integer(), nullable=False),
        sa.Column("exp_year", sa.Integer(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("forgotten_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_saved_cards_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_cards")),
        sa.UniqueConstraint("gateway_reference", name=op.f("uq_saved_cards_gateway_reference")),
    )
    op.create_index("ix_saved_cards_organization_id", "saved_cards", ["organization_id", "id"])
    op.create_table(
        "gateway_customers",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("gateway_reference", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_gateway_customers_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_customers")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_gateway_customers_organization_id")),
        sa.UniqueConstraint("gateway_reference", name=op.f("uq_gateway_customers_gateway_reference")),
    )
    known("refund_requests", "status_known", REQUESTS_BEFORE, REQUESTS)
    more_of_payments()
    refunds_and_disputes()
    op.create_table(
        "gateway_events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.Column("status", words("status_known", "received", "handled", "failed"), nullable=False),
        sa.Column("happened_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("handled_at", MOMENT, nullable=True),
        sa.Column("try_at", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("payment_id", BIG, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_gateway_events_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_gateway_events_event_id")),
    )
    op.create_index("ix_gateway_events_status", "gateway_events", ["status", "try_at"])
    op.create_index("ix_gateway_events_payment_id", "gateway_events", ["payment_id"])


def more_of_payments() -> None:
    for more in more_columns():
        op.add_column("payments", more)
    op.execute("UPDATE payments SET organization_id = (SELECT organization_id FROM bills WHERE bills.id = payments.bill_id)")
    if on_sqlite():
        retype("payments", {
            "bill_id INTEGER NOT NULL": "bill_id INTEGER", "organization_id INTEGER": "organization_id INTEGER NOT NULL",
            AMOUNT_POSITIVE: payment_constraints(),
        })  # fmt: skip
    else:
        op.alter_column("payments", "bill_id", nullable=True)
        op.alter_column("payments", "organization_id", nullable=False)
        for name, rule in PAYMENT_CHECKS.items():
            op.create_check_constraint(op.f(f"ck_payments_{name}"), "payments", rule)
        for column, table in PAYMENT_KEYS.items():
            op.create_foreign_key(op.f(f"fk_payments_{column}"), "payments", table, [column], ["id"])
    for unique in ("session_id", "intent_id", "request_key", "balance_entry_id"):
        op.create_index(f"uq_payments_{unique}", "payments", [unique], unique=True)
    op.create_index("ix_payments_organization_id", "payments", ["organization_id", "id"])
    op.create_index("ix_payments_ask_at", "payments", ["ask_at"])


def refunds_and_disputes() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", BIG, nullable=False),
        sa.Column("payment_id", BIG, nullable=False),
        sa.Column("refund_request_id", BIG, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", words("status_known", "pending", "processing", "succeeded", "failed", "canceled"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("gateway_reference", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("failure_code", sa.String(), nullable=False),
        sa.Column("ask_at", MOMENT, nullable=True),
        sa.Column("asked_times", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refunds_amount_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refunds_payment_id")),
        sa.ForeignKeyConstraint(["refund_request_id"], ["refund_requests.id"], name=op.f("fk_refunds_refund_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("key", name=op.f("uq_refunds_key")),
        sa.UniqueConstraint("gateway_reference", name=op.f("uq_refunds_gateway_reference")),
    )
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id", "id"])
    op.create_index("ix_refunds_refund_request_id", "refunds", ["refund_request_id", "id"])
    op.create_index("ix_refunds_ask_at", "refunds", ["ask_at"])
    op.create_table(
        "disputes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("payment_id", BIG, nullable=False),
        sa.Column("gateway_reference", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("status", words("status_known", "open", "won", "lost"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("bill_fen", sa.BigInteger(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("claim_fen", sa.BigInteger(), nullable=False),
        sa.Column("bill_was_paid", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_disputes_amount_positive")),
        sa.CheckConstraint("bill_fen >= 0 AND balance_fen >= 0 AND claim_fen >= 0", name=op.f("ck_disputes_parts_not_negative")),
        sa.CheckConstraint(
            "bill_fen + balance_fen + claim_fen = CASE WHEN status = 'lost' THEN amount_fen ELSE 0 END",
            name=op.f("ck_disputes_lost_is_owed_again"),
        ),
        sa.CheckConstraint("(status = 'open') = (closed_at IS NULL)", name=op.f("ck_disputes_closed_has_its_day")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("gateway_reference", name=op.f("uq_disputes_gateway_reference")),
    )
    op.create_index("ix_disputes_payment_id", "disputes", ["payment_id", "id"])
    op.create_index("ix_disputes_status", "disputes", ["status", "id"])


def no_gateways() -> None:
    for table in ("gateway_events", "disputes", "refunds"):
        op.drop_table(table)
    # The older schema knows no payment without a bill; the balance that a top-up became stays.
    op.execute("DELETE FROM payments WHERE bill_id IS NULL")
    for index in ("uq_payments_session_id", "uq_payments_intent_id", "uq_payments_request_key", "uq_payments_balance_entry_id", "ix_payments_organization_id", "ix_payments_ask_at"):
        op.drop_index(index, table_name="payments")
    if on_sqlite():
        retype("payments", {"bill_id INTEGER": "bill_id INTEGER NOT NULL", payment_constraints(): AMOUNT_POSITIVE})
    else:
        op.alter_column("payments", "bill_id", nullable=False)
        for name in PAYMENT_CHECKS:
            op.drop_constraint(op.f(f"ck_payments_{name}"), "payments", type_="check")
        for column in PAYMENT_KEYS:
            op.drop_constraint(op.f(f"fk_payments_{column}"), "payments", type_="foreignkey")
    for more in more_columns():
        op.drop_column("payments", more.name)
    # Refunds under way are to be paid by hand, once somebody has asked the gateway.
    op.execute("UPDATE refund_requests SET status = 'pending' WHERE status = 'processing'")
    known("refund_requests", "status_known", REQUESTS, REQUESTS_BEFORE)
    op.drop_table("gateway_customers")
    op.drop_table("saved_cards")


# --- what a balance is made of -----------------------------------------------------------

GRANTS = ("id", "organization_id", "amount_fen", "reason", "note", "expires_on", "request_key", "asked_by_id", "asked_at")
LOTS = ("id", "organization_id", "kind", "entry_id", "grant_id", "amount_fen", "expires_on")
MOVES = ("id", "lot_id", "entry_id", "amount_fen")


def balance_lots() -> None:
    op.add_column("refund_requests", sa.Column("payment_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "balance_grants",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", words("grantreason_known", "promotion", "subsidy", "goodwill"), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("status", words("status_known", "proposed", "approved", "rejected"), nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("asked_by_id", BIG, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by_id", BIG, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_balance_grants_amount_positive")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["users.id"], name=op.f("fk_balance_grants_asked_by_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_balance_grants_decided_by_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_balance_grants_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_grants")),
        sa.UniqueConstraint("request_key", name=op.f("uq_balance_grants_request_key")),
    )
    op.create_index("ix_balance_grants_status", "balance_grants", ["status", "id"])
    op.create_index("ix_balance_grants_organization_id", "balance_grants", ["organization_id", "id"])
    op.create_table(
        "balance_lots",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("kind", words("lotkind_known", "purchased", "granted"), nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("grant_id", BIG, nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("rest_fen", sa.BigInteger(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("announced_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("rest_fen >= 0 AND rest_fen <= amount_fen AND amount_fen > 0", name=op.f("ck_balance_lots_never_more_than_it_was")),
        sa.CheckConstraint(
            "(kind = 'granted') = (grant_id IS NOT NULL) AND (kind = 'granted') = (expires_on IS NOT NULL)",
            name=op.f("ck_balance_lots_given_until_a_day"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["balance_entries.id"], name=op.f("fk_balance_lots_entry_id")),
        sa.ForeignKeyConstraint(["grant_id"], ["balance_grants.id"], name=op.f("fk_balance_lots_grant_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_balance_lots_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_lots")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_balance_lots_entry_id")),
        sa.UniqueConstraint("grant_id", name=op.f("uq_balance_lots_grant_id")),
    )
    left = sa.text("rest_fen > 0")
    op.create_index("ix_balance_lots_left", "balance_lots", ["organization_id"], sqlite_where=left, postgresql_where=left)
    op.create_index("ix_balance_lots_expires_on", "balance_lots", ["expires_on"], sqlite_where=left, postgresql_where=left)
    op.create_table(
        "balance_lot_moves",
        sa.Column("id", BIG, nullable=False),
        sa.Column("lot_id", BIG, nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_balance_lot_moves_amount_not_nothing")),
        sa.ForeignKeyConstraint(["entry_id"], ["balance_entries.id"], name=op.f("fk_balance_lot_moves_entry_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["balance_lots.id"], name=op.f("fk_balance_lot_moves_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_lot_moves")),
        sa.UniqueConstraint("lot_id", "entry_id", name=op.f("uq_balance_lot_moves_lot_id_entry_id")),
    )
    op.create_index("ix_balance_lot_moves_entry_id", "balance_lot_moves", ["entry_id"])
    lots_of_before()
    kept("balance_grants", GRANTS)
    kept("balance_lots", LOTS)
    kept("balance_lot_moves", MOVES)


def lots_of_before() -> None:
    """What balances came to so far, as lots: each entry that added is one, and what was taken is taken as it was then:
    a note that was void took its own away, everything else what had come first."""
    run = op.get_bind()
    entries = run.execute(sa.text("SELECT id, organization_id, kind, amount_fen, credit_note_id FROM balance_entries ORDER BY organization_id, number")).all()
    lots: dict[int, list[int]] = {}  # by its entry's number: organization, amount, rest
    notes: dict[int, int] = {}
    moves: list[tuple[int, int, int]] = []
    whose, mine = 0, list[int]()
    for id, organization_id, kind, fen, note_id in entries:
        if organization_id != whose:
            whose, mine = organization_id, []
        if fen > 0:
            lots[id] = [organization_id, fen, fen]
            mine.append(id)
            moves.append((id, id, fen))
            if kind == "credit":
                notes[note_id] = id
            continue
        own = [notes[note_id]] if kind == "void" and note_id in notes else []
        for lot in [*own, *(lot for lot in mine if lot not in own)]:
            part = min(-fen, lots[lot][2])
            if part:
                lots[lot][2] -= part
                fen += part
                moves.append((lot, id, -part))
    numbers = {entry_id: number for number, entry_id in enumerate(sorted(lots), start=1)}
    lot_rows = [
        {"id": numbers[entry_id], "organization": organization_id, "entry": entry_id, "amount": amount, "rest": rest}
        for entry_id, (organization_id, amount, rest) in sorted(lots.items())
    ]
    move_rows = [{"id": n, "lot": numbers[lot], "entry": entry, "amount": fen} for n, (lot, entry, fen) in enumerate(moves, start=1)]
    if not lot_rows:
        return
    run.execute(
        sa.text(
            "INSERT INTO balance_lots (id, organization_id, kind, entry_id, amount_fen, rest_fen, version) "
            "VALUES (:id, :organization, 'purchased', :entry, :amount, :rest, 1)"
        ),
        lot_rows,
    )
    run.execute(sa.text("INSERT INTO balance_lot_moves (id, lot_id, entry_id, amount_fen) VALUES (:id, :lot, :entry, :amount)"), move_rows)
    if not on_sqlite():
        for table in ("balance_lots", "balance_lot_moves"):
            op.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def no_balance_lots() -> None:
    for table in ("balance_lot_moves", "balance_lots", "balance_grants"):
        op.drop_table(table)
        if not on_sqlite():
            op.execute(f"DROP FUNCTION {table}_guard()")
    op.drop_column("refund_requests", "payment_id")


# --- dunning -----------------------------------------------------------------------------


def suspensions() -> None:
    op.create_table(
        "suspensions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("cause", words("cause_known", "unpaid"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ends_subscription_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_suspensions_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
    )
    op.create_index("ix_suspensions_subscription_id", "suspensions", ["subscription_id"])
    lasts = sa.text("ended_at IS NULL")
    op.create_index("uq_suspensions_open", "suspensions", ["subscription_id", "cause"], unique=True, sqlite_where=lasts, postgresql_where=lasts)


def no_suspensions() -> None:
    # The older schema knows no way back from a suspension: what is stopped goes on.
    op.execute(
        "UPDATE subscriptions SET status = 'active', version = version + 1 WHERE status = 'suspended' AND id IN "
        "(SELECT subscription_id FROM suspensions WHERE ended_at IS NULL)"
    )
    op.drop_table("suspensions")


def dunning() -> None:
    op.create_table(
        "dunning_sequences",
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reminders", JSON, nullable=False),
        sa.Column("charges", JSON, nullable=False),
        sa.Column("last_notice", sa.Integer(), nullable=False),
        sa.Column("suspension", sa.Integer(), nullable=False),
        sa.Column("end_notice", sa.Integer(), nullable=False),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("end_days", sa.Integer(), nullable=False),
        sa.Column("floor_fen", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", MOMENT, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_by_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["changed_by_id"], ["users.id"], name=op.f("fk_dunning_sequences_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_sequences")),
        sa.UniqueConstraint("number", name=op.f("uq_dunning_sequences_number")),
    )
    op.create_table(
        "dunning_steps",
        sa.Column("id", BIG, nullable=False),
        sa.Column("bill_id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", words("kind_known", "charge", "reminder", "last_notice", "suspension", "end_notice"), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("outcome", words("outcome_known", "written", "pending", "asked", "no_card", "stopped", "nothing_to_stop", "overtaken"), nullable=False),
        sa.Column("names_on", sa.Date(), nullable=True),
        sa.Column("owed_fen", sa.BigInteger(), nullable=False),
        sa.Column("taken_by_id", BIG, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_dunning_steps_bill_id")),
        sa.ForeignKeyConstraint(["taken_by_id"], ["users.id"], name=op.f("fk_dunning_steps_taken_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_steps")),
    )
    op.create_index("ix_dunning_steps_bill_id", "dunning_steps", ["bill_id"])
    unsettled = sa.text("settled_at IS NULL")
    op.create_index("uq_dunning_steps_open", "dunning_steps", ["bill_id", "key"], unique=True, sqlite_where=unsettled, postgresql_where=unsettled)
    op.create_table(
        "dunning_holds",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("bill_id", BIG, nullable=True),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("placed_by_id", BIG, nullable=False),
        sa.Column("placed_at", MOMENT, nullable=False),
        sa.Column("lifted_by_id", BIG, nullable=True),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by_id IS NULL)", name=op.f("ck_dunning_holds_lifted_by_somebody")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_dunning_holds_organization_id")),
        sa.ForeignKeyConstraint(["bill_id"], ["bills.id"], name=op.f("fk_dunning_holds_bill_id")),
        sa.ForeignKeyConstraint(["placed_by_id"], ["users.id"], name=op.f("fk_dunning_holds_placed_by_id")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["users.id"], name=op.f("fk_dunning_holds_lifted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_holds")),
    )
    op.create_index("ix_dunning_holds_organization_id", "dunning_holds", ["organization_id", "until"])
    op.create_index("ix_dunning_holds_bill_id", "dunning_holds", ["bill_id"])


def no_dunning() -> None:
    for table in ("dunning_holds", "dunning_steps", "dunning_sequences"):
        op.drop_table(table)


# --- what several need -------------------------------------------------------------------


def kept(table: str, columns: tuple[str, ...]) -> None:
    """Rows are only added: nothing of these columns changes, and no row goes."""
    if on_sqlite():
        refusal, same = f"BEGIN SELECT RAISE(ABORT, '{table} stay as issued'); END", equal(columns, "IS")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN 1 = 1 {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN 1 = 1 AND NOT ({same}) {refusal}")
        return
    body = (
        f"BEGIN IF TG_OP = 'UPDATE' THEN IF {equal(columns, 'IS NOT DISTINCT FROM')} THEN RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{table} stay as issued' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    op.execute(f"CREATE OR REPLACE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    run = f"EXECUTE FUNCTION {table}_guard()"
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}")


def equal(names: tuple[str, ...], same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in names)


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
