"""Bills 账单: one a month per organization, over all its subscriptions and providers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization
from market.billing import triggers
from market.catalog.models import Charge
from market.kit.lifecycle import Lifecycle
from market.kit.period import Period
from market.providers.models import Provider
from market.subscriptions.models import Subscription


class BillStatus(StrEnum):
    """A draft refreshes; from `open` on nothing but the state of payment changes."""

    DRAFT = "draft"
    OPEN = "open"
    PART_PAID = "part_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    WRITTEN_OFF = "written_off"
    VOID = "void"


_S = BillStatus
LIFECYCLE = Lifecycle(
    {
        _S.DRAFT: [_S.OPEN, _S.PAID],
        _S.OPEN: [_S.PART_PAID, _S.PAID, _S.OVERDUE, _S.VOID],
        _S.PART_PAID: [_S.OPEN, _S.PAID, _S.OVERDUE],
        _S.OVERDUE: [_S.PART_PAID, _S.PAID, _S.WRITTEN_OFF],
        # What a card had paid is owed again when the cardholder's bank takes it back.
        _S.PAID: [_S.OPEN, _S.PART_PAID, _S.OVERDUE],
        _S.WRITTEN_OFF: [],
        _S.VOID: [],
    }
)

#: States in which money is still owed.
DUE = frozenset({_S.OPEN, _S.PART_PAID, _S.OVERDUE})


class Bill(db.Base):
    """One organization's month. Amounts are fen, tax included; parties are copied in when issued."""

    __tablename__ = "bills"
    __table_args__ = (
        UniqueConstraint("organization_id", "period_start"),
        UniqueConstraint("number"),
        CheckConstraint("(status = 'draft') = (number IS NULL)", name="numbered_when_issued"),
        CheckConstraint("gross_fen = net_fen + tax_fen", name="split_adds_up"),
        CheckConstraint("paid_fen >= 0 AND paid_fen + credited_fen <= gross_fen", name="not_overpaid"),
        CheckConstraint("credited_fen >= 0", name="credited_not_negative"),
        CheckConstraint("returned_fen >= 0 AND credited_fen + returned_fen <= gross_fen", name="not_overcredited"),
        Index("ix_bills_status_period_end", "status", "period_end"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    period_start: Mapped[datetime] = mapped_column(db.UTCDateTime)
    period_end: Mapped[datetime] = mapped_column(db.UTCDateTime)
    status: Mapped[BillStatus] = mapped_column(db.status_type(BillStatus), default=BillStatus.DRAFT)
    number: Mapped[str | None]
    gross_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    net_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    paid_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    #: What credit notes have taken off what was still asked for.
    credited_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    #: What credit notes have given back of what was paid, as balance or to the buyer's account.
    returned_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    #: Usage stored before this instant is in the lines.
    cutoff: Mapped[datetime] = mapped_column(db.UTCDateTime)
    issued_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Names, codes and accounts of buyer, payee and providers as they were when issued.
    parties: Mapped[dict[str, Any]] = mapped_column(db.JSONType, default=dict)
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    lines: Mapped[list[BillLine]] = relationship(
        back_populates="bill", lazy="raise", order_by="BillLine.position", cascade="all, delete-orphan"
    )
    taxes: Mapped[list[BillTax]] = relationship(
        back_populates="bill", lazy="raise", order_by="BillTax.provider_id", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def period(self) -> Period:
        """The month, half-open."""
        return Period(self.period_start, self.period_end)

    @property
    def owed_fen(self) -> int:
        """What is still to be paid."""
        return self.gross_fen - self.paid_fen - self.credited_fen

    @property
    def creditable_fen(self) -> int:
        """What no credit note has given back yet."""
        return self.gross_fen - self.credited_fen - self.returned_fen

    def __str__(self) -> str:
        return self.number or self.period.label


class LineKind(StrEnum):
    """A charge of the bill's own period, a correction of an earlier, issued one, or money back for a fee paid in advance."""

    CHARGE = "charge"
    ADJUSTMENT = "adjustment"
    CREDIT = "credit"


class BillLine(db.Base):
    """One charge of one subscription over one service period, with all that explains its amount."""

    __tablename__ = "bill_lines"
    __table_args__ = (
        UniqueConstraint(
            "subscription_id", "charge_id", "service_start", "service_end", "bill_id", "kind", name="uq_bill_lines_service"
        ),
        CheckConstraint("gross_fen = net_fen + tax_fen", name="split_adds_up"),
        Index("ix_bill_lines_bill_id_position", "bill_id", "position"),
        Index("ix_bill_lines_provider_id", "provider_id", "bill_id"),
    )

    id: Mapped[int] = db.pk()
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"))
    position: Mapped[int]
    kind: Mapped[LineKind] = mapped_column(db.status_type(LineKind), default=LineKind.CHARGE)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    charge_id: Mapped[int] = mapped_column(ForeignKey("charges.id"))
    #: The part of the service period that is charged, local days, half-open.
    service_start: Mapped[datetime] = mapped_column(db.UTCDateTime)
    service_end: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Words copied when the line was written: offering, plan, charge and unit in both languages.
    label: Mapped[dict[str, str]] = mapped_column(db.JSONType)
    #: What was used in the service period; null for flat charges.
    quantity: Mapped[Decimal | None] = mapped_column(db.Quantity)
    #: Of a percentage: how many transactions came to that quantity, in groups that are priced alike.
    transactions: Mapped[list[list[str]] | None] = mapped_column(db.JSONType)
    #: How many the plan was held for: multiplies a recurring fee and what is included.
    units: Mapped[int] = mapped_column(default=1, server_default="1")
    #: Of a part of a paid year: the days of the year. Parts of a month follow from the billing month.
    full_days: Mapped[int | None]
    #: The charge's terms, and the rating's steps that lead to the amount.
    terms: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(db.JSONType)
    #: The amount before rounding, as decimal text.
    exact: Mapped[str]
    #: What rounding has left over from the segment before, as a fraction; the amount is rounded with it.
    carried: Mapped[str] = mapped_column(default="0", server_default="0")
    #: Of an adjustment: what earlier bills already charged for this service period. Of money back: what of it stands
    #: on other bills, or waits for one.
    booked_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_rate: Mapped[str]
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_fen: Mapped[int] = mapped_column(BigInteger, default=0)

    bill: Mapped[Bill] = relationship(back_populates="lines", lazy="raise")
    provider: Mapped[Provider] = relationship(lazy="raise")
    subscription: Mapped[Subscription] = relationship(lazy="raise")
    charge: Mapped[Charge] = relationship(lazy="raise")


class BillTax(db.Base):
    """Net and tax of one provider at one rate: what a fapiao for this bill will say."""

    __tablename__ = "bill_taxes"

    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"), primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    tax_rate: Mapped[str] = mapped_column(primary_key=True)
    gross_fen: Mapped[int] = mapped_column(BigInteger)
    net_fen: Mapped[int] = mapped_column(BigInteger)
    tax_fen: Mapped[int] = mapped_column(BigInteger)

    bill: Mapped[Bill] = relationship(back_populates="taxes", lazy="raise")
    provider: Mapped[Provider] = relationship(lazy="raise")


class Reopening(db.Base):
    """One time that money which had paid a bill was taken away again, so that the bill asks for it anew."""

    __tablename__ = "bill_reopenings"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        Index("ix_bill_reopenings_bill_id", "bill_id", "id"),
        Index("ix_bill_reopenings_payment_id", "payment_id"),
    )

    id: Mapped[int] = db.pk()
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    #: Whether nothing was owed just before: the sale was shared then, and stays so.
    was_paid: Mapped[bool]
    #: The number of the payment whose money it was.
    payment_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class NumberSeries(db.Base):
    """The last number given in a series; its row lock makes the next one gapless."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


triggers.keep(
    Bill, changing=("status", "paid_fen", "credited_fen", "returned_fen", "paid_at", "version"), once="number"
)  # fmt: skip
triggers.keep(Reopening)
triggers.keep_parts(BillLine)
triggers.keep_parts(BillTax)
