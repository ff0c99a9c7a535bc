"""A firm's month and what is held of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts import Organization
from market.catalog import Meter
from market.kit.lifecycle import Lifecycle
from market.kit.period import Period
from market.subscriptions import Subscription


class Budget(db.Base):
    """One billing month of a firm. A month is made from the one before when it is first asked for, so what was set holds on."""

    __tablename__ = "budgets"
    __table_args__ = (
        UniqueConstraint("organization_id", "period_start"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("spent_fen >= 0", name="spent_not_negative"),
        CheckConstraint("held_fen >= 0", name="held_not_negative"),
        Index("ix_budgets_period_end", "period_end", "counted_at"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    period_start: Mapped[datetime] = mapped_column(db.UTCDateTime)
    period_end: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Null: there is no budget, and everything that is asked for is held.
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    #: Percentages of the amount at which a letter is written, ascending.
    alerts: Mapped[list[int]] = mapped_column(db.JSONType)
    #: The running bill as it was counted last, and what was settled since.
    spent_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    #: The sum of the reservations that are held.
    held_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    counted_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When a provider was first refused under this amount.
    refused_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")

    @property
    def period(self) -> Period:
        """Its month."""
        return Period(self.period_start, self.period_end)

    @property
    def taken_fen(self) -> int:
        """What is spent or held."""
        return self.spent_fen + self.held_fen

    @property
    def left_fen(self) -> int | None:
        """What can still be held; never less than nothing, None without a budget."""
        return None if self.amount_fen is None else max(self.amount_fen - self.taken_fen, 0)

    def __str__(self) -> str:
        return self.period.label


class BudgetAlert(db.Base):
    """A percentage of an amount that a month has come to, and when that was told."""

    __tablename__ = "budget_alerts"
    __table_args__ = (UniqueConstraint("budget_id", "percent", "amount_fen"),)

    id: Mapped[int] = db.pk()
    budget_id: Mapped[int] = mapped_column(ForeignKey("budgets.id"))
    percent: Mapped[int]
    #: What the budget was then: a share of another amount is other news.
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class ReservationStatus(StrEnum):
    """What became of it."""

    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


_S = ReservationStatus
LIFECYCLE = Lifecycle(
    {_S.HELD: [_S.SETTLED, _S.RELEASED, _S.EXPIRED], _S.SETTLED: [], _S.RELEASED: [], _S.EXPIRED: []}
)


class Reservation(db.Base):
    """Money of a month that a provider holds before it serves. `key` is the provider's: asking twice is asking once."""

    __tablename__ = "reservations"
    __table_args__ = (
        UniqueConstraint("provider_id", "key"),
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        CheckConstraint("(status = 'settled') = (settled_fen IS NOT NULL)", name="settled_with_an_amount"),
        CheckConstraint("(status = 'held') = (ended_at IS NULL)", name="held_until_it_ends"),
        CheckConstraint("settled_fen BETWEEN 0 AND amount_fen", name="settled_within"),
        Index("ix_reservations_budget_id", "budget_id", "status"),
        Index("ix_reservations_status", "status", "expires_at"),
        Index("ix_reservations_subscription_id", "subscription_id", "status"),
    )

    id: Mapped[int] = db.pk()
    #: `rsv_…`.
    public_id: Mapped[str] = mapped_column(unique=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    key: Mapped[str]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    #: The month in which it was asked for; it is held there also when that is over.
    budget_id: Mapped[int] = mapped_column(ForeignKey("budgets.id"))
    #: What is to be used, where it was priced here; null where the provider has named the amount.
    meter_id: Mapped[int | None] = mapped_column(ForeignKey("meters.id"))
    quantity: Mapped[Decimal | None] = mapped_column(db.Quantity)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    settled_fen: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[ReservationStatus] = mapped_column(
        db.status_type(ReservationStatus), default=ReservationStatus.HELD
    )
    reserved_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    budget: Mapped[Budget] = relationship(lazy="raise")
    subscription: Mapped[Subscription] = relationship(lazy="raise")
    meter: Mapped[Meter | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.public_id
