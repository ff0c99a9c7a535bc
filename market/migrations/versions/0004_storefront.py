"""The storefront: an index in the database, reviews, reports, requirements

Written by hand. On SQLite the list of changes is made anew, since a column cannot be made nullable in place.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    search()
    reviews()
    questions()


def downgrade() -> None:
    no_questions()
    no_reviews()
    no_search()


# --- search ------------------------------------------------------------------------------

CHANGED = {"offering_id": "offerings", "provider_id": "providers", "solution_id": "solutions"}
OF_ONE_THING = (
    "(offering_id IS NULL OR provider_id IS NULL) AND (offering_id IS NULL OR solution_id IS NULL) "
    "AND (provider_id IS NULL OR solution_id IS NULL)"
)


def search() -> None:
    if on_sqlite():
        changes("offering_id", "provider_id", "solution_id")
    else:
        op.alter_column("catalog_changes", "offering_id", nullable=True)
        for column in ("provider_id", "solution_id"):
            op.add_column("catalog_changes", sa.Column(column, BIG, nullable=True))
            op.create_foreign_key(op.f(f"fk_catalog_changes_{column}"), "catalog_changes", CHANGED[column], [column], ["id"])
        op.create_check_constraint(op.f("ck_catalog_changes_of_one_thing"), "catalog_changes", OF_ONE_THING)
    op.create_table(
        "search_generations",
        sa.Column("id", BIG, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("upto", BIG, nullable=True),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_generations")),
    )
    op.create_table(
        "search_documents",
        sa.Column("generation_id", BIG, nullable=False),
        sa.Column(
            "kind", sa.Enum("offering", "provider", "solution", name="kind_known", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("ref_id", BIG, nullable=False),
        sa.Column("words", postgresql.TSVECTOR().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("top", postgresql.TSVECTOR().with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["search_generations.id"], name=op.f("fk_search_documents_generation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("generation_id", "kind", "ref_id", name=op.f("pk_search_documents")),
    )  # fmt: skip
    op.create_index("ix_search_documents_words", "search_documents", ["words"], postgresql_using="gin", postgresql_with={"fastupdate": "off"})
    op.create_table(
        "search_words",
        sa.Column("generation_id", BIG, nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["search_generations.id"], name=op.f("fk_search_words_generation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("generation_id", "word", name=op.f("pk_search_words")),
    )


def no_search() -> None:
    for table in ("search_words", "search_documents", "search_generations"):
        op.drop_table(table)
    # The older list knows offerings only, and an index made by the older program is made anew anyway.
    op.execute("DELETE FROM catalog_changes WHERE offering_id IS NULL")
    if on_sqlite():
        changes("offering_id")
    else:
        op.drop_constraint(op.f("ck_catalog_changes_of_one_thing"), "catalog_changes")
        for column in ("provider_id", "solution_id"):
            op.drop_column("catalog_changes", column)
        op.alter_column("catalog_changes", "offering_id", nullable=False)


def changes(*columns: str) -> None:
    """The list of changes with these columns and what it held of them; one column alone is never empty."""
    op.rename_table("catalog_changes", "catalog_changes_before")
    op.create_table(
        "catalog_changes",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(column, BIG, nullable=len(columns) > 1) for column in columns),
        sa.Column("at", MOMENT, nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{CHANGED[column]}.id"], name=op.f(f"fk_catalog_changes_{column}"))
            for column in columns
        ),
        *([sa.CheckConstraint(OF_ONE_THING, name=op.f("ck_catalog_changes_of_one_thing"))] if len(columns) > 1 else []),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_changes")),
    )
    op.execute("INSERT INTO catalog_changes (id, offering_id, at) SELECT id, offering_id, at FROM catalog_changes_before")
    op.drop_table("catalog_changes_before")


# --- reviews -----------------------------------------------------------------------------


def reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", BIG, nullable=False),
        sa.Column("offering_id", BIG, nullable=False),
        sa.Column("organization_id", BIG, nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_reviews_stars_one_to_five")),
        sa.ForeignKeyConstraint(["offering_id"], ["offerings.id"], name=op.f("fk_reviews_offering_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_reviews_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("offering_id", "organization_id", name=op.f("uq_reviews_offering_id_organization_id")),
    )
    op.create_index("ix_reviews_organization_id", "reviews", ["organization_id"])
    said(
        "review_wordings",
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("used_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_review_wordings_stars_one_to_five")),
        sa.CheckConstraint("used_days >= 30", name=op.f("ck_review_wordings_used_for_a_month")),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name=op.f("fk_review_wordings_subscription_id")),
    )
    said("review_replies", sa.Column("answers_number", sa.Integer(), nullable=False))
    stay_as_written("reviews", ("id", "offering_id", "organization_id", "created_at"))
    stay_as_written(
        "review_wordings",
        ("review_id", "stars", "subscription_id", "used_days", "id", "number", "text", "written_by_id", "written_at"),
    )
    stay_as_written("review_replies", ("review_id", "answers_number", "id", "number", "text", "written_by_id", "written_at"))


def no_reviews() -> None:
    for table in ("review_replies", "review_wordings", "reviews"):
        op.drop_table(table)
        if not on_sqlite():
            op.execute(f"DROP FUNCTION IF EXISTS {table}_guard()")


def said(table: str, *own: sa.schema.SchemaItem) -> None:
    """Words under a review, that an administrator can hide."""
    op.create_table(
        table,
        sa.Column("review_id", BIG, nullable=False),
        *own,
        sa.Column("id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("written_by_id", BIG, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("hidden_at", MOMENT, nullable=True),
        sa.Column("hidden_by_id", BIG, nullable=True),
        sa.Column("hidden_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f(f"fk_{table}_review_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["users.id"], name=op.f(f"fk_{table}_written_by_id")),
        sa.ForeignKeyConstraint(["hidden_by_id"], ["users.id"], name=op.f(f"fk_{table}_hidden_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("review_id", "number", name=op.f(f"uq_{table}_review_id_number")),
    )


def stay_as_written(table: str, fixed: tuple[str, ...]) -> None:
    """Rows are never removed, and only hiding and the newest stars change in them."""
    if on_sqlite():
        refusal = f"BEGIN SELECT RAISE(ABORT, '{table} stay as written'); END"
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refusal}")
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ({unchanged(fixed, 'IS')}) {refusal}")
        return
    body = (
        f"BEGIN IF TG_OP = 'UPDATE' THEN IF {unchanged(fixed, 'IS NOT DISTINCT FROM')} THEN RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{table} stay as written' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    run = f"EXECUTE FUNCTION {table}_guard()"
    op.execute(f"CREATE OR REPLACE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}")
    op.execute(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}")


def unchanged(names: tuple[str, ...], same: str) -> str:
    return " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in names)


# --- what visitors ask -------------------------------------------------------------------


def questions() -> None:
    asked(
        "problem_reports",
        sa.Column("offering_id", BIG, nullable=False),
        sa.Column("kind", words("reportkind_known", "price", "facts", "certificate", "unlawful", "other"), nullable=False),
        sa.ForeignKeyConstraint(["offering_id"], ["offerings.id"], name=op.f("fk_problem_reports_offering_id")),
    )
    op.create_index("ix_problem_reports_offering_id", "problem_reports", ["offering_id"])
    asked(
        "requirements",
        sa.Column("category_slug", sa.String(), nullable=True),
        sa.Column("suggested", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["category_slug"], ["categories.slug"], name=op.f("fk_requirements_category_slug")),
    )


def no_questions() -> None:
    for table in ("requirements", "problem_reports"):
        op.drop_table(table)


def asked(table: str, *own: sa.schema.SchemaItem) -> None:
    """What anybody may write to the administrators, with its one answer."""
    op.create_table(
        table,
        *own,
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("status", words("status_known", "open", "answered"), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("answered_by_id", BIG, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["users.id"], name=op.f(f"fk_{table}_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("token_hash", name=op.f(f"uq_{table}_token_hash")),
    )
    op.create_index(f"ix_{table}_status_id", table, ["status", "id"])


# --- what all parts need ----------------------------------------------------------------


def words(name: str, *known: str) -> sa.Enum:
    return sa.Enum(*known, name=name, native_enum=False, create_constraint=True, length=32)


def on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
