"""The whole schema: every table imported once, and the way to bring a database up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import MetaData, inspect, text

from market import db
from market.accounts import models as _accounts
from market.audit import models as _audit
from market.billing import models as _billing
from market.billing.credit_notes import lot_models as _lots
from market.billing.credit_notes import models as _credit_notes
from market.billing.fapiao import models as _fapiao
from market.budgets import models as _budgets
from market.catalog import models as _catalog
from market.credentials import models as _credentials
from market.documents import models as _documents
from market.dunning import models as _dunning
from market.late import Library
from market.ledger import models as _ledger
from market.metering import models as _metering
from market.metering.completeness import models as _completeness
from market.metering.corrections import models as _corrections
from market.metering.reconciliation import models as _reconciliation
from market.metering.uploads import models as _uploads
from market.notifications import models as _notifications
from market.payments import models as _payments
from market.payments.statements import models as _statements
from market.policies import models as _policies
from market.privacy import models as _privacy
from market.providers import models as _providers
from market.quality import models as _quality
from market.recommended import models as _recommended
from market.search import models as _search
from market.subscriptions import models as _subscriptions
from market.subscriptions.prices import models as _prices
from market.subscriptions.suspensions import models as _suspensions

if TYPE_CHECKING:
    from alembic import command, config
else:
    command = Library("alembic.command")
    config = Library("alembic.config")

metadata: MetaData = db.Base.metadata
MODELS = (
    _documents, _accounts, _audit, _credentials, _policies, _providers, _catalog, _recommended, _subscriptions, _prices, _suspensions,
    _metering, _uploads, _corrections, _reconciliation, _completeness, _billing, _credit_notes, _lots, _fapiao, _budgets, _payments, _statements, _ledger, _dunning, _notifications, _search,
    _privacy, _quality,
)  # fmt: skip

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Any number will do, as long as every process takes the same lock before it migrates.
_MIGRATION_LOCK = 20_261_122


def alembic_config() -> config.Config:
    """Alembic's settings for the database in use."""
    made = config.Config()
    made.set_main_option("script_location", str(_MIGRATIONS))
    return made


def upgrade() -> None:
    """Bring the database to the newest revision. Two processes that start at once take turns."""
    settings = alembic_config()
    with db.engine().begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def is_current() -> bool:
    """Whether the database has the newest revision, as its file is numbered: Alembic itself is loaded only to migrate."""
    newest = max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
    with db.engine().connect() as connection:
        known = inspect(connection).has_table("alembic_version")
        return known and connection.scalar(text("SELECT version_num FROM alembic_version")) == newest
