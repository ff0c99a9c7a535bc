"""What a balance is made of: lots that were bought or given, and what became of each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.billing import triggers
from market.billing.credit_notes.models import PROPOSAL_LIFECYCLE, BalanceEntry, ProposalStatus


class LotKind(StrEnum):
    """Money of the buyer's own can go back to where it came from; what was given cannot."""

    PURCHASED = "purchased"
    GRANTED = "granted"


class GrantReason(StrEnum):
    """Why the marketplace gives a buyer something to spend here."""

    PROMOTION = "promotion"
    SUBSIDY = "subsidy"
    GOODWILL = "goodwill"


class BalanceGrant(db.Base):
    """What an administrator wants to give a buyer, until when, and who else agreed."""

    __tablename__ = "balance_grants"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        UniqueConstraint("request_key"),
        Index("ix_balance_grants_status", "status", "id"),
        Index("ix_balance_grants_organization_id", "organization_id", "id"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[GrantReason] = mapped_column(db.status_type(GrantReason))
    #: In the administrator's words; the customer reads them.
    note: Mapped[str]
    #: The last day on which it can be spent, in Guangdong.
    expires_on: Mapped[date]
    status: Mapped[ProposalStatus] = mapped_column(db.status_type(ProposalStatus), default=PROPOSAL_LIFECYCLE.initial)
    #: The form's random word: sent twice, it is one grant.
    request_key: Mapped[str]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: The second person; none where none was needed.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Why it was rejected.
    answer: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    asked_by: Mapped[User] = relationship(lazy="raise", foreign_keys=[asked_by_id])
    decided_by: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[decided_by_id])
    lot: Mapped[BalanceLot | None] = relationship(lazy="raise", back_populates="grant")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"#{self.id}"


class BalanceLot(db.Base):
    """What one entry added to a balance, and what is left of it. All lots of a buyer together are her balance."""

    __tablename__ = "balance_lots"
    __table_args__ = (
        UniqueConstraint("entry_id"),
        UniqueConstraint("grant_id"),
        CheckConstraint("rest_fen >= 0 AND rest_fen <= amount_fen AND amount_fen > 0", name="never_more_than_it_was"),
        CheckConstraint(
            "(kind = 'granted') = (grant_id IS NOT NULL) AND (kind = 'granted') = (expires_on IS NOT NULL)", name="given_until_a_day"
        ),
        Index("ix_balance_lots_left", "organization_id", sqlite_where=text("rest_fen > 0"), postgresql_where=text("rest_fen > 0")),
        Index("ix_balance_lots_expires_on", "expires_on", sqlite_where=text("rest_fen > 0"), postgresql_where=text("rest_fen > 0")),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    kind: Mapped[LotKind] = mapped_column(db.status_type(LotKind))
    #: The entry that made it.
    entry_id: Mapped[int] = mapped_column(ForeignKey("balance_entries.id"))
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("balance_grants.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    rest_fen: Mapped[int] = mapped_column(BigInteger)
    #: The last day on which it can be spent, in Guangdong.
    expires_on: Mapped[date | None]
    #: When its owner was told that the day is near.
    announced_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    entry: Mapped[BalanceEntry] = relationship(lazy="raise")
    grant: Mapped[BalanceGrant | None] = relationship(lazy="raise", back_populates="lot")

    __mapper_args__ = {"version_id_col": version}


class LotMove(db.Base):
    """What one entry of a balance put into a lot, or took from it."""

    __tablename__ = "balance_lot_moves"
    __table_args__ = (
        UniqueConstraint("lot_id", "entry_id"),
        CheckConstraint("amount_fen <> 0", name="amount_not_nothing"),
        Index("ix_balance_lot_moves_entry_id", "entry_id"),
    )

    id: Mapped[int] = db.pk()
    lot_id: Mapped[int] = mapped_column(ForeignKey("balance_lots.id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("balance_entries.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)

    lot: Mapped[BalanceLot] = relationship(lazy="raise")
    entry: Mapped[BalanceEntry] = relationship(lazy="raise")


triggers.keep(
    BalanceGrant, changing=("status", "decided_by_id", "decided_at", "answer", "version")
)  # fmt: skip
triggers.keep(BalanceLot, changing=("rest_fen", "announced_at", "version"))
triggers.keep(LotMove)
