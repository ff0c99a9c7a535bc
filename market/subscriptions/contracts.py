"""Contracts: what a firm has agreed to, word for word, by whom and when. Rows are only added, and kept for ever.

A contract holds the terms themselves beside their fingerprint, so it can be read and checked whatever the provider
changes later. The first comes with the order; each further one with a change that brought other terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.catalog.models import OfferingRevision, Plan
from market.errors import NotFound
from market.providers.models import Provider
from market.subscriptions import agreement
from market.subscriptions.models import Subscription


class ContractKind(StrEnum):
    """What brought it about."""

    ORDER = "order"
    CHANGE = "change"
    PRICE = "price"


class Contract(db.Base):
    """One agreement about a subscription, as it was accepted."""

    __tablename__ = "contracts"
    __table_args__ = (UniqueConstraint("subscription_id", "number"),)

    id: Mapped[int] = db.pk()
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    #: The first is 1.
    number: Mapped[int]
    kind: Mapped[ContractKind] = mapped_column(db.status_type(ContractKind))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("offering_revisions.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    #: The terms in full, in the canonical form of `agreement.terms`, and their SHA-256.
    terms: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    terms_hash: Mapped[str]
    #: Both parties as they were called then: name and unified code.
    buyer: Mapped[dict[str, str]] = mapped_column(db.JSONType)
    seller: Mapped[dict[str, str]] = mapped_column(db.JSONType)
    #: Null where nobody has said yes: prices that changed after the notice, while the firm could leave.
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    accepted_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: From when these terms hold; null for the first: from the day it is set up.
    valid_from: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    subscription: Mapped[Subscription] = relationship(lazy="raise")
    accepted_by: Mapped[User | None] = relationship(lazy="raise")

    @property
    def intact(self) -> bool:
        """Whether the terms still have the fingerprint that was accepted."""
        return agreement.terms_hash(self.terms) == self.terms_hash

    def __str__(self) -> str:
        return f"{self.subscription_id}-{self.number}"


def accept(
    subscription: Subscription,
    plan: Plan,
    revision: OfferingRevision,
    *,
    kind: ContractKind = ContractKind.CHANGE,
    quantity: int = 1,
    user_id: int | None,
    at: datetime,
    valid_from: datetime | None = None,
) -> Contract:
    """Keep what has been agreed; the caller holds the subscription. `plan` has its charges and meters loaded."""
    agreed = agreement.terms(plan, revision)
    number = 1 if kind is ContractKind.ORDER else _last_number(subscription) + 1
    contract = Contract(
        subscription_id=subscription.id, number=number, kind=kind, plan_id=plan.id, revision_id=revision.id, quantity=quantity,
        terms=agreed, terms_hash=agreement.terms_hash(agreed),
        buyer=_buyer(subscription.organization_id), seller=_seller(subscription.provider_id), accepted_by_id=user_id,
        accepted_at=at, valid_from=valid_from,
    )  # fmt: skip
    db.session.add(contract)
    db.session.flush()
    return contract


def _last_number(subscription: Subscription) -> int:
    return db.session.scalar(select(func.max(Contract.number)).where(Contract.subscription_id == subscription.id)) or 0


def contracts_of(subscription: Subscription) -> Sequence[Contract]:
    """Every contract about a subscription, the newest first."""
    query = select(Contract).where(Contract.subscription_id == subscription.id)
    return db.session.scalars(query.options(joinedload(Contract.accepted_by)).order_by(Contract.number.desc())).all()


def contract_of(organization: Organization, id: int) -> Contract:
    """One of a firm's contracts. Raises NotFound for a stranger's."""
    return _found(id, Subscription.organization_id == organization.id)


def contract_with(provider: Provider, id: int) -> Contract:
    """One of a provider's contracts. Raises NotFound for a stranger's."""
    return _found(id, Subscription.provider_id == provider.id)


def _found(id: int, owned: Any) -> Contract:
    query = select(Contract).join(Contract.subscription).where(Contract.id == id, owned)
    found = db.session.scalar(query.options(joinedload(Contract.subscription), joinedload(Contract.accepted_by)))
    if found is None:
        raise NotFound
    return found


def _buyer(organization_id: int) -> dict[str, str]:
    firm = db.session.get_one(Organization, organization_id)
    return {"name": firm.name, "code": firm.uscc or ""}


def _seller(provider_id: int) -> dict[str, str]:
    provider = db.session.get_one(Provider, provider_id)
    legal = db.session.get_one(Organization, provider.organization_id)
    return {"name": legal.name, "code": legal.uscc or "", "name_zh": provider.name_zh, "name_en": provider.name_en}
