"""Subscriptions that change: plans sold by quantity, scheduled changes, money back for fees paid in advance

Written by hand. On SQLite a column is added in place; a constraint of an existing table cannot be, so there the
table is written anew from its own text (`rewrite`), which keeps every CHECK and key.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

SERVICE = "(subscription_id, charge_id, service_start, service_end, bill_id, kind)"
SERVICE_BEFORE = "(subscription_id, charge_id, service_start, bill_id)"
SERVICE_NAME = "uq_bill_lines_service"
SERVICE_BEFORE_NAME = "uq_bill_lines_subscription_id_charge_id_service_start_bill_id"
LINE_KINDS = "kind IN ('charge', 'adjustment', 'credit')"
LINE_KINDS_BEFORE = "kind IN ('charge', 'adjustment')"


def upgrade() -> None:
    provisioning()
    plans_by_quantity()
    changes()
    lines_of_segments()
    transactions()
    private_plans()
    places()
    contracts()
    price_changes()


def downgrade() -> None:
    no_price_changes()
    no_contracts()
    no_places()
    no_private_plans()
    no_transactions()
    no_lines_of_segments()
    no_changes()
    no_plans_by_quantity()
    no_provisioning()


# --- provisioning ------------------------------------------------------------------------

REQUEST_KINDS_BEFORE = "kind IN ('provision', 'deprovision')"
REQUEST_KINDS = "kind IN ('provision', 'deprovision', 'update', 'pause', 'resume', 'rotate')"
REQUEST_STATES_BEFORE = "status IN ('pending', 'delivered', 'done', 'failed')"
REQUEST_STATES = "status IN ('pending', 'delivered', 'done', 'failed', 'canceled')"
ONE_OF_A_KIND = "uq_provisioning_requests_subscription_id_kind", "(subscription_id, kind)"
ONE_OF_A_NUMBER = "uq_provisioning_requests_subscription_id_number", "(subscription_id, number)"


def provisioning() -> None:
    op.add_column("providers", sa.Column("old_webhook_secret", sa.String(), server_default="", nullable=False))
    op.add_column("providers", sa.Column("old_secret_until", MOMENT, nullable=True))
    op.add_column("providers", sa.Column("webhook_stopped_at", MOMENT, nullable=True))
    op.add_column("provisioning_requests", sa.Column("number", sa.Integer(), server_default="1", nullable=False))
    op.add_column("provisioning_requests", sa.Column("reminded", sa.Integer(), server_default="0", nullable=False))
    op.add_column("provisioning_requests", sa.Column("heard_at", MOMENT, nullable=True))
    op.execute("UPDATE provisioning_requests SET number = 2 WHERE kind = 'deprovision'")
    op.execute("UPDATE provisioning_requests SET heard_at = created_at WHERE attempts > 0")
    keys_of_requests(ONE_OF_A_KIND, ONE_OF_A_NUMBER)
    known("provisioning_requests", "requestkind_known", REQUEST_KINDS_BEFORE, REQUEST_KINDS)
    known("provisioning_requests", "status_known", REQUEST_STATES_BEFORE, REQUEST_STATES)
    op.execute("UPDATE provisioning_requests SET status = 'canceled' WHERE status = 'failed' AND last_error = 'called_off'")
    op.create_index("ix_provisioning_requests_deadline", "provisioning_requests", ["status", "due_at"])
    still_open = sa.text("status IN ('pending', 'delivered')")
    op.create_index(
        "uq_provisioning_requests_open", "provisioning_requests", ["subscription_id", "kind"], unique=True,
        sqlite_where=still_open, postgresql_where=still_open,
    )  # fmt: skip
    op.create_table(
        "provisioning_attempts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["provisioning_requests.id"], name=op.f("fk_provisioning_attempts_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provisioning_attempts")),
    )
    op.create_index("ix_provisioning_attempts_at", "provisioning_attempts", ["at"])
    op.create_index(op.f("ix_provisioning_attempts_request_id"), "provisioning_attempts", ["request_id"])


def no_provisioning() -> None:
    op.drop_table("provisioning_attempts")
    for index in ("uq_provisioning_requests_open", "ix_provisioning_requests_deadline"):
        op.drop_index(index, "provisioning_requests")
    # What the first schema has no words for, and all but the latest of a kind.
    op.execute("DELETE FROM provisioning_requests WHERE kind NOT IN ('provision', 'deprovision')")
    op.execute(
        "DELETE FROM provisioning_requests WHERE EXISTS (SELECT 1 FROM provisioning_requests later WHERE later.number > "
        "provisioning_requests.number AND later.kind = provisioning_requests.kind "
        "AND later.subscription_id = provisioning_requests.subscription_id)"
    )
    op.execute("UPDATE provisioning_requests SET status = 'failed' WHERE status = 'canceled'")
    known("provisioning_requests", "status_known", REQUEST_STATES, REQUEST_STATES_BEFORE)
    known("provisioning_requests", "requestkind_known", REQUEST_KINDS, REQUEST_KINDS_BEFORE)
    keys_of_requests(ONE_OF_A_NUMBER, ONE_OF_A_KIND)
    for column in ("heard_at", "reminded", "number"):
        op.drop_column("provisioning_requests", column)
    for column in ("webhook_stopped_at", "old_secret_until", "old_webhook_secret"):
        op.drop_column("providers", column)


def keys_of_requests(before: tuple[str, str], after: tuple[str, str]) -> None:
    if on_sqlite():
        rewrite("provisioning_requests", {f"{before[0]} UNIQUE {before[1]}": f"{after[0]} UNIQUE {after[1]}"})
    else:
        op.execute(f"ALTER TABLE provisioning_requests DROP CONSTRAINT {before[0]}")
        op.execute(f"ALTER TABLE provisioning_requests ADD CONSTRAINT {after[0]} UNIQUE {after[1]}")


# --- plans sold by quantity --------------------------------------------------------------


def plans_by_quantity() -> None:
    op.add_column("plans", sa.Column("quantity_unit_zh", sa.String(), server_default="", nullable=False))
    op.add_column("plans", sa.Column("quantity_unit_en", sa.String(), server_default="", nullable=False))
    op.add_column("plans", sa.Column("quantity_minimum", sa.Integer(), server_default="1", nullable=False))
    op.add_column("plans", sa.Column("quantity_maximum", sa.Integer(), nullable=True))
    op.add_column("plans", sa.Column("quantity_step", sa.Integer(), server_default="1", nullable=False))


def no_plans_by_quantity() -> None:
    for column in ("quantity_step", "quantity_maximum", "quantity_minimum", "quantity_unit_en", "quantity_unit_zh"):
        op.drop_column("plans", column)


# --- changes of subscriptions ------------------------------------------------------------


def changes() -> None:
    if on_sqlite():
        op.execute(
            "ALTER TABLE subscriptions ADD COLUMN quantity INTEGER DEFAULT '1' NOT NULL "
            "CONSTRAINT ck_subscriptions_quantity_positive CHECK (quantity > 0)"
        )
    else:
        op.add_column("subscriptions", sa.Column("quantity", sa.Integer(), server_default="1", nullable=False))
        op.create_check_constraint(op.f("ck_subscriptions_quantity_positive"), "subscriptions", "quantity > 0")
    op.add_column("subscriptions", sa.Column("billed_until", MOMENT, nullable=True))
    op.execute(
        "UPDATE subscriptions SET billed_until = (SELECT max(period_end) FROM bills "
        "WHERE bills.organization_id = subscriptions.organization_id AND bills.status <> 'draft')"
    )
    op.create_table(
        "subscription_changes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("kind", sa.Enum("plan", "quantity", "pause", "resume", "price", name="changekind_known",
                                  native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("status", sa.Enum("planned", "applied", "withdrawn", "superseded", name="status_known",
                                    native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("plan_id", BIG, nullable=True),
        sa.Column("revision_id", BIG, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("before_plan_id", BIG, nullable=True),
        sa.Column("before_quantity", sa.Integer(), nullable=True),
        sa.Column("effective_at", MOMENT, nullable=False),
        sa.Column("terms_hash", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by_id", BIG, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity IS NULL OR quantity > 0", name=op.f("ck_subscription_changes_quantity_positive")),
        sa.CheckConstraint("kind NOT IN ('plan', 'price') OR plan_id IS NOT NULL", name=op.f("ck_subscription_changes_plan_named")),
        sa.CheckConstraint("kind <> 'quantity' OR quantity IS NOT NULL", name=op.f("ck_subscription_changes_quantity_named")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_subscription_changes_subscription_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_subscription_changes_plan_id")),
        sa.ForeignKeyConstraint(["before_plan_id"], ["plans.id"], name=op.f("fk_subscription_changes_before_plan_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["offering_revisions.id"], name=op.f("fk_subscription_changes_revision_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["users.id"], name=op.f("fk_subscription_changes_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_changes")),
    )  # fmt: skip
    op.create_index("ix_subscription_changes_plan_id", "subscription_changes", ["plan_id"])
    op.create_index("ix_subscription_changes_subscription_id", "subscription_changes", ["subscription_id", "effective_at"])
    op.create_index("ix_subscription_changes_due", "subscription_changes", ["status", "effective_at"])
    planned = sa.text("status = 'planned'")
    op.create_index(
        "uq_subscription_changes_planned", "subscription_changes", ["subscription_id", "kind", "effective_at"],
        unique=True, sqlite_where=planned, postgresql_where=planned,
    )  # fmt: skip


def no_changes() -> None:
    op.drop_table("subscription_changes")
    op.drop_column("subscriptions", "billed_until")
    # SQLite drops the CHECK with its column; PostgreSQL does so too.
    op.drop_column("subscriptions", "quantity")


# --- lines of segments, and money back ---------------------------------------------------


def lines_of_segments() -> None:
    op.add_column("bill_lines", sa.Column("units", sa.Integer(), server_default="1", nullable=False))
    op.add_column("bill_lines", sa.Column("full_days", sa.Integer(), nullable=True))
    op.add_column("bill_lines", sa.Column("carried", sa.String(), server_default="0", nullable=False))
    service_of_lines(SERVICE_BEFORE_NAME, SERVICE_BEFORE, SERVICE_NAME, SERVICE)
    known("bill_lines", "linekind_known", LINE_KINDS_BEFORE, LINE_KINDS)


def no_lines_of_segments() -> None:
    op.execute("DELETE FROM bill_lines WHERE kind = 'credit'")
    known("bill_lines", "linekind_known", LINE_KINDS, LINE_KINDS_BEFORE)
    service_of_lines(SERVICE_NAME, SERVICE, SERVICE_BEFORE_NAME, SERVICE_BEFORE)
    for column in ("carried", "full_days", "units"):
        op.drop_column("bill_lines", column)


def service_of_lines(name: str, columns: str, new_name: str, new_columns: str) -> None:
    if on_sqlite():
        rewrite("bill_lines", {f"{name} UNIQUE {columns}": f"{new_name} UNIQUE {new_columns}"})
    else:
        op.execute(f"ALTER TABLE bill_lines DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE bill_lines ADD CONSTRAINT {new_name} UNIQUE {new_columns}")


# --- what a percentage is taken of -------------------------------------------------------


def transactions() -> None:
    op.add_column("bill_lines", sa.Column("transactions", JSON, nullable=True))
    op.add_column("charges", sa.Column("typical_count", sa.Integer(), server_default="0", nullable=False))


def no_transactions() -> None:
    op.drop_column("charges", "typical_count")
    op.drop_column("bill_lines", "transactions")


# --- private plans, places, contracts, price changes -------------------------------------


def private_plans() -> None:
    op.add_column("plans", sa.Column("private", sa.Boolean(), server_default=sa.false(), nullable=False))
    add_whole("plans", "notice_days", "notice_days >= 7", "notice_is_a_week", default="7")
    op.create_table(
        "plan_audiences",
        sa.Column("plan_id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_audiences_plan_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_plan_audiences_organization_id")),
        sa.PrimaryKeyConstraint("plan_id", "organization_id", name=op.f("pk_plan_audiences")),
    )
    op.create_index("ix_plan_audiences_organization_id", "plan_audiences", ["organization_id"])


def no_private_plans() -> None:
    op.drop_table("plan_audiences")
    op.drop_column("plans", "notice_days")
    op.drop_column("plans", "private")


def places() -> None:
    add_whole("offerings", "limit_total", "limit_total > 0", "limit_total_positive")
    add_whole("offerings", "limit_per_organization", "limit_per_organization > 0", "limit_per_organization_positive")
    add_whole("orders", "quantity", "quantity > 0", "quantity_positive", default="1")


def no_places() -> None:
    op.drop_column("orders", "quantity")
    op.drop_column("offerings", "limit_per_organization")
    op.drop_column("offerings", "limit_total")


def contracts() -> None:
    op.create_table(
        "contracts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Enum("order", "change", "price", name="contractkind_known", native_enum=False,
                                  create_constraint=True, length=32), nullable=False),
        sa.Column("plan_id", BIG, nullable=False),
        sa.Column("revision_id", BIG, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("terms", JSON, nullable=False),
        sa.Column("terms_hash", sa.String(), nullable=False),
        sa.Column("buyer", JSON, nullable=False),
        sa.Column("seller", JSON, nullable=False),
        sa.Column("accepted_by_id", BIG, nullable=True),
        sa.Column("accepted_at", MOMENT, nullable=False),
        sa.Column("valid_from", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_contracts_subscription_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_contracts_plan_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["offering_revisions.id"], name=op.f("fk_contracts_revision_id")),
        sa.ForeignKeyConstraint(["accepted_by_id"], ["users.id"], name=op.f("fk_contracts_accepted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("subscription_id", "number", name=op.f("uq_contracts_subscription_id_number")),
    )  # fmt: skip


def no_contracts() -> None:
    op.drop_table("contracts")


def price_changes() -> None:
    op.create_table(
        "price_changes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("offering_id", BIG, nullable=False),
        sa.Column("from_plan_id", BIG, nullable=False),
        sa.Column("to_plan_id", BIG, nullable=False),
        sa.Column("status", sa.Enum("announced", "applied", "withdrawn", name="status_known", native_enum=False,
                                    create_constraint=True, length=32), nullable=False),
        sa.Column("effective_at", MOMENT, nullable=False),
        sa.Column("reason_zh", sa.String(), nullable=False),
        sa.Column("reason_en", sa.String(), nullable=False),
        sa.Column("announced_at", MOMENT, nullable=False),
        sa.Column("announced_by_id", BIG, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["offering_id"], ["offerings.id"], name=op.f("fk_price_changes_offering_id")),
        sa.ForeignKeyConstraint(["from_plan_id"], ["plans.id"], name=op.f("fk_price_changes_from_plan_id")),
        sa.ForeignKeyConstraint(["to_plan_id"], ["plans.id"], name=op.f("fk_price_changes_to_plan_id")),
        sa.ForeignKeyConstraint(["announced_by_id"], ["users.id"], name=op.f("fk_price_changes_announced_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_changes")),
    )  # fmt: skip
    announced = sa.text("status = 'announced'")
    op.create_index(
        "uq_price_changes_announced", "price_changes", ["from_plan_id"], unique=True, sqlite_where=announced, postgresql_where=announced,
    )  # fmt: skip
    op.create_index("ix_price_changes_due", "price_changes", ["status", "effective_at"])
    op.create_index("ix_price_changes_offering_id", "price_changes", ["offering_id"])
    op.create_table(
        "price_notices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("price_change_id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("answer", sa.Enum("none", "accepted", "leaving", name="noticeanswer_known", native_enum=False,
                                    create_constraint=True, length=32), nullable=False),
        sa.Column("answered_by_id", BIG, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["price_change_id"], ["price_changes.id"], name=op.f("fk_price_notices_price_change_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_price_notices_subscription_id")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["users.id"], name=op.f("fk_price_notices_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_notices")),
        sa.UniqueConstraint("price_change_id", "subscription_id", name=op.f("uq_price_notices_price_change_id_subscription_id")),
    )  # fmt: skip
    op.create_index("ix_price_notices_untold", "price_notices", ["told_at", "id"])
    op.create_index("ix_price_notices_subscription_id", "price_notices", ["subscription_id"])


def no_price_changes() -> None:
    op.drop_table("price_notices")
    op.drop_table("price_changes")


def add_whole(table: str, column: str, check: str, name: str, *, default: str | None = None) -> None:
    """A column of whole numbers with its CHECK; without a default it may be null."""
    if on_sqlite():
        kind = f"INTEGER DEFAULT '{default}' NOT NULL" if default else "INTEGER"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT ck_{table}_{name} CHECK ({check})")
    else:
        op.add_column(table, sa.Column(column, sa.Integer(), server_default=default, nullable=default is None))
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, check)


# --- what both ways need -----------------------------------------------------------------


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def known(table: str, name: str, before: str, after: str) -> None:
    """Let a column know more (or fewer) words: `known("orders", "status_known", "status IN (…)", "status IN (…)")`."""
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


def rewrite(table: str, words: dict[str, str]) -> None:
    """SQLite: a table with other keys, row for row. Not for one that other tables point at: they would lose their rows."""
    run, beside = op.get_bind().exec_driver_sql, f"{table}_written_anew"
    indexes = run("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", (table,))
    again = [sql for (sql,) in indexes]
    text = defined(table, words)
    first = text.index(table)
    run(f"{text[:first].replace(chr(34), '')}{beside}{text[first + len(table):].removeprefix(chr(34))}")
    run(f"INSERT INTO {beside} SELECT * FROM {table}")
    run(f"DROP TABLE {table}")
    run(f"ALTER TABLE {beside} RENAME TO {table}")
    for sql in again:
        run(sql)


def defined(table: str, words: dict[str, str]) -> str:
    """SQLite's own text of a table with some words replaced; every one of them must stand in it."""
    found = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    text = str(found.scalar_one())
    for before, after in words.items():
        if text.count(before) != 1:
            raise RuntimeError(f"{table}: {before!r} stands {text.count(before)} times in its definition")
        text = text.replace(before, after)
    return text
