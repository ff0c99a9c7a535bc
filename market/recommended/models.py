"""The recommended catalogue 推荐目录: editions, and what was nominated, decided and why."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User
from market.catalog.models import Offering
from market.kit.lifecycle import Lifecycle


class Edition(db.Base):
    """One batch of the recommended catalogue; what it lists ends with it."""

    __tablename__ = "editions"

    id: Mapped[int] = db.pk()
    slug: Mapped[str] = mapped_column(unique=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    starts_on: Mapped[date]
    #: The last day on which its entries are shown.
    ends_on: Mapped[date]

    def __str__(self) -> str:
        return self.name_zh


class EntryStatus(StrEnum):
    """Where a nomination stands. Scores come with a later edition of the rules."""

    NOMINATED = "nominated"
    SCORED = "scored"
    APPROVED = "approved"
    DECLINED = "declined"
    LISTED = "listed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


_S = EntryStatus
LIFECYCLE = Lifecycle(
    {
        _S.NOMINATED: [_S.SCORED, _S.APPROVED, _S.DECLINED],
        _S.SCORED: [_S.APPROVED, _S.DECLINED],
        _S.APPROVED: [_S.LISTED],
        _S.DECLINED: [],
        _S.LISTED: [_S.EXPIRED, _S.WITHDRAWN],
        _S.EXPIRED: [_S.NOMINATED],
        _S.WITHDRAWN: [],
    }
)

#: Entries that are decided or still to be: at most one of them for an offering in an edition.
OPEN = frozenset({_S.NOMINATED, _S.SCORED, _S.APPROVED, _S.LISTED})
_OPEN = "status IN ('nominated', 'scored', 'approved', 'listed')"


class Entry(db.Base):
    """An offering's nomination for an edition: one person proposes, another decides."""

    __tablename__ = "recommended_entries"
    __table_args__ = (
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> nominated_by_id", name="two_people"),
        Index(
            "uq_recommended_entries_open",
            "edition_id",
            "offering_id",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
    )

    id: Mapped[int] = db.pk()
    edition_id: Mapped[int] = mapped_column(ForeignKey("editions.id"))
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"), index=True)
    status: Mapped[EntryStatus] = mapped_column(
        db.status_type(EntryStatus), default=EntryStatus.NOMINATED
    )
    #: Shown to the public beside the badge.
    reason_zh: Mapped[str]
    reason_en: Mapped[str] = mapped_column(default="")
    nominated_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    nominated_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    decision_reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    edition: Mapped[Edition] = relationship(lazy="raise")
    offering: Mapped[Offering] = relationship(lazy="raise")
    nominated_by: Mapped[User] = relationship(lazy="raise", foreign_keys=nominated_by_id)
    decided_by: Mapped[User | None] = relationship(lazy="raise", foreign_keys=decided_by_id)

    __mapper_args__ = {"version_id_col": version}
