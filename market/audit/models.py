"""The audit trail: one row for each change anyone makes, a chain that seals them, and its published heads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from market import db
from market.audit import triggers

#: What stands in the place of the name of a person whose data were erased.
FORGOTTEN = triggers.FORGOTTEN
_HASH = String(64)


class AuditEvent(db.Base):
    """Who did what to which thing, when, from where and why. Rows are only ever added.

    What names a person can be erased without breaking the chain: it counts for the row's hash only through a
    salted digest, which stays.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_subject", "subject_type", "subject_id", "id"),
        # Lists are read newest first, so that every way to narrow them ends in the order.
        Index("ix_audit_events_organization", "organization_id", "at", "id"),
        Index("ix_audit_events_acting_for", "acting_for_id", "at", "id"),
        Index("ix_audit_events_kind", "kind", "at", "id"),
        Index("ix_audit_events_actor", "actor_id", "at", "id"),
        Index("ix_audit_events_at", "at", "id"),
    )

    id: Mapped[int] = db.pk()
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    actor_kind: Mapped[str]
    #: The user's or key's id; null for the system.
    actor_id: Mapped[int | None] = mapped_column(db.BigInt)
    actor_label: Mapped[str]
    #: The organization in whose name it was done; null for the platform's own work.
    acting_for_id: Mapped[int | None] = mapped_column(db.BigInt)
    #: The organization that it concerns, which may read this row as the one acted for may.
    organization_id: Mapped[int | None] = mapped_column(db.BigInt)
    #: `subject.verb` in the past tense, such as `subscription.canceled`.
    action: Mapped[str]
    #: The action's first word, by which lists are narrowed.
    kind: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[int | None] = mapped_column(db.BigInt)
    subject_label: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    after: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    reason: Mapped[str]
    address: Mapped[str]
    #: Random text that keeps the digest from being guessed; emptied by erasure, empty where no person acted.
    actor_salt: Mapped[str] = mapped_column(_HASH)
    #: What `actor_label` and `address` count for in the hash; empty where no person acted.
    actor_digest: Mapped[str] = mapped_column(_HASH)
    #: The same for `subject_label`, where the subject is a person.
    subject_salt: Mapped[str] = mapped_column(_HASH)
    subject_digest: Mapped[str] = mapped_column(_HASH)

    @property
    def actor_forgotten(self) -> bool:
        """Whether the name and address of the person who acted were erased."""
        return bool(self.actor_digest) and not self.actor_salt

    @property
    def subject_forgotten(self) -> bool:
        """Whether the name of the person acted upon was erased."""
        return bool(self.subject_digest) and not self.subject_salt


class AuditLink(db.Base):
    """The seal of one row: its place in the chain and the hash of everything up to it. Rows are only ever added."""

    __tablename__ = "audit_links"

    #: 1, 2, 3 … without a gap.
    position: Mapped[int] = mapped_column(db.BigInt, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(db.BigInt, ForeignKey("audit_events.id"), unique=True)
    previous_hash: Mapped[str] = mapped_column(_HASH)
    hash: Mapped[str] = mapped_column(_HASH)


class AuditHead(db.Base):
    """The chain's newest link at the end of a day, told to the world. Rows are only ever added."""

    __tablename__ = "audit_heads"

    #: The day in Guangdong that it closes.
    day: Mapped[date] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(db.BigInt)
    hash: Mapped[str] = mapped_column(_HASH)
    published_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


triggers.guard(AuditEvent, AuditLink, AuditHead)
