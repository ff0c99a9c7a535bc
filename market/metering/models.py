"""Usage: events as reported, those that were refused, and the day counters made of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from market import db
from market.metering import partitions


class Kind(StrEnum):
    """What an event says: that something was used, or that an earlier event was wrong."""

    USAGE = "usage"
    REVERSAL = "reversal"
    REPLACEMENT = "replacement"


class Band(StrEnum):
    """When an event arrived, seen from the bill its time belongs to."""

    ON_TIME = "on_time"
    LATE = "late"
    VERY_LATE = "very_late"


#: What is to be remarked upon; few events, so an index of their own finds them among millions.
UNUSUAL = text("(band <> 'on_time' OR kind <> 'usage')")


class EventIdentity(db.Base):
    """That a (provider, source, id) is taken, for ever, whatever becomes of the event itself."""

    __tablename__ = "event_identities"
    __table_args__ = {"sqlite_with_rowid": False}

    #: `identity.key_of` provider, source and id.
    key: Mapped[bytes] = mapped_column(db.Digest, primary_key=True)
    #: The digest of the canonical event: the same id with another one is a conflict.
    payload: Mapped[bytes] = mapped_column(db.Digest)
    #: The number, the time and the arrival of the event.
    event: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    stored_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class UsageEvent(db.Base):
    """One accepted event. Rows are only added; whole old months go to an archive.

    On PostgreSQL the months are partitions, so there is no key over all of them: a number is unique because one
    sequence gives it, an identity because of `EventIdentity`. The foreign keys are known to the program only; the
    database would look them up for every event, though whoever stores one holds its subscription anyway.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        Index("ix_usage_events_subscription_type_at", "subscription_id", "type", "at"),
        Index("ix_usage_events_provider_id", "provider_id", "id"),
        Index("ix_usage_events_unusual", "subscription_id", "at", postgresql_where=UNUSUAL, sqlite_where=UNUSUAL),
        {"postgresql_partition_by": "RANGE (at)", "sqlite_autoincrement": True},
    )

    #: In the order of arrival.
    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    source: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[Kind] = mapped_column(db.status_type(Kind), server_default=Kind.USAGE)
    #: Of a reversal or replacement: the number of the event that it takes back; both have the same `at`.
    corrects: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    #: When the use happened, as the provider says.
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the event was stored here.
    stored_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    data: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    band: Mapped[Band] = mapped_column(db.status_type(Band))


partitions.by_month(UsageEvent)


class ArchivedMonth(db.Base):
    """A month whose raw events lie in a file; who they were, and what they counted, stays here."""

    __tablename__ = "archived_months"

    id: Mapped[int] = db.pk()
    #: Its first day, in Guangdong.
    month: Mapped[date] = mapped_column(unique=True)
    #: Where the file was written.
    path: Mapped[str]
    rows: Mapped[int] = mapped_column(BigInteger)
    #: Of the whole file, SHA-256.
    hash: Mapped[str]
    archived_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the last of its events was taken out of the database.
    cleared_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class RefusedEvent(db.Base):
    """An event that was not counted, with the reason, so that the provider can mend and resend it.

    It is open until an event is accepted under its id or somebody sets it aside; a sweep writes down that it is
    settled, so that reading and counting the open ones stays quick. A client that repeats the same mistake for ever
    moves one row. After `refused.KEPT` it is thrown away.
    """

    __tablename__ = "refused_events"
    __table_args__ = (
        Index("ix_refused_events_provider_id", "provider_id", "id"),
        Index(
            "ix_refused_events_open_key", "key", unique=True,
            postgresql_where=text("settled_at IS NULL"), sqlite_where=text("settled_at IS NULL"),
        ),
        Index(
            "ix_refused_events_open", "provider_id", "id",
            postgresql_where=text("settled_at IS NULL"), sqlite_where=text("settled_at IS NULL"),
        ),
        Index("ix_refused_events_received_at", "received_at"),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    source: Mapped[str]
    event_id: Mapped[str]
    #: The last time it came, to the minute, and how often it did.
    received_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    times: Mapped[int] = mapped_column(default=1)
    code: Mapped[str]
    reason: Mapped[str]
    #: The event as sent, cut at 2,000 characters.
    body: Mapped[str]
    #: The key of the `EventIdentity` that it would have got; of what has no id a digest of the body.
    key: Mapped[bytes] = mapped_column(db.Digest)
    #: When it was found resent, or set aside by somebody.
    settled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return self.event_id or f"#{self.id}"


class UsageCounter(db.Base):
    """What one slice of one meter of one subscription counted on one local day, kept in the events' transaction.

    `sum`, `count` and `max` speak for themselves, in reported units. `closing` is the value of the day's last
    event, of gauges and of `latest` meters. The day's integral of a gauge is `opening × seconds before first_at +
    area`, where `opening` is the `closing` of the slice's last earlier day that has a row: a stored value is
    carried on until it changes.
    """

    __tablename__ = "usage_counters"

    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), primary_key=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    #: The values of the meter's dimensions as a JSON list in their order; empty without dimensions.
    slice: Mapped[str] = mapped_column(primary_key=True, default="")
    count: Mapped[int] = mapped_column(BigInteger, default=0)
    sum: Mapped[Decimal] = mapped_column(db.Quantity, default=Decimal)
    max: Mapped[Decimal | None] = mapped_column(db.Quantity)
    #: The second of a gauge's first reading of the day.
    first_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: The time of the event that `closing` comes from; of several at one instant the one that arrived last.
    last_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Value × seconds from the first reading to the end of the day.
    area: Mapped[Decimal] = mapped_column(db.Quantity, default=Decimal)
    #: The value at the end of the day.
    closing: Mapped[Decimal | None] = mapped_column(db.Quantity)


class UsageValue(db.Base):
    """One of the different values that a slice of a `unique_count` meter saw on one local day.

    `present` says whether the day's last event with it, by time and then by arrival, added or removed it.
    """

    __tablename__ = "usage_values"

    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), primary_key=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meters.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    slice: Mapped[str] = mapped_column(primary_key=True, default="")
    value: Mapped[str] = mapped_column(primary_key=True)
    present: Mapped[bool]
    last_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
