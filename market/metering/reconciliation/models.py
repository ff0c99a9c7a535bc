"""Days that a buyer has looked at: only those on which somebody has said something have a row."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User
from market.catalog.models import Meter
from market.kit.lifecycle import Lifecycle
from market.subscriptions.models import Subscription


class DayStatus(StrEnum):
    """A day is reported until somebody accepts it or so many days have passed; only what was said is stored."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    SETTLED = "settled"


_S = DayStatus
LIFECYCLE = Lifecycle(
    {
        _S.REPORTED: [_S.ACCEPTED, _S.DISPUTED],
        # Whoever accepted too soon may still object, as long as anybody may.
        _S.ACCEPTED: [_S.DISPUTED],
        _S.DISPUTED: [_S.SETTLED],
        # A correction that came afterwards may be objected to.
        _S.SETTLED: [_S.DISPUTED],
    }
)


class ReconciledDay(db.Base):
    """What buyer and provider say about one local day of one meter of one subscription."""

    __tablename__ = "reconciled_days"
    __table_args__ = (
        UniqueConstraint("subscription_id", "meter_id", "day"),
        Index("ix_reconciled_days_status", "status", "answered_at"),
    )

    id: Mapped[int] = db.pk()
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meters.id"))
    day: Mapped[date]
    status: Mapped[DayStatus] = mapped_column(db.status_type(DayStatus), default=_S.REPORTED)
    #: The buyer's last word: why she objects, and when; or when she accepted.
    reason: Mapped[str] = mapped_column(default="")
    said_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    said_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: The provider's answer to it.
    answer: Mapped[str] = mapped_column(default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    subscription: Mapped[Subscription] = relationship(lazy="raise")
    meter: Mapped[Meter] = relationship(lazy="raise")
    said_by: Mapped[User] = relationship(lazy="raise", foreign_keys=[said_by_id])

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"
