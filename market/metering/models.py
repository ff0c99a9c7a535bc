"""Usage: events as reported, those that were refused, and the day counters made of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market import db


class Band(StrEnum):
    """When an event arrived, seen from the bill its time belongs to."""

    ON_TIME = "on_time"
    LATE = "late"
    VERY_LATE = "very_late"


class UsageEvent(db.Base):
    """One accepted event. (provider, source, event_id) is unique for ever; rows are only added."""

    __tablename__ = "usage_events"
    __table_args__ = (
        UniqueConstraint("provider_id", "source", "event_id"),
        Index("ix_usage_events_subscription_type_at", "subscription_id", "type", "at"),
    )

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    source: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    #: When the use happened, as the provider says.
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the event was stored here.
    stored_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    data: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    #: SHA-256 of the canonical event: the same id with another hash is a conflict.
    payload_hash: Mapped[str]
    band: Mapped[Band] = mapped_column(db.status_type(Band))


class RefusedEvent(db.Base):
    """An event that was not counted, with the reason, so that the provider can mend and resend it."""

    __tablename__ = "refused_events"
    __table_args__ = (Index("ix_refused_events_provider_id", "provider_id", "id"),)

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    source: Mapped[str]
    event_id: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    code: Mapped[str]
    reason: Mapped[str]
    #: The event as sent, cut at 2,000 characters.
    body: Mapped[str]


class UsageCounter(db.Base):
    """What one meter of one subscription counted on one local day, kept in the events' transaction.

    `sum`, `count` and `max` speak for themselves, in reported units. For time-weighted meters the
    day's integral is `opening × seconds before first_at + area`, where `opening` is the `closing`
    of the last earlier day that has a row: a stored value is carried on until it changes.
    """

    __tablename__ = "usage_counters"

    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), primary_key=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger, default=0)
    sum: Mapped[Decimal] = mapped_column(db.Quantity, default=Decimal)
    max: Mapped[Decimal | None] = mapped_column(db.Quantity)
    #: Time of the day's first reading.
    first_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Value × seconds from the first reading to the end of the day.
    area: Mapped[Decimal] = mapped_column(db.Quantity, default=Decimal)
    #: The value at the end of the day.
    closing: Mapped[Decimal | None] = mapped_column(db.Quantity)
