"""Why and for how long a subscription is stopped."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.subscriptions.models import Subscription


class Cause(StrEnum):
    """What stops a subscription."""

    UNPAID = "unpaid"


class Suspension(db.Base):
    """One stretch during which a subscription may not be used; it lasts until `ended_at` is set."""

    __tablename__ = "suspensions"
    __table_args__ = (
        Index(
            "uq_suspensions_open", "subscription_id", "cause", unique=True,
            sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    cause: Mapped[Cause] = mapped_column(db.status_type(Cause))
    reason: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: The end that is planned because of it; taken back when the subscription goes on.
    ends_subscription_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    subscription: Mapped[Subscription] = relationship(lazy="raise")
