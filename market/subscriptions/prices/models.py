"""Announced price changes, and what each firm that was told has answered."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User
from market.catalog.models import Offering, Plan
from market.kit.lifecycle import Lifecycle
from market.subscriptions.models import Subscription


class PriceChangeStatus(StrEnum):
    """Announced until its day; then applied, unless the provider took it back."""

    ANNOUNCED = "announced"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"


_P = PriceChangeStatus
PRICE_CHANGE_LIFECYCLE = Lifecycle(
    {_P.ANNOUNCED: [_P.APPLIED, _P.WITHDRAWN], _P.APPLIED: [], _P.WITHDRAWN: []}
)


class PriceChange(db.Base):
    """Everybody on one plan version goes to another at one midnight."""

    __tablename__ = "price_changes"
    __table_args__ = (
        Index(
            "uq_price_changes_announced",
            "from_plan_id",
            unique=True,
            sqlite_where=text("status = 'announced'"),
            postgresql_where=text("status = 'announced'"),
        ),
        Index("ix_price_changes_due", "status", "effective_at"),
    )

    id: Mapped[int] = db.pk()
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"), index=True)
    from_plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    to_plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    status: Mapped[PriceChangeStatus] = mapped_column(
        db.status_type(PriceChangeStatus), default=PriceChangeStatus.ANNOUNCED
    )
    #: The local midnight from which the new version counts.
    effective_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Why, as its customers read it.
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    announced_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    announced_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    #: When it was taken back or took effect.
    closed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    offering: Mapped[Offering] = relationship(lazy="raise")
    from_plan: Mapped[Plan] = relationship(foreign_keys=[from_plan_id], lazy="raise")
    to_plan: Mapped[Plan] = relationship(foreign_keys=[to_plan_id], lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return str(self.id)


class NoticeAnswer(StrEnum):
    """What a firm has said to it; saying nothing goes on at the new price."""

    NONE = "none"
    ACCEPTED = "accepted"
    LEAVING = "leaving"


class PriceNotice(db.Base):
    """One subscription that was told, and its firm's answer."""

    __tablename__ = "price_notices"
    __table_args__ = (
        UniqueConstraint("price_change_id", "subscription_id"),
        Index("ix_price_notices_untold", "told_at", "id"),
    )

    id: Mapped[int] = db.pk()
    price_change_id: Mapped[int] = mapped_column(ForeignKey("price_changes.id"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    answer: Mapped[NoticeAnswer] = mapped_column(db.status_type(NoticeAnswer), default=NoticeAnswer.NONE)
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When its letters were written; the sweep of letters looks for null.
    told_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    price_change: Mapped[PriceChange] = relationship(lazy="raise")
    subscription: Mapped[Subscription] = relationship(lazy="raise")
    answered_by: Mapped[User | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return str(self.id)
