"""Subscriptions: what an organization buys, and the requests that set it up."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization, User
from market.catalog.models import OfferingRevision, Plan, Provisioning
from market.kit.lifecycle import Lifecycle
from market.providers.models import Provider


class SubscriptionStatus(StrEnum):
    """The life of a subscription; `cancel_at` is a date beside it, not a state."""

    PENDING = "pending"
    PROVISIONING = "provisioning"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    FAILED = "failed"
    ENDED = "ended"


_S = SubscriptionStatus
LIFECYCLE = Lifecycle(
    {
        _S.PENDING: [_S.PROVISIONING, _S.ENDED],
        _S.PROVISIONING: [_S.TRIALING, _S.ACTIVE, _S.FAILED, _S.ENDED],
        _S.FAILED: [_S.PROVISIONING, _S.ENDED],
        _S.TRIALING: [_S.ACTIVE, _S.SUSPENDED, _S.ENDED],
        _S.ACTIVE: [_S.PAUSED, _S.SUSPENDED, _S.ENDED],
        _S.PAUSED: [_S.ACTIVE, _S.ENDED],
        _S.SUSPENDED: [_S.ACTIVE, _S.TRIALING, _S.ENDED],
        _S.ENDED: [],
    }
)

#: States in which usage is taken in and recurring fees run.
LIVE = frozenset({_S.TRIALING, _S.ACTIVE, _S.PAUSED, _S.SUSPENDED})
#: States that can still become live.
OPENING = frozenset({_S.PENDING, _S.PROVISIONING, _S.FAILED})


class Subscription(db.Base):
    """An organization's use of one plan version, with what was agreed when it was bought."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("ix_subscriptions_organization_id_status", "organization_id", "status"),
        Index("ix_subscriptions_provider_id_status", "provider_id", "status"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    id: Mapped[int] = db.pk()
    #: `sub_…`: the subject of usage events and the name providers know it by.
    public_id: Mapped[str] = mapped_column(unique=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    #: What holds now; what held when, and what is to come, `changes` tell.
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("offering_revisions.id"))
    #: How many (seats, GB of capacity …) where the plan is sold by quantity, else 1; what holds now.
    quantity: Mapped[int] = mapped_column(default=1, server_default="1")
    status: Mapped[SubscriptionStatus] = mapped_column(
        db.status_type(SubscriptionStatus), default=SubscriptionStatus.PENDING
    )
    #: The buyer's own guess of monthly use per charge slug, as decimal text.
    estimate: Mapped[dict[str, str]] = mapped_column(db.JSONType)
    #: SHA-256 of the terms that were shown and accepted.
    terms_hash: Mapped[str]
    accepted_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    ordered_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When it became live; fees count from this local day.
    started_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    trial_ends_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When it is to end, once somebody has canceled it.
    cancel_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Its bills are issued up to here and no change may reach behind it; told by billing.
    billed_until: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    provider: Mapped[Provider] = relationship(lazy="raise")
    plan: Mapped[Plan] = relationship(lazy="raise")
    revision: Mapped[OfferingRevision] = relationship(lazy="raise")
    accepted_by: Mapped[User] = relationship(lazy="raise")
    access: Mapped[AccessDetails | None] = relationship(back_populates="subscription", lazy="raise")
    changes: Mapped[list[SubscriptionChange]] = relationship(
        back_populates="subscription", lazy="raise", order_by="SubscriptionChange.effective_at, SubscriptionChange.id"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.public_id


class ChangeKind(StrEnum):
    """What a change is about; `price` is a new version of the plan that its provider has announced."""

    PLAN = "plan"
    QUANTITY = "quantity"
    PAUSE = "pause"
    RESUME = "resume"
    PRICE = "price"


class ChangeStatus(StrEnum):
    """A change is planned until its midnight has come; only until then it can be taken back."""

    PLANNED = "planned"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


_C = ChangeStatus
CHANGE_LIFECYCLE = Lifecycle(
    {
        _C.PLANNED: [_C.APPLIED, _C.WITHDRAWN, _C.SUPERSEDED],
        _C.APPLIED: [],
        _C.WITHDRAWN: [],
        _C.SUPERSEDED: [],
    }
)


class SubscriptionChange(db.Base):
    """Something that is different from a local midnight on; rows are only added, and nothing but their status moves.

    A planned change whose midnight has passed holds as an applied one does: dates decide.
    """

    __tablename__ = "subscription_changes"
    __table_args__ = (
        Index("ix_subscription_changes_subscription_id", "subscription_id", "effective_at"),
        Index("ix_subscription_changes_due", "status", "effective_at"),
        Index(
            "uq_subscription_changes_planned",
            "subscription_id",
            "kind",
            "effective_at",
            unique=True,
            sqlite_where=text("status = 'planned'"),
            postgresql_where=text("status = 'planned'"),
        ),
        CheckConstraint("quantity IS NULL OR quantity > 0", name="quantity_positive"),
        CheckConstraint("kind NOT IN ('plan', 'price') OR plan_id IS NOT NULL", name="plan_named"),
        CheckConstraint("kind <> 'quantity' OR quantity IS NOT NULL", name="quantity_named"),
    )

    id: Mapped[int] = db.pk()
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    kind: Mapped[ChangeKind] = mapped_column(db.status_type(ChangeKind))
    status: Mapped[ChangeStatus] = mapped_column(db.status_type(ChangeStatus), default=ChangeStatus.PLANNED)
    #: The plan version and the offering revision from then on; null: as before.
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"), index=True)
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("offering_revisions.id"))
    #: How many from then on; null: as many as before, as far as the plan allows.
    quantity: Mapped[int | None]
    #: What held before: of a new price when it was announced, of all others written when they are applied.
    before_plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))
    before_quantity: Mapped[int | None]
    #: A local midnight.
    effective_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: SHA-256 of the terms that were shown and accepted, where there were any.
    terms_hash: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    #: Null where a program or the product itself asked.
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When it was applied, withdrawn or superseded.
    settled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    subscription: Mapped[Subscription] = relationship(back_populates="changes", lazy="raise")
    plan: Mapped[Plan | None] = relationship(foreign_keys=[plan_id], lazy="raise")
    before_plan: Mapped[Plan | None] = relationship(foreign_keys=[before_plan_id], lazy="raise")
    revision: Mapped[OfferingRevision | None] = relationship(lazy="raise")
    asked_by: Mapped[User | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}


class OrderStatus(StrEnum):
    """The life of an order: perhaps it waits for an owner, then it is placed and the provider sets it up."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    PLACED = "placed"
    FULFILLED = "fulfilled"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELED = "canceled"
    EXPIRED = "expired"


_O = OrderStatus
ORDER_LIFECYCLE = Lifecycle(
    {
        _O.DRAFT: [_O.AWAITING_APPROVAL, _O.PLACED, _O.CANCELED, _O.EXPIRED],
        _O.AWAITING_APPROVAL: [_O.PLACED, _O.REFUSED, _O.CANCELED, _O.EXPIRED],
        _O.PLACED: [_O.FULFILLED, _O.FAILED, _O.CANCELED],
        _O.FAILED: [_O.PLACED, _O.CANCELED],
        _O.FULFILLED: [],
        _O.REFUSED: [],
        _O.CANCELED: [],
        _O.EXPIRED: [],
    }
)


class Order(db.Base):
    """What somebody asked for in her firm's name: one plan version at the terms she saw and agreed to."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("organization_id", "request_key"),
        Index("ix_orders_organization_id_status", "organization_id", "status"),
        Index("ix_orders_due", "status", "expires_at"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    id: Mapped[int] = db.pk()
    #: `ord_…`: what people call it when they talk about it.
    public_id: Mapped[str] = mapped_column(unique=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("offering_revisions.id"))
    status: Mapped[OrderStatus] = mapped_column(db.status_type(OrderStatus), default=OrderStatus.DRAFT)
    #: How many (seats, GB of capacity …) where the plan is sold by quantity, else 1.
    quantity: Mapped[int] = mapped_column(default=1, server_default="1")
    #: The same key is the same order, however often it is sent.
    request_key: Mapped[str]
    #: The buyer's own guess of monthly use per charge slug, as decimal text.
    estimate: Mapped[dict[str, str]] = mapped_column(db.JSONType)
    #: What the check page called the first whole month, for that guess, tax included.
    month_fen: Mapped[int] = mapped_column(db.BigInt)
    #: SHA-256 of the terms that were shown and accepted.
    terms_hash: Mapped[str]
    ordered_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    ordered_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: The firm's limit that the month is above, and when the waiting ends; both null where no approval was due.
    limit_fen: Mapped[int | None] = mapped_column(db.BigInt)
    expires_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Who approved or refused it; null too when its own orderer took it back, or nobody answered in time.
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    reason: Mapped[str] = mapped_column(default="")
    #: What came of it, once it is placed.
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("subscriptions.id"), index=True)
    version: Mapped[int] = mapped_column()

    organization: Mapped[Organization] = relationship(lazy="raise")
    plan: Mapped[Plan] = relationship(lazy="raise")
    revision: Mapped[OfferingRevision] = relationship(lazy="raise")
    ordered_by: Mapped[User] = relationship(foreign_keys=[ordered_by_id], lazy="raise")
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id], lazy="raise")
    subscription: Mapped[Subscription | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.public_id


class AccessDetails(db.Base):
    """How to reach and sign in to what was bought; encrypted, shown to the entitled only."""

    __tablename__ = "access_details"

    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"), primary_key=True)
    #: Encrypted JSON object of label → value.
    sealed: Mapped[str] = db.sealed()
    changed_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    subscription: Mapped[Subscription] = relationship(back_populates="access", lazy="raise")


class RequestKind(StrEnum):
    """What the provider is asked to do."""

    PROVISION = "provision"
    DEPROVISION = "deprovision"
    #: Another plan or quantity.
    UPDATE = "update"
    PAUSE = "pause"
    RESUME = "resume"
    #: New access details instead of the old ones.
    ROTATE = "rotate"


class RequestStatus(StrEnum):
    """Where a provisioning request stands: `pending` until the provider knows, then `delivered`.

    `canceled` is what nobody needs any more: called off by the buyer, or overtaken by a later request.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


_Q = RequestStatus
REQUEST_LIFECYCLE = Lifecycle(
    {
        _Q.PENDING: [_Q.DELIVERED, _Q.DONE, _Q.FAILED, _Q.CANCELED],
        _Q.DELIVERED: [_Q.DONE, _Q.FAILED, _Q.CANCELED],
        _Q.FAILED: [_Q.PENDING, _Q.CANCELED],
        _Q.DONE: [],
        _Q.CANCELED: [],
    }
)
#: Requests somebody still has to act on.
OPEN_REQUESTS = frozenset({_Q.PENDING, _Q.DELIVERED})


class ProvisioningRequest(db.Base):
    """A committed order to the provider's people or system; a sweep delivers what is pending."""

    __tablename__ = "provisioning_requests"
    __table_args__ = (
        UniqueConstraint("subscription_id", "number"),
        Index("ix_provisioning_requests_due", "status", "next_attempt_at"),
        Index("ix_provisioning_requests_deadline", "status", "due_at"),
        # Of one kind only one is open: whoever asks twice at once asks once.
        Index(
            "uq_provisioning_requests_open", "subscription_id", "kind", unique=True,
            sqlite_where=text("status IN ('pending', 'delivered')"),
            postgresql_where=text("status IN ('pending', 'delivered')"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    #: `prov_…`: the webhook's id, the same on every attempt.
    public_id: Mapped[str] = mapped_column(unique=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    #: Counts the requests about one subscription: the order in which they hold, and are sent.
    number: Mapped[int] = mapped_column(server_default="1")
    kind: Mapped[RequestKind] = mapped_column(db.status_type(RequestKind))
    mode: Mapped[Provisioning] = mapped_column(db.status_type(Provisioning))
    status: Mapped[RequestStatus] = mapped_column(
        db.status_type(RequestStatus), default=RequestStatus.PENDING
    )
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    last_error: Mapped[str] = mapped_column(default="")
    #: What the provider is to do by when.
    due_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: How far people were reminded of the deadline: a `provisioning.deadlines.Stage`.
    reminded: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the provider may first have known of it: from then on something may have been made.
    heard_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: What the provider answered, without secrets.
    answer: Mapped[dict[str, Any]] = mapped_column(db.JSONType, default=dict)
    version: Mapped[int] = mapped_column()

    subscription: Mapped[Subscription] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.public_id


class ProvisioningAttempt(db.Base):
    """One try to tell a provider's system: what it answered, for its people to read. Gone after three months."""

    __tablename__ = "provisioning_attempts"
    __table_args__ = (Index("ix_provisioning_attempts_at", "at"),)

    id: Mapped[int] = db.pk()
    request_id: Mapped[int] = mapped_column(ForeignKey("provisioning_requests.id"), index=True)
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    took_ms: Mapped[int]
    #: The answer's HTTP status, 0 without an answer.
    status: Mapped[int]
    #: Why it does not count as delivered, or what is wrong with an answer that does; empty when all is well.
    error: Mapped[str] = mapped_column(default="")
    #: The beginning of an answer that says no. One that says yes may hold access details and is not kept.
    answer: Mapped[str] = mapped_column(default="")

    request: Mapped[ProvisioningRequest] = relationship(lazy="raise")
