"""The books: accounts, and postings that move an amount from one to another."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization
from market.billing import triggers
from market.billing.models import Bill
from market.providers.models import Provider


class AccountKind(StrEnum):
    """What an account holds, and whose it is: an organization's, a provider's or a gateway's."""

    #: What an organization still has to pay on issued bills.
    RECEIVABLE = "receivable"
    #: Money that came through a gateway and has not gone out again.
    CASH = "cash"
    #: Of it, what nobody knows yet whose it is.
    UNMATCHED = "unmatched"
    #: Money that a cardholder's bank keeps until a dispute is decided.
    DISPUTED = "disputed"
    #: What an organization has to its credit of its own money.
    BALANCE = "balance"
    #: What it was given to spend here, and what that costs the marketplace.
    GRANTED = "granted"
    GRANTS = "grants"
    #: What is to be paid back to an organization.
    REFUNDS = "refunds"
    #: What a provider has sold on bills that are not paid.
    UNPAID = "unpaid"
    #: What a provider is to get of bills that are paid.
    PAYABLE = "payable"
    #: What the marketplace keeps of a provider's paid sales.
    COMMISSION = "commission"


OF_ORGANIZATIONS = (AccountKind.RECEIVABLE, AccountKind.BALANCE, AccountKind.GRANTED, AccountKind.GRANTS, AccountKind.REFUNDS)
OF_PROVIDERS = (AccountKind.UNPAID, AccountKind.PAYABLE, AccountKind.COMMISSION)
OF_GATEWAYS = (AccountKind.CASH, AccountKind.UNMATCHED, AccountKind.DISPUTED)
#: Accounts that stand at more than nothing when more was debited; the others when more was credited.
DEBIT = frozenset({AccountKind.RECEIVABLE, AccountKind.CASH, AccountKind.DISPUTED, AccountKind.GRANTS})


class Event(StrEnum):
    """What happened. With the number of what it happened to, it is posted once."""

    BILL_ISSUED = "bill_issued"
    BILL_PAID = "bill_paid"
    PAYMENT_ARRIVED = "payment_arrived"
    TRANSFER_TAKEN = "transfer_taken"
    TRANSFER_SETTLED = "transfer_settled"
    DEPOSITED = "deposited"
    GRANTED = "granted"
    EXPIRED = "expired"
    BALANCE_USED = "balance_used"
    REFUND_ASKED = "refund_asked"
    REFUND_RETURNED = "refund_returned"
    REFUND_PAID = "refund_paid"
    CREDIT_ISSUED = "credit_issued"
    CREDIT_VOIDED = "credit_voided"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    DISPUTE_SETTLED = "dispute_settled"


def _whose(column: str, kinds: tuple[AccountKind, ...]) -> CheckConstraint:
    names = ", ".join(f"'{kind.value}'" for kind in kinds)
    return CheckConstraint(f"(kind IN ({names})) = ({column} IS NOT NULL)", name=f"{column.removesuffix('_id')}_where_it_is_hers")


class LedgerAccount(db.Base):
    """One account of one holder; what it stands at follows from its postings."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("kind", "organization_id"),
        UniqueConstraint("kind", "provider_id"),
        UniqueConstraint("kind", "gateway"),
        _whose("organization_id", OF_ORGANIZATIONS),
        _whose("provider_id", OF_PROVIDERS),
        _whose("gateway", OF_GATEWAYS),
        Index("ix_ledger_accounts_organization_id", "organization_id"),
        Index("ix_ledger_accounts_provider_id", "provider_id"),
    )

    id: Mapped[int] = db.pk()
    kind: Mapped[AccountKind] = mapped_column(db.status_type(AccountKind))
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organizations.id"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    gateway: Mapped[str | None]

    organization: Mapped[Organization | None] = relationship(lazy="raise")
    provider: Mapped[Provider | None] = relationship(lazy="raise")

    @property
    def holder(self) -> int | str:
        """The number of the organization or provider, or the gateway's name."""
        return self.organization_id or self.provider_id or self.gateway or ""


class Posting(db.Base):
    """One amount from one account to another: it is debited there and credited here, so no row can be out of balance."""

    __tablename__ = "ledger_postings"
    __table_args__ = (
        UniqueConstraint("event", "subject_id", "position"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("debit_id <> credit_id", name="between_two"),
        Index("ix_ledger_postings_debit_id", "debit_id", "id"),
        Index("ix_ledger_postings_credit_id", "credit_id", "id"),
        Index("ix_ledger_postings_bill_id", "bill_id"),
    )

    id: Mapped[int] = db.pk()
    event: Mapped[Event] = mapped_column(db.status_type(Event))
    #: The number of the bill, payment, credit note, refund or movement of a balance.
    subject_id: Mapped[int] = mapped_column(BigInteger)
    #: 1, 2, 3 … of one event.
    position: Mapped[int]
    debit_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"))
    credit_id: Mapped[int] = mapped_column(ForeignKey("ledger_accounts.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    bill_id: Mapped[int | None] = mapped_column(ForeignKey("bills.id"))
    #: Where a paid bill is shared: the commission's part, as decimal text.
    rate: Mapped[str | None]
    #: When it happened, and when it was written here.
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    posted_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    debit: Mapped[LedgerAccount] = relationship(lazy="raise", foreign_keys=[debit_id])
    credit: Mapped[LedgerAccount] = relationship(lazy="raise", foreign_keys=[credit_id])
    bill: Mapped[Bill | None] = relationship(lazy="raise")


triggers.keep(LedgerAccount)
triggers.keep(Posting)
