"""Corrections: who takes back or replaces which events, why, and who agreed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import ApiKey, User
from market.kit.lifecycle import Lifecycle
from market.kit.period import Period
from market.metering.models import Kind
from market.subscriptions.models import Subscription


class CorrectionStatus(StrEnum):
    """A small correction is approved at once; a large one waits for a second person."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


_S = CorrectionStatus
LIFECYCLE = Lifecycle({_S.PROPOSED: [_S.APPROVED, _S.REJECTED], _S.APPROVED: [], _S.REJECTED: []})


class Reason(StrEnum):
    """Why something reported was wrong."""

    WRONG_VALUE = "wrong_value"
    SENT_TWICE = "sent_twice"
    WRONG_CUSTOMER = "wrong_customer"
    NOT_REAL = "not_real"
    AGREED = "agreed"
    OTHER = "other"


class Effect(NamedTuple):
    """A meter's quantity of the month without the correction and with it, in priced units."""

    meter_id: int
    before: Decimal
    after: Decimal


class UsageCorrection(db.Base):
    """One decision about some events of one subscription and one billing month.

    The events that it adds are `CorrectingEvent`s; until it is approved they count nothing.
    """

    __tablename__ = "usage_corrections"
    __table_args__ = (
        Index("ix_usage_corrections_provider_id", "provider_id", "id"),
        Index("ix_usage_corrections_subscription_id", "subscription_id", "period_start"),
    )

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    #: The billing month in which the events happened.
    period_start: Mapped[datetime] = mapped_column(db.UTCDateTime)
    period_end: Mapped[datetime] = mapped_column(db.UTCDateTime)
    reason: Mapped[Reason] = mapped_column(db.status_type(Reason))
    #: In the provider's words; the customer reads them.
    note: Mapped[str]
    #: Whoever asked for it: a person or a program's key.
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    #: The second person; none where none was needed.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    status: Mapped[CorrectionStatus] = mapped_column(db.status_type(CorrectionStatus), default=_S.PROPOSED)
    proposed_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Why it was rejected.
    answer: Mapped[str] = mapped_column(default="")
    #: How many events it corrects.
    size: Mapped[int]
    #: `Effect`s as lists, decimals as text; what a proposal would do, or what the approved correction did.
    effects: Mapped[list[list[Any]]] = mapped_column(db.JSONType)
    #: What the subscription's month costs without it and with it.
    before_fen: Mapped[int] = mapped_column(BigInteger)
    after_fen: Mapped[int] = mapped_column(BigInteger)
    #: The month's bill was issued already: the difference is booked on a later one.
    billed: Mapped[bool]
    version: Mapped[int] = mapped_column()

    subscription: Mapped[Subscription] = relationship(lazy="raise")
    author: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[author_id])
    key: Mapped[ApiKey | None] = relationship(lazy="raise")
    decided_by: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[decided_by_id])
    events: Mapped[list[CorrectingEvent]] = relationship(
        lazy="raise", order_by="CorrectingEvent.id", back_populates="correction"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def period(self) -> Period:
        """The billing month, half-open."""
        return Period(self.period_start, self.period_end)

    @property
    def moved(self) -> list[Effect]:
        """What it does to each meter that it touches."""
        return [Effect(meter_id, Decimal(before), Decimal(after)) for meter_id, before, after in self.effects]

    @property
    def change_fen(self) -> int:
        """By how much the month gets dearer, or cheaper."""
        return self.after_fen - self.before_fen

    def __str__(self) -> str:
        return f"#{self.id}"


class CorrectingEvent(db.Base):
    """One event that takes another back: what is to be stored, and which one it corrects."""

    __tablename__ = "correcting_events"
    __table_args__ = (
        UniqueConstraint("key"),
        # An event is corrected once; what corrects it may be corrected in its turn.
        Index(
            "uq_correcting_events_open", "corrects", unique=True,
            postgresql_where=text("open"), sqlite_where=text("open"),
        ),
        Index("ix_correcting_events_correction_id", "correction_id"),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    correction_id: Mapped[int] = mapped_column(ForeignKey("usage_corrections.id"))
    #: As of every event, `identity.Keys` and `identity.digest_of`: the same correction twice is one.
    key: Mapped[bytes] = mapped_column(db.Digest)
    payload: Mapped[bytes] = mapped_column(db.Digest)
    source: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[Kind] = mapped_column(db.status_type(Kind))
    #: The number of the event that is taken back, and what it said.
    corrects: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str]
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    old: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    data: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    #: Proposed or approved; a rejected one leaves its event free for another.
    open: Mapped[bool] = mapped_column(default=True)
    #: The number it was stored under.
    number: Mapped[int | None] = mapped_column(BigInteger)

    correction: Mapped[UsageCorrection] = relationship(lazy="raise", back_populates="events")
