"""Payments: money promised and money that arrived."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.billing.models import Bill
from market.documents.models import Document
from market.kit.lifecycle import Lifecycle


class PaymentStatus(StrEnum):
    """A gateway may report success before our own request returns."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


_S = PaymentStatus
LIFECYCLE = Lifecycle(
    {
        _S.PENDING: [_S.PROCESSING, _S.SUCCEEDED, _S.FAILED, _S.CANCELED],
        _S.PROCESSING: [_S.SUCCEEDED, _S.FAILED, _S.CANCELED],
        _S.FAILED: [_S.PENDING],
        _S.SUCCEEDED: [],
        _S.CANCELED: [],
    }
)

_OPEN = "status IN ('pending', 'processing')"


class Payment(db.Base):
    """One way of paying (part of) a bill through one gateway. Amounts are fen."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        Index(
            "uq_payments_open",
            "bill_id",
            "gateway",
            unique=True,
            sqlite_where=text(_OPEN),
            postgresql_where=text(_OPEN),
        ),
    )

    id: Mapped[int] = db.pk()
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"), index=True)
    #: The gateway's name, such as `bank_transfer`.
    gateway: Mapped[str]
    status: Mapped[PaymentStatus] = mapped_column(
        db.status_type(PaymentStatus), default=PaymentStatus.PENDING
    )
    #: What is to arrive; what did arrive once it succeeded.
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    #: Short code that a buyer writes on a bank transfer, unique for ever.
    remittance_code: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the buyer said that she has paid.
    announced_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Why it failed, in words.
    failure: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    bill: Mapped[Bill] = relationship(lazy="raise")
    arrival: Mapped[BankArrival | None] = relationship(back_populates="payment", lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.remittance_code or f"payment {self.id}"


class BankArrival(db.Base):
    """Money seen on the bank account; the bank's own reference can be entered only once."""

    __tablename__ = "bank_arrivals"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount_positive"),)

    id: Mapped[int] = db.pk()
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), unique=True)
    bank_reference: Mapped[str] = mapped_column(unique=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    payer_name: Mapped[str]
    arrived_on: Mapped[date]
    confirmed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    confirmed_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    note: Mapped[str] = mapped_column(default="")

    payment: Mapped[Payment] = relationship(back_populates="arrival", lazy="raise")


class PaymentProof(db.Base):
    """What the buyer sent in to show that she has paid: her bank's slip."""

    __tablename__ = "payment_proofs"
    __table_args__ = (UniqueConstraint("document_id"),)

    id: Mapped[int] = db.pk()
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    added_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    added_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    document: Mapped[Document] = relationship(lazy="raise")
