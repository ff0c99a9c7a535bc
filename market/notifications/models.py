"""The outbox: e-mails as committed rows, sent by a sweep."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from market import db
from market.kit.lifecycle import Lifecycle


class EmailStatus(StrEnum):
    """`kept` is the end of the road where no mail server is set: the local mailbox shows it."""

    QUEUED = "queued"
    SENT = "sent"
    KEPT = "kept"
    FAILED = "failed"


_S = EmailStatus
LIFECYCLE = Lifecycle(
    {_S.QUEUED: [_S.SENT, _S.KEPT, _S.FAILED], _S.FAILED: [_S.QUEUED], _S.SENT: [], _S.KEPT: []}
)


class Email(db.Base):
    """One message to one person. `key` makes writing it twice harmless."""

    __tablename__ = "emails"
    __table_args__ = (Index("ix_emails_due", "status", "next_attempt_at"),)

    id: Mapped[int] = db.pk()
    key: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    status: Mapped[EmailStatus] = mapped_column(db.status_type(EmailStatus), default=EmailStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    last_error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return self.subject
