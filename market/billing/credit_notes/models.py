"""Credit notes 红冲/抵扣单: what was wrong in an issued bill, given back; the balance; money to be paid back."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.billing import triggers
from market.billing.models import Bill, BillLine
from market.kit.lifecycle import Lifecycle
from market.providers.models import Provider


class CreditNoteStatus(StrEnum):
    """Issued; waits for the red fapiao of what was invoiced; settled when nothing of it can be taken back any more."""

    ISSUED = "issued"
    AWAITING_RED_FAPIAO = "awaiting_red_fapiao"
    SETTLED = "settled"
    VOID = "void"


_S = CreditNoteStatus
LIFECYCLE = Lifecycle(
    {
        _S.ISSUED: [_S.AWAITING_RED_FAPIAO, _S.SETTLED, _S.VOID],
        _S.AWAITING_RED_FAPIAO: [_S.SETTLED],
        _S.SETTLED: [],
        _S.VOID: [],
    }
)


class ProposalStatus(StrEnum):
    """A small credit is approved at once; a large one waits for a second administrator."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


_P = ProposalStatus
PROPOSAL_LIFECYCLE = Lifecycle({_P.PROPOSED: [_P.APPROVED, _P.REJECTED], _P.APPROVED: [], _P.REJECTED: []})


class RefundStatus(StrEnum):
    """Money that is to go back to the buyer's account; called off, it is balance again.

    While a gateway is at it (`processing`) nobody pays it by bank.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


_R = RefundStatus
REFUND_LIFECYCLE = Lifecycle(
    {
        _R.PENDING: [_R.PROCESSING, _R.SUCCEEDED, _R.FAILED, _R.CANCELED],
        _R.PROCESSING: [_R.SUCCEEDED, _R.FAILED],
        _R.FAILED: [_R.PENDING, _R.CANCELED],
        _R.SUCCEEDED: [],
        _R.CANCELED: [],
    }
)


class Source(StrEnum):
    """What a credit note came from."""

    CORRECTION = "correction"
    TERMINATION = "termination"
    ADMINISTRATOR = "administrator"


class CreditReason(StrEnum):
    """Why money is given back."""

    USAGE_CORRECTED = "usage_corrected"
    PREPAID_UNUSED = "prepaid_unused"
    WRONG_USAGE = "wrong_usage"
    WRONG_PRICE = "wrong_price"
    NOT_DELIVERED = "not_delivered"
    SERVICE_LEVEL = "service_level"
    AGREED = "agreed"
    OTHER = "other"


class Destination(StrEnum):
    """Where the part goes that the bill does not ask for any more."""

    BALANCE = "balance"
    REFUND = "refund"


class EntryKind(StrEnum):
    """Why a balance moved."""

    CREDIT = "credit"
    #: Less than nothing pays a bill, or what is owed beside bills; more is money of a bill that is balance again, or
    #: a claim: money that went away although nothing was left to take it from.
    APPLIED = "applied"
    REFUND = "refund"
    RETURNED = "returned"
    VOID = "void"
    #: Money that came in beyond what bills asked for.
    DEPOSIT = "deposit"
    #: A bank or card company took back what had paid.
    DISPUTED = "disputed"
    #: The marketplace gave something to spend here, or its day is past.
    GRANTED = "granted"
    EXPIRED = "expired"


class CreditProposal(db.Base):
    """What an administrator wants to credit on a bill, and who else agreed."""

    __tablename__ = "credit_proposals"
    __table_args__ = (
        CheckConstraint("gross_fen > 0", name="amount_positive"),
        UniqueConstraint("request_key"),
        Index("ix_credit_proposals_status", "status", "id"),
        Index("ix_credit_proposals_bill_id", "bill_id"),
    )

    id: Mapped[int] = db.pk()
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"))
    status: Mapped[ProposalStatus] = mapped_column(db.status_type(ProposalStatus), default=_P.PROPOSED)
    reason: Mapped[CreditReason] = mapped_column(db.status_type(CreditReason))
    #: In the administrator's words; the customer reads them.
    note: Mapped[str]
    destination: Mapped[Destination] = mapped_column(db.status_type(Destination), default=Destination.BALANCE)
    #: Pairs of a bill line's id and fen.
    cuts: Mapped[list[list[int]]] = mapped_column(db.JSONType)
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    #: The form's random word: sent twice, it is one proposal.
    request_key: Mapped[str]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: The second person; none where none was needed.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Why it was rejected.
    answer: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    bill: Mapped[Bill] = relationship(lazy="raise")
    asked_by: Mapped[User] = relationship(lazy="raise", foreign_keys=[asked_by_id])
    decided_by: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[decided_by_id])
    credit_note: Mapped[CreditNote | None] = relationship(lazy="raise", back_populates="proposal")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"#{self.id}"


class CreditNote(db.Base):
    """Money of one bill given back, tax included, in positive fen; what it is made of never changes."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("proposal_id"),
        CheckConstraint("gross_fen > 0 AND gross_fen = net_fen + tax_fen", name="split_adds_up"),
        CheckConstraint(
            "offset_fen >= 0 AND balance_fen >= 0 AND refund_fen >= 0 AND offset_fen + balance_fen + refund_fen = gross_fen",
            name="all_of_it_goes_somewhere",
        ),
        CheckConstraint("(status = 'void') = (voided_at IS NOT NULL)", name="void_has_its_day"),
        Index("ix_credit_notes_bill_id", "bill_id"),
        Index("ix_credit_notes_organization_id", "organization_id", "id"),
    )

    id: Mapped[int] = db.pk()
    number: Mapped[str]
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    status: Mapped[CreditNoteStatus] = mapped_column(db.status_type(CreditNoteStatus), default=_S.ISSUED)
    source: Mapped[Source] = mapped_column(db.status_type(Source))
    reason: Mapped[CreditReason] = mapped_column(db.status_type(CreditReason))
    note: Mapped[str] = mapped_column(default="")
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    #: Taken off what the bill still asked for; the rest is balance or is to be paid back.
    offset_fen: Mapped[int] = mapped_column(BigInteger)
    balance_fen: Mapped[int] = mapped_column(BigInteger)
    refund_fen: Mapped[int] = mapped_column(BigInteger)
    proposal_id: Mapped[int | None] = mapped_column(ForeignKey("credit_proposals.id"))
    issued_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    void_reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    bill: Mapped[Bill] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
    proposal: Mapped[CreditProposal | None] = relationship(lazy="raise", back_populates="credit_note")
    lines: Mapped[list[CreditNoteLine]] = relationship(
        lazy="raise", order_by="CreditNoteLine.position", back_populates="credit_note"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.number


class CreditNoteLine(db.Base):
    """What is given back of one bill line. However often a line is cut, net and tax re-add to the line's own."""

    __tablename__ = "credit_note_lines"
    __table_args__ = (
        UniqueConstraint("credit_note_id", "position"),
        CheckConstraint("gross_fen > 0 AND gross_fen = net_fen + tax_fen", name="split_adds_up"),
        CheckConstraint("net_fen >= 0 AND tax_fen >= 0", name="parts_not_negative"),
        Index("ix_credit_note_lines_bill_line_id", "bill_line_id"),
        Index("ix_credit_note_lines_provider_id", "provider_id", "credit_note_id"),
        Index("ix_credit_note_lines_about_line_id", "about_line_id"),
    )

    id: Mapped[int] = db.pk()
    credit_note_id: Mapped[int] = mapped_column(ForeignKey("credit_notes.id"))
    position: Mapped[int]
    bill_line_id: Mapped[int] = mapped_column(ForeignKey("bill_lines.id"))
    #: The line whose amount was wrong: mostly the same. Where that line's own bill has nothing left to credit, the
    #: money comes off another line of the same provider.
    about_line_id: Mapped[int] = mapped_column(ForeignKey("bill_lines.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    tax_rate: Mapped[str]
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)

    credit_note: Mapped[CreditNote] = relationship(lazy="raise", back_populates="lines")
    bill_line: Mapped[BillLine] = relationship(lazy="raise", foreign_keys=[bill_line_id])
    about: Mapped[BillLine] = relationship(lazy="raise", foreign_keys=[about_line_id])
    provider: Mapped[Provider] = relationship(lazy="raise")


class RefundRequest(db.Base):
    """Money to be paid back to a buyer by bank transfer, from a credit note or out of the balance."""

    __tablename__ = "refund_requests"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(status = 'succeeded') = (bank_reference IS NOT NULL)", name="paid_has_a_reference"),
        UniqueConstraint("credit_note_id"),
        UniqueConstraint("bank_reference"),
        UniqueConstraint("request_key"),
        Index("ix_refund_requests_status", "status", "id"),
        Index("ix_refund_requests_organization_id", "organization_id", "id"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    #: Null where it comes out of the balance.
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("credit_notes.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[RefundStatus] = mapped_column(db.status_type(RefundStatus), default=_R.PENDING)
    #: Of one asked for on a form: sent twice, it is one request.
    request_key: Mapped[str | None]
    #: The number of the payment whose money it is, where that can go back the way it came; null is by bank.
    payment_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    bank_reference: Mapped[str | None]
    paid_on: Mapped[date | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    settled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Why the bank did not take it, in words.
    failure: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    credit_note: Mapped[CreditNote | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"#{self.id}"


class BalanceEntry(db.Base):
    """One movement of what a buyer has to her credit; rows are only ever added, and it is never less than nothing."""

    __tablename__ = "balance_entries"
    __table_args__ = (
        UniqueConstraint("organization_id", "number"),
        CheckConstraint("amount_fen <> 0 AND after_fen >= 0", name="never_below_nothing"),
        Index("ix_balance_entries_bill_id", "bill_id"),
        Index("ix_balance_entries_credit_note_id", "credit_note_id"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    #: 1, 2, 3 … in each organization.
    number: Mapped[int]
    kind: Mapped[EntryKind] = mapped_column(db.status_type(EntryKind))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    after_fen: Mapped[int] = mapped_column(BigInteger)
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("credit_notes.id"))
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("bills.id"))
    refund_request_id: Mapped[int | None] = mapped_column(ForeignKey("refund_requests.id"))
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    credit_note: Mapped[CreditNote | None] = relationship(lazy="raise")
    bill: Mapped[Bill | None] = relationship(lazy="raise")
    refund_request: Mapped[RefundRequest | None] = relationship(lazy="raise")


triggers.keep(CreditNote, changing=("status", "settled_at", "voided_at", "void_reason", "version"))
triggers.keep(BalanceEntry)
triggers.keep_whole(CreditNoteLine)
