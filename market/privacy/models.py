"""Archives of somebody's data, made to be taken away."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.kit.lifecycle import Lifecycle


class ExportStatus(StrEnum):
    """How far an archive is."""

    REQUESTED = "requested"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


_S = ExportStatus
LIFECYCLE = Lifecycle(
    {
        _S.REQUESTED: [_S.BUILDING],
        # A worker that was killed in the middle leaves the row behind; the next one begins anew.
        _S.BUILDING: [_S.READY, _S.FAILED, _S.REQUESTED],
        _S.READY: [_S.EXPIRED],
        _S.FAILED: [],
        _S.EXPIRED: [],
    }
)
#: An archive is still being made, and another one would hold the same.
OPEN = (_S.REQUESTED, _S.BUILDING)


class Export(db.Base):
    """One archive: of an organization's data or, without one, of the person's own."""

    __tablename__ = "exports"
    __table_args__ = (Index("ix_exports_status", "status", "requested_at"),)

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    status: Mapped[ExportStatus] = mapped_column(db.status_type(ExportStatus), default=ExportStatus.REQUESTED)
    requested_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Moves while it is being made, so that a worker that has died is told from one that is busy.
    progress_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    rows: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    #: The file's name in the folder of archives; random, so that it cannot be guessed.
    file: Mapped[str]
    size: Mapped[int] = mapped_column(db.BigInt, default=0)
    finished_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization | None] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"#{self.id}"
