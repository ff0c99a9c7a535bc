"""Statements of the bank, their lines, where the money of each line went, and by what names firms pay."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.billing import triggers
from market.billing.credit_notes.models import BalanceEntry, RefundRequest
from market.kit.lifecycle import Lifecycle
from market.payments.models import BankArrival


class StatementStatus(StrEnum):
    """A file is looked at before anything of it counts."""

    PREVIEW = "preview"
    IMPORTED = "imported"
    DISCARDED = "discarded"


_T = StatementStatus
STATEMENT_LIFECYCLE = Lifecycle({_T.PREVIEW: [_T.IMPORTED, _T.DISCARDED], _T.IMPORTED: [], _T.DISCARDED: []})


class LineStatus(StrEnum):
    """Whose it is nobody knows; whose it seems to be; where it went: to bills and balance, or back."""

    UNMATCHED = "unmatched"
    PROPOSED = "proposed"
    BOOKED = "booked"
    RETURNED = "returned"


_L = LineStatus
LINE_LIFECYCLE = Lifecycle(
    {
        _L.UNMATCHED: [_L.PROPOSED, _L.BOOKED, _L.RETURNED],
        _L.PROPOSED: [_L.UNMATCHED, _L.BOOKED, _L.RETURNED],
        _L.BOOKED: [],
        _L.RETURNED: [],
    }
)


class Reason(StrEnum):
    """Why a line was booked by itself, or why it waits for a person."""

    #: Payer and amount agree with one bill.
    EXACT = "exact"
    #: An administrator had entered the same transfer by hand.
    BY_HAND = "by_hand"
    #: An administrator said where it goes.
    BY_PERSON = "by_person"
    #: The payer is known, but no bill asks for just this much.
    OTHER_AMOUNT = "other_amount"
    #: The payer is known and owes nothing.
    NOTHING_OWED = "nothing_owed"
    #: The code says whose bill it is, the payer's name says somebody else.
    OTHER_NAME = "other_name"
    #: Nobody with this name is known.
    UNKNOWN_PAYER = "unknown_payer"
    #: The same number of the bank's is booked with another amount.
    REFERENCE_TAKEN = "reference_taken"
    #: Money went out: there is nothing to do.
    OUTGOING = "outgoing"


class AllocationKind(StrEnum):
    """Where a part of a line went."""

    BILL = "bill"
    BALANCE = "balance"
    RETURNED = "returned"


class BankStatement(db.Base):
    """A file from the bank, as it was sent in, and how its columns are read."""

    __tablename__ = "bank_statements"
    __table_args__ = (UniqueConstraint("request_key"), Index("ix_bank_statements_status", "status", "id"))

    id: Mapped[int] = db.pk()
    #: The form's random word: sent twice, it is one file.
    request_key: Mapped[str]
    filename: Mapped[str]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    #: CSV, camt.053 or MT940.
    kind: Mapped[str]
    encoding: Mapped[str]
    #: Our account that the lines are about.
    account: Mapped[str]
    #: The head of a spreadsheet, by which its bank's layout is known again.
    signature: Mapped[str] = mapped_column(default="")
    columns: Mapped[dict[str, int]] = mapped_column(db.JSONType)
    reversed: Mapped[bool] = mapped_column(default=False)
    status: Mapped[StatementStatus] = mapped_column(db.status_type(StatementStatus), default=_T.PREVIEW)
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    uploaded_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Lines taken in, known before, and not usable.
    taken: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    faulty: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()

    uploaded_by: Mapped[User] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.filename


class BankLayout(db.Base):
    """How a bank's spreadsheet is read, remembered by its head."""

    __tablename__ = "bank_layouts"
    __table_args__ = (UniqueConstraint("signature"),)

    id: Mapped[int] = db.pk()
    signature: Mapped[str]
    columns: Mapped[dict[str, int]] = mapped_column(db.JSONType)
    reversed: Mapped[bool]
    account: Mapped[str]
    saved_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    saved_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class BankLine(db.Base):
    """A line of a statement, stored once whatever file brings it again. What it says never changes."""

    __tablename__ = "bank_lines"
    __table_args__ = (
        UniqueConstraint("key"),
        UniqueConstraint("return_reference"),
        UniqueConstraint("refund_request_id"),
        CheckConstraint("amount_fen <> 0", name="amount_not_nothing"),
        CheckConstraint("(amount_fen < 0) = (reason = 'outgoing')", name="outgoing_by_its_sign"),
        CheckConstraint("(status = 'returned') = (return_reference IS NOT NULL)", name="returned_has_a_reference"),
        Index("ix_bank_lines_status", "status", "id"),
        Index("ix_bank_lines_statement_id", "statement_id", "line"),
        Index("ix_bank_lines_organization_id", "organization_id", "id"),
    )

    id: Mapped[int] = db.pk()
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statements.id"))
    line: Mapped[int]
    key: Mapped[str]
    account: Mapped[str]
    booked_on: Mapped[date]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    payer_name: Mapped[str]
    payer_account: Mapped[str]
    reference: Mapped[str]
    remark: Mapped[str]
    status: Mapped[LineStatus] = mapped_column(db.status_type(LineStatus), default=_L.UNMATCHED)
    reason: Mapped[Reason] = mapped_column(db.status_type(Reason))
    #: Whose transfer it seems to be, or was.
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    note: Mapped[str] = mapped_column(default="")
    return_reference: Mapped[str | None]
    #: Of money that went out: the refund that it is.
    refund_request_id: Mapped[int | None] = mapped_column(ForeignKey("refund_requests.id"))
    handled_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    handled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization | None] = relationship(lazy="raise")
    statement: Mapped[BankStatement] = relationship(lazy="raise")
    handled_by: Mapped[User | None] = relationship(lazy="raise")
    refund_request: Mapped[RefundRequest | None] = relationship(lazy="raise")
    allocations: Mapped[list[BankAllocation]] = relationship(lazy="raise", order_by="BankAllocation.id")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.reference or f"#{self.id}"


class BankAllocation(db.Base):
    """Where a part of a line's money went; rows are only ever added."""

    __tablename__ = "bank_allocations"
    __table_args__ = (
        UniqueConstraint("arrival_id"),
        UniqueConstraint("balance_entry_id"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint(
            "(kind = 'bill') = (arrival_id IS NOT NULL) AND (kind = 'balance') = (balance_entry_id IS NOT NULL)",
            name="says_what_it_became",
        ),
        Index("ix_bank_allocations_line_id", "line_id"),
    )

    id: Mapped[int] = db.pk()
    line_id: Mapped[int] = mapped_column(ForeignKey("bank_lines.id"))
    kind: Mapped[AllocationKind] = mapped_column(db.status_type(AllocationKind))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    arrival_id: Mapped[int | None] = mapped_column(ForeignKey("bank_arrivals.id"))
    balance_entry_id: Mapped[int | None] = mapped_column(ForeignKey("balance_entries.id"))
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    arrival: Mapped[BankArrival | None] = relationship(lazy="raise")
    balance_entry: Mapped[BalanceEntry | None] = relationship(lazy="raise")


class PayerName(db.Base):
    """Another name that a firm's transfers come under, told by an administrator. One name is one firm's."""

    __tablename__ = "payer_names"
    __table_args__ = (UniqueConstraint("key"), Index("ix_payer_names_organization_id", "organization_id"))

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    #: The name without what banks write now so, now otherwise.
    key: Mapped[str]
    name: Mapped[str]
    added_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    added_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.name


triggers.keep(
    BankLine,
    changing=(
        "status", "reason", "organization_id", "note", "return_reference", "refund_request_id", "handled_by_id", "handled_at", "version",
    ),
)  # fmt: skip
triggers.keep(BankAllocation)
