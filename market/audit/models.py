"""The audit trail: one row for each change anyone makes, written in the change's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from market import db


class AuditEvent(db.Base):
    """Who did what to which thing, when, from where and why. Rows are only ever added."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_subject", "subject_type", "subject_id", "id"),
        Index("ix_audit_events_organization", "organization_id", "id"),
    )

    id: Mapped[int] = db.pk()
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    actor_kind: Mapped[str]
    #: The user's or key's id; null for the system.
    actor_id: Mapped[int | None] = mapped_column(db.BigInt)
    actor_label: Mapped[str]
    #: The organization acted for, which may read this row; null for the platform's own work.
    organization_id: Mapped[int | None] = mapped_column(db.BigInt)
    #: `subject.verb` in the past tense, such as `subscription.canceled`.
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[int | None] = mapped_column(db.BigInt)
    subject_label: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    after: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    reason: Mapped[str]
    address: Mapped[str]
