"""Budgets: a month's amount, what providers hold of it, and alerts

Written by hand.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("period_start", MOMENT, nullable=False),
        sa.Column("period_end", MOMENT, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("alerts", JSON, nullable=False),
        sa.Column("spent_fen", sa.BigInteger(), nullable=False),
        sa.Column("held_fen", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", MOMENT, nullable=True),
        sa.Column("refused_at", MOMENT, nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_budgets_amount_positive")),
        sa.CheckConstraint("spent_fen >= 0", name=op.f("ck_budgets_spent_not_negative")),
        sa.CheckConstraint("held_fen >= 0", name=op.f("ck_budgets_held_not_negative")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_budgets_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
        sa.UniqueConstraint("organization_id", "period_start", name=op.f("uq_budgets_organization_id_period_start")),
    )
    op.create_index("ix_budgets_period_end", "budgets", ["period_end", "counted_at"])
    op.create_table(
        "budget_alerts",
        sa.Column("id", BIG, nullable=False),
        sa.Column("budget_id", BIG, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name=op.f("fk_budget_alerts_budget_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_alerts")),
        sa.UniqueConstraint("budget_id", "percent", "amount_fen", name=op.f("uq_budget_alerts_budget_id_percent_amount_fen")),
    )
    reservations()


def reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", BIG, nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("provider_id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("budget_id", BIG, nullable=False),
        sa.Column("meter_id", BIG, nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("settled_fen", sa.BigInteger(), nullable=True),
        sa.Column("status", words("status_known", "held", "settled", "released", "expired"), nullable=False),
        sa.Column("reserved_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_reservations_amount_not_negative")),
        sa.CheckConstraint("(status = 'settled') = (settled_fen IS NOT NULL)", name=op.f("ck_reservations_settled_with_an_amount")),
        sa.CheckConstraint("(status = 'held') = (ended_at IS NULL)", name=op.f("ck_reservations_held_until_it_ends")),
        sa.CheckConstraint("settled_fen BETWEEN 0 AND amount_fen", name=op.f("ck_reservations_settled_within")),
        sa.ForeignKeyConstraint(["budget_id"], ["budgets.id"], name=op.f("fk_reservations_budget_id")),
        sa.ForeignKeyConstraint(["meter_id"], ["meters.id"], name=op.f("fk_reservations_meter_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_reservations_provider_id")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_reservations_subscription_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("provider_id", "key", name=op.f("uq_reservations_provider_id_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reservations_public_id")),
    )
    op.create_index("ix_reservations_budget_id", "reservations", ["budget_id", "status"])
    op.create_index("ix_reservations_status", "reservations", ["status", "expires_at"])
    op.create_index("ix_reservations_subscription_id", "reservations", ["subscription_id", "status"])


def downgrade() -> None:
    for table in ("reservations", "budget_alerts", "budgets"):
        op.drop_table(table)


def words(name: str, *known: str) -> sa.Enum:
    return sa.Enum(*known, name=name, native_enum=False, create_constraint=True, length=32)
