"""A file of usage: what it is, how far it is, and its lines in parts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User
from market.kit.lifecycle import Lifecycle


class UploadStatus(StrEnum):
    """How far a file is."""

    RECEIVED = "received"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


_S = UploadStatus
LIFECYCLE = Lifecycle(
    {
        _S.RECEIVED: [_S.WORKING, _S.DONE, _S.FAILED],
        _S.WORKING: [_S.DONE, _S.FAILED],
        _S.DONE: [_S.EXPIRED],
        # What was taken in before it broke off stays; the same file again goes on where it stopped.
        _S.FAILED: [_S.EXPIRED],
        _S.EXPIRED: [],
    }
)
#: Lines are still to be taken in.
OPEN = (_S.RECEIVED, _S.WORKING)


class UsageUpload(db.Base):
    """One file as it was sent. The row stays; its lines and their verdicts are thrown away after a while."""

    __tablename__ = "usage_uploads"
    __table_args__ = (
        UniqueConstraint("provider_id", "request_key"),
        Index("ix_usage_uploads_provider_id", "provider_id", "id"),
        Index("ix_usage_uploads_status", "status", "id"),
    )

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    #: A random word in the form: the same word twice is the same upload.
    request_key: Mapped[str]
    #: What the person called it; shown, never used as a path.
    filename: Mapped[str]
    size: Mapped[int]
    #: Of the bytes as sent, hex.
    sha256: Mapped[str]
    encoding: Mapped[str]
    #: Every event of the file gets it.
    source: Mapped[str]
    #: How lines become events: `reading.Layout`.
    layout: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    #: Judge every line and store nothing.
    dry_run: Mapped[bool]
    status: Mapped[UploadStatus] = mapped_column(db.status_type(UploadStatus), default=UploadStatus.RECEIVED)
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    lines: Mapped[int]
    lines_done: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    duplicate: Mapped[int] = mapped_column(default=0)
    conflict: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()

    uploaded_by: Mapped[User] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    @property
    def lost(self) -> int:
        """How many lines were not counted."""
        return self.conflict + self.refused

    def __str__(self) -> str:
        return self.filename


class UploadPart(db.Base):
    """Some lines of a file: their text until they are taken in, their verdicts afterwards."""

    __tablename__ = "usage_upload_parts"

    upload_id: Mapped[int] = mapped_column(ForeignKey("usage_uploads.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    #: JSON: a list of `reading.Record`; empty once it is worked off.
    records: Mapped[str] = mapped_column(Text)
    #: JSON: a list of `queries.ReportLine`; none until it is worked off.
    verdicts: Mapped[str | None] = mapped_column(Text)
