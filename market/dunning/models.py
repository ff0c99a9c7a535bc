"""Dunning: versions of the sequence, the steps taken about bills, and what administrators hold back."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.billing.models import Bill
from market.dunning import sequences
from market.dunning.sequences import Kind


class SequenceVersion(db.Base):
    """The sequence for bills that are issued from `effective_at` on; never changed. Before the first the default holds."""

    __tablename__ = "dunning_sequences"

    id: Mapped[int] = db.pk()
    number: Mapped[int] = mapped_column(unique=True)
    reminders: Mapped[list[int]] = mapped_column(db.JSONType)
    charges: Mapped[list[int]] = mapped_column(db.JSONType)
    last_notice: Mapped[int]
    suspension: Mapped[int]
    end_notice: Mapped[int]
    notice_days: Mapped[int]
    end_days: Mapped[int]
    floor_fen: Mapped[int] = mapped_column(BigInteger)
    effective_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    reason: Mapped[str]
    changed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    changed_by: Mapped[User] = relationship(lazy="raise")

    @property
    def sequence(self) -> sequences.Sequence:
        """As a value."""
        return sequences.Sequence(
            self.number, tuple(self.reminders), tuple(self.charges), self.last_notice, self.suspension,
            self.end_notice, self.notice_days, self.end_days, self.floor_fen,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"dunning sequence {self.number}"


class Outcome(StrEnum):
    """What became of a step; `overtaken` by a later one, it was never taken. A charge is `pending` until the gateway was asked."""

    WRITTEN = "written"
    PENDING = "pending"
    ASKED = "asked"
    NO_CARD = "no_card"
    STOPPED = "stopped"
    NOTHING_TO_STOP = "nothing_to_stop"
    OVERTAKEN = "overtaken"


class Step(db.Base):
    """One step about one bill. While the bill is not settled, each stands there once, whoever takes it."""

    __tablename__ = "dunning_steps"
    __table_args__ = (
        Index(
            "uq_dunning_steps_open", "bill_id", "key", unique=True,
            sqlite_where=text("settled_at IS NULL"), postgresql_where=text("settled_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"), index=True)
    #: `sequences.Planned.key`.
    key: Mapped[str]
    kind: Mapped[Kind] = mapped_column(db.status_type(Kind))
    planned_on: Mapped[date]
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    outcome: Mapped[Outcome] = mapped_column(db.status_type(Outcome))
    #: Of a last notice the day of the suspension, of an end notice the last day; it may move away, never nearer.
    names_on: Mapped[date | None]
    #: What was asked for then.
    owed_fen: Mapped[int] = mapped_column(BigInteger)
    #: Null: as the sequence says, by itself.
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: When the bill was paid. Should money be taken back later, the sequence begins anew.
    settled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    bill: Mapped[Bill] = relationship(lazy="raise")
    taken_by: Mapped[User | None] = relationship(lazy="raise")


class Hold(db.Base):
    """Nothing is done about a bill, or about any bill of a firm, through a day, because somebody said so."""

    __tablename__ = "dunning_holds"
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lifted_by_id IS NULL)", name="lifted_by_somebody"),
        Index("ix_dunning_holds_organization_id", "organization_id", "until"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    #: Null: all of them.
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("bills.id"), index=True)
    #: The last local day on which nothing is done.
    until: Mapped[date]
    reason: Mapped[str]
    placed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    placed_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")
    bill: Mapped[Bill | None] = relationship(lazy="raise")
    placed_by: Mapped[User] = relationship(lazy="raise", foreign_keys=[placed_by_id])
