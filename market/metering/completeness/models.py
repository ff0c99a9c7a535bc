"""Whether all usage is here: what a provider says of it, and meters that have fallen silent."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.catalog.models import Meter
from market.subscriptions.models import Subscription


class Heartbeat(db.Base):
    """A provider's word that everything which happened before an instant has been reported under a source."""

    __tablename__ = "heartbeats"

    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    #: The event type it speaks of; empty for all.
    type: Mapped[str] = mapped_column(primary_key=True, default="")
    complete_until: Mapped[datetime] = mapped_column(db.UTCDateTime)
    said_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class Silence(db.Base):
    """A meter of a subscription that used to report in a rhythm and has stopped; over when usage returns."""

    __tablename__ = "silences"
    __table_args__ = (
        Index(
            "uq_silences_open", "subscription_id", "meter_id", unique=True,
            postgresql_where=text("ended_at IS NULL"), sqlite_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meters.id"))
    #: The last local day on which something was used.
    last_day: Mapped[date]
    #: The longest pause that was usual, in days.
    usual_days: Mapped[int]
    noticed_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    subscription: Mapped[Subscription] = relationship(lazy="raise")
    meter: Mapped[Meter] = relationship(lazy="raise")

    def __str__(self) -> str:
        return f"#{self.id}"
