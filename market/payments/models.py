"""Payments: money promised and money that arrived."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization
from market.billing.credit_notes.models import RefundRequest
from market.billing.models import Bill
from market.documents.models import Document
from market.kit.lifecycle import Lifecycle


class PaymentPurpose(StrEnum):
    """What the money is for: one bill, or the balance."""

    BILL = "bill"
    TOP_UP = "top_up"


class PaymentStatus(StrEnum):
    """A gateway may report success before our own request returns, and after we have given up."""

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
        _S.FAILED: [_S.SUCCEEDED],
        _S.SUCCEEDED: [],
        _S.CANCELED: [_S.SUCCEEDED],
    }
)

_OPEN = "status IN ('pending', 'processing')"


class SavedCard(db.Base):
    """A card that a firm lets be charged when nobody is there. The number itself only the gateway knows."""

    __tablename__ = "saved_cards"
    __table_args__ = (
        UniqueConstraint("gateway_reference"),
        Index("ix_saved_cards_organization_id", "organization_id", "id"),
    )

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    #: The gateway's own name for it, `pm_…`.
    gateway_reference: Mapped[str]
    brand: Mapped[str]
    last4: Mapped[str]
    exp_month: Mapped[int]
    exp_year: Mapped[int]
    saved_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Taken away by the firm; `forgotten_at` when the gateway has let go of it too.
    removed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    forgotten_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return f"{self.brand} {self.last4}"


class GatewayCustomer(db.Base):
    """Who a firm is at the gateway: everything of hers is found there under one name."""

    __tablename__ = "gateway_customers"
    __table_args__ = (UniqueConstraint("organization_id"), UniqueConstraint("gateway_reference"))

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    gateway_reference: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class Payment(db.Base):
    """One way of paying (part of) a bill, or of topping a balance up, through one gateway. Amounts are fen."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(purpose = 'bill') = (bill_id IS NOT NULL)", name="bill_where_it_pays_one"),
        Index("uq_payments_session_id", "session_id", unique=True),
        Index("uq_payments_intent_id", "intent_id", unique=True),
        Index("uq_payments_request_key", "request_key", unique=True),
        Index("uq_payments_balance_entry_id", "balance_entry_id", unique=True),
        Index("ix_payments_organization_id", "organization_id", "id"),
        Index("ix_payments_ask_at", "ask_at"),
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
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    purpose: Mapped[PaymentPurpose] = mapped_column(
        db.status_type(PaymentPurpose), default=PaymentPurpose.BILL, server_default="bill"
    )
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("bills.id"), index=True)
    #: The gateway's name, such as `bank_transfer`.
    gateway: Mapped[str]
    #: Of a gateway with several: `card`, `alipay`, `wechat_pay`.
    way: Mapped[str] = mapped_column(default="", server_default="")
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
    #: Why it failed: in words, and the gateway's code for it.
    failure: Mapped[str] = mapped_column(default="")
    failure_code: Mapped[str] = mapped_column(default="", server_default="")
    #: Of one begun on a form or by a sweep: asked for twice, it is one payment.
    request_key: Mapped[str | None]
    #: A card saved before; `unattended` when nobody of the firm was there to confirm.
    card_id: Mapped[int | None] = mapped_column(ForeignKey("saved_cards.id"))
    unattended: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Whether the card is to be saved when it has paid.
    save_card: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: The movement of the balance that became of what the bill did not ask for, or of a top-up.
    balance_entry_id: Mapped[int | None] = mapped_column(ForeignKey("balance_entries.id"))
    #: The gateway's own names: of the page it shows, and of the money's movement.
    session_id: Mapped[str | None]
    intent_id: Mapped[str | None]
    #: Where the buyer goes on: the gateway's page, or her bank's to confirm.
    page_url: Mapped[str] = mapped_column(default="", server_default="")
    #: What came although it is not what was asked for, such as `usd 1200`: it is not booked, a person decides.
    held: Mapped[str] = mapped_column(default="", server_default="")
    #: When the gateway is asked (again); null when there is nothing more to ask.
    ask_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    asked_times: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    bill: Mapped[Bill | None] = relationship(lazy="raise")
    card: Mapped[SavedCard | None] = relationship(lazy="raise")
    arrival: Mapped[BankArrival | None] = relationship(back_populates="payment", lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    @property
    def of_bill(self) -> Bill:
        """The bill it pays, of one that pays a bill."""
        assert self.bill is not None
        return self.bill

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


class GatewayRefundStatus(StrEnum):
    """Money on its way back through the gateway that it came by. A bank may send it back long after it was paid."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


_R = GatewayRefundStatus
REFUND_LIFECYCLE = Lifecycle(
    {
        _R.PENDING: [_R.PROCESSING, _R.SUCCEEDED, _R.FAILED, _R.CANCELED],
        _R.PROCESSING: [_R.SUCCEEDED, _R.FAILED, _R.CANCELED],
        _R.SUCCEEDED: [_R.FAILED],
        _R.FAILED: [],
        _R.CANCELED: [],
    }
)


class Refund(db.Base):
    """(Part of) one payment going back through its gateway."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        UniqueConstraint("key"),
        UniqueConstraint("gateway_reference"),
        Index("ix_refunds_payment_id", "payment_id", "id"),
        Index("ix_refunds_refund_request_id", "refund_request_id", "id"),
        Index("ix_refunds_ask_at", "ask_at"),
    )

    id: Mapped[int] = db.pk()
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    #: What it settles: money that the books say is to be paid back.
    refund_request_id: Mapped[int] = mapped_column(ForeignKey("refund_requests.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[GatewayRefundStatus] = mapped_column(db.status_type(GatewayRefundStatus), default=_R.PENDING)
    #: Asked for twice, it is one refund.
    key: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    #: The gateway's own name for it, `re_…`.
    gateway_reference: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    failure: Mapped[str] = mapped_column(default="")
    failure_code: Mapped[str] = mapped_column(default="")
    ask_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    asked_times: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()

    payment: Mapped[Payment] = relationship(lazy="raise")
    request: Mapped[RefundRequest] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.gateway_reference or f"refund {self.id}"


class DisputeStatus(StrEnum):
    """The cardholder's bank takes the money until it is decided whose it is."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


_D = DisputeStatus
DISPUTE_LIFECYCLE = Lifecycle({_D.OPEN: [_D.WON, _D.LOST], _D.WON: [], _D.LOST: []})


class Dispute(db.Base):
    """Money of a payment that its bank has taken back because the cardholder objected."""

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("bill_fen >= 0 AND balance_fen >= 0 AND claim_fen >= 0", name="parts_not_negative"),
        CheckConstraint(
            "bill_fen + balance_fen + claim_fen = CASE WHEN status = 'lost' THEN amount_fen ELSE 0 END", name="lost_is_owed_again"
        ),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed_has_its_day"),
        UniqueConstraint("gateway_reference"),
        Index("ix_disputes_payment_id", "payment_id", "id"),
        Index("ix_disputes_status", "status", "id"),
    )

    id: Mapped[int] = db.pk()
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    #: The gateway's own name for it, `du_…`.
    gateway_reference: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[DisputeStatus] = mapped_column(db.status_type(DisputeStatus), default=_D.OPEN)
    #: The gateway's word for why, such as `fraudulent`.
    reason: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Until when the gateway takes evidence.
    due_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Lost: so much of the bill is owed again, was taken off the balance, has nothing to be taken from.
    bill_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    balance_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    claim_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[int] = mapped_column()

    payment: Mapped[Payment] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.gateway_reference


class EventStatus(StrEnum):
    """News from a gateway: stored before anything, handled by the worker."""

    RECEIVED = "received"
    HANDLED = "handled"
    FAILED = "failed"


_E = EventStatus
EVENT_LIFECYCLE = Lifecycle({_E.RECEIVED: [_E.HANDLED, _E.FAILED], _E.HANDLED: [], _E.FAILED: [_E.HANDLED]})


class GatewayEvent(db.Base):
    """One piece of news from a gateway, as it came. It is a hint: what it is about is asked for before anything is done."""

    __tablename__ = "gateway_events"
    __table_args__ = (
        UniqueConstraint("event_id"),
        Index("ix_gateway_events_status", "status", "try_at"),
        Index("ix_gateway_events_payment_id", "payment_id"),
    )

    id: Mapped[int] = db.pk()
    #: The gateway's own name for it, `evt_…`.
    event_id: Mapped[str]
    kind: Mapped[str]
    #: What it is about, by the gateway's name: `pi_…`, `cs_…`, `re_…`, `du_…`.
    about: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    status: Mapped[EventStatus] = mapped_column(db.status_type(EventStatus), default=_E.RECEIVED)
    happened_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    handled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When it is tried (again); null when it is done, or waits for a person.
    try_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    #: How often the same news came again.
    repeats: Mapped[int] = mapped_column(default=0)
    #: What came of it, or what went wrong.
    outcome: Mapped[str] = mapped_column(default="")
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    version: Mapped[int] = mapped_column()

    payment: Mapped[Payment | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.event_id
