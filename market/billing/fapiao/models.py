"""Fapiao 发票: the titles firms want on them, what is asked of which provider, and the papers themselves."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization
from market.billing.models import Bill
from market.documents.models import Document
from market.kit.lifecycle import Lifecycle
from market.providers.models import Provider


class FapiaoKind(StrEnum):
    """专票, whose tax the buyer deducts, and 普票."""

    SPECIAL = "special"
    ORDINARY = "ordinary"


class FapiaoStatus(StrEnum):
    """Where a request stands; `red` is one whose paper was taken back as a whole."""

    REQUESTED = "requested"
    ISSUING = "issuing"
    ISSUED = "issued"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RED = "red"


_S = FapiaoStatus
LIFECYCLE = Lifecycle(
    {
        _S.REQUESTED: [_S.ISSUING, _S.ISSUED, _S.REFUSED, _S.WITHDRAWN],
        _S.ISSUING: [_S.ISSUED, _S.REFUSED],
        _S.ISSUED: [_S.RED],
        _S.REFUSED: [_S.REQUESTED],
        _S.WITHDRAWN: [_S.REQUESTED],
        _S.RED: [],
    }
)

#: The provider has to do something.
OPEN = frozenset({_S.REQUESTED, _S.ISSUING})
#: The buyer may ask, for the first time or again.
CLOSED = frozenset({_S.REFUSED, _S.WITHDRAWN})


class RefusalReason(StrEnum):
    """Why a provider does not issue; each leads the buyer to another next step."""

    TITLE = "title"
    KIND = "kind"
    UNPAID = "unpaid"
    ELSEWHERE = "elsewhere"
    AMOUNT = "amount"
    CREDITED = "credited"
    OTHER = "other"


class RedReason(StrEnum):
    """The four reasons that the tax office knows for a red-letter fapiao."""

    WRONG = "wrong"
    RETURNED = "returned"
    ENDED = "ended"
    ALLOWANCE = "allowance"


class FapiaoTitle(db.Base):
    """What a firm wants to stand on its fapiao as the buyer. A request copies it, so it may change at any time."""

    __tablename__ = "fapiao_titles"
    __table_args__ = (
        UniqueConstraint("organization_id", "name", "tax_code"),
        Index(
            "uq_fapiao_titles_default", "organization_id", unique=True,
            sqlite_where=text("is_default"), postgresql_where=text("is_default"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    #: The buyer's 统一社会信用代码; empty for who has none, who then gets no 专票.
    tax_code: Mapped[str]
    address: Mapped[str]
    phone: Mapped[str]
    bank: Mapped[str]
    account: Mapped[str]
    is_default: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class FapiaoRequest(db.Base):
    """A firm asks one provider for the fapiao of its part of one bill."""

    __tablename__ = "fapiao_requests"
    __table_args__ = (
        # After a red letter the same part may be asked for once more.
        Index(
            "uq_fapiao_requests_part", "bill_id", "provider_id", unique=True,
            sqlite_where=text("status <> 'red'"), postgresql_where=text("status <> 'red'"),
        ),
        Index("ix_fapiao_requests_queue", "provider_id", "status", "due_on"),
        Index("ix_fapiao_requests_mine", "organization_id", "requested_at"),
        CheckConstraint("gross_fen = net_fen + tax_fen", name="split_adds_up"),
        CheckConstraint("gross_fen >= 0", name="not_negative"),
        CheckConstraint("(status = 'refused') = (refusal IS NOT NULL)", name="refused_with_reason"),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    kind: Mapped[FapiaoKind] = mapped_column(db.status_type(FapiaoKind))
    status: Mapped[FapiaoStatus] = mapped_column(db.status_type(FapiaoStatus), default=_S.REQUESTED)
    #: The title as it was when asked, by the names of the columns of `FapiaoTitle`.
    title: Mapped[dict[str, str]] = mapped_column(db.JSONType)
    note: Mapped[str]
    #: What is to stand on it: the provider's part of the bill less what credit notes took before it was issued.
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    requested_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: The last day on which it is issued in time.
    due_on: Mapped[date]
    taken_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When it was issued, refused or withdrawn.
    closed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    refusal: Mapped[RefusalReason | None] = mapped_column(db.status_type(RefusalReason))
    #: The provider's own words for it.
    refusal_words: Mapped[str]
    version: Mapped[int] = mapped_column()

    bill: Mapped[Bill] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
    provider: Mapped[Provider] = relationship(lazy="raise")
    amounts: Mapped[list[FapiaoAmount]] = relationship(
        back_populates="request", lazy="raise", order_by="FapiaoAmount.tax_rate", cascade="all, delete-orphan"
    )
    papers: Mapped[list[Fapiao]] = relationship(back_populates="request", lazy="raise", order_by="Fapiao.id")

    __mapper_args__ = {"version_id_col": version}

    @property
    def blue(self) -> Fapiao | None:
        """The fapiao itself, once it is issued."""
        return next((paper for paper in self.papers if not paper.red), None)

    @property
    def reds(self) -> list[Fapiao]:
        """Red letters asked for and recorded, oldest first."""
        return [paper for paper in self.papers if paper.red]

    @property
    def awaited(self) -> list[Fapiao]:
        """Red letters whose numbers are still missing."""
        return [paper for paper in self.reds if paper.number is None]

    @property
    def left_fen(self) -> int:
        """What the fapiao still stands for after its recorded red letters."""
        return self.gross_fen - sum(red.gross_fen for red in self.reds if red.number)

    def late(self, today: date) -> bool:
        """Whether the day is over on which it should have been issued."""
        return self.status in OPEN and self.due_on < today

    def __str__(self) -> str:
        return f"{self.bill.number} · {self.provider.name_zh}"


class FapiaoAmount(db.Base):
    """One line of a requested fapiao: what is taxed at one rate."""

    __tablename__ = "fapiao_amounts"
    __table_args__ = (
        CheckConstraint("gross_fen = net_fen + tax_fen", name="split_adds_up"),
    )

    request_id: Mapped[int] = mapped_column(ForeignKey("fapiao_requests.id"), primary_key=True)
    tax_rate: Mapped[str] = mapped_column(primary_key=True)
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)

    request: Mapped[FapiaoRequest] = relationship(back_populates="amounts", lazy="raise")


class Fapiao(db.Base):
    """A paper of the tax office: the blue one of a request, and red ones that take back all of it or a part.

    A red one is asked for without a number when a credit note needs it, and gets its number when it is issued.
    """

    __tablename__ = "fapiaos"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_fapiaos_request_id", "request_id"),
        Index("ix_fapiaos_credit_note_id", "credit_note_id"),
        Index(
            "uq_fapiaos_blue", "request_id", unique=True, sqlite_where=text("NOT red"), postgresql_where=text("NOT red")
        ),
        UniqueConstraint("request_id", "credit_note_id"),
        CheckConstraint("gross_fen = net_fen + tax_fen AND gross_fen > 0", name="split_adds_up"),
        CheckConstraint("red OR number IS NOT NULL", name="blue_has_a_number"),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="dated_with_number"),
        CheckConstraint("red = (red_reason IS NOT NULL)", name="red_with_reason"),
    )

    id: Mapped[int] = db.pk()
    request_id: Mapped[int] = mapped_column(ForeignKey("fapiao_requests.id"))
    red: Mapped[bool]
    red_reason: Mapped[RedReason | None] = mapped_column(db.status_type(RedReason))
    #: What a red one is about, in words.
    words: Mapped[str]
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("credit_notes.id"))
    number: Mapped[str | None]
    issued_on: Mapped[date | None]
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)
    #: The file that the tax office made; the provider's organization uploaded it.
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    asked_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    due_on: Mapped[date]
    recorded_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    request: Mapped[FapiaoRequest] = relationship(back_populates="papers", lazy="raise")
    document: Mapped[Document | None] = relationship(lazy="raise")

    def late(self, today: date) -> bool:
        """Whether the day is over on which its number should have been recorded."""
        return self.number is None and self.due_on < today

    def __str__(self) -> str:
        return self.number or ""
