"""The catalogue: meters, offerings with their revisions, plans with their charges.

An offering's words live in revisions, its prices in plan versions. Both are frozen once
published, so a subscription can point at exactly what was bought.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, and_, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User
from market.catalog.categories import Category
from market.kit.lifecycle import Lifecycle
from market.providers.models import Provider
from market.rating import Rounding


class Aggregation(StrEnum):
    """How a meter turns the events of a period into a quantity.

    latest        the value of the period's last event; of two at one instant the one that arrived later
    unique_count  how many different values are there at its end: not those whose last event removes them

    A meter with dimensions has slices, one for each combination of their values. `latest` and `time_weighted` add up
    a value of each slice's own; `max` is the largest of all slices; `unique_count` counts a value in several once.
    """

    SUM = "sum"
    COUNT = "count"
    MAX = "max"
    LATEST = "latest"
    UNIQUE_COUNT = "unique_count"
    TIME_WEIGHTED = "time_weighted"


class TimeBase(StrEnum):
    """What a time-weighted quantity is: value × hours, or the mean over the whole period."""

    NONE = ""
    HOUR = "hour"
    PERIOD = "period"


class Meter(db.Base):
    """What a provider measures, one version of it: another meaning is the next one, and plans keep theirs."""

    __tablename__ = "meters"
    __table_args__ = (UniqueConstraint("provider_id", "slug", "version_number"),)

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    slug: Mapped[str]
    version_number: Mapped[int] = mapped_column(default=1)
    #: The version whose counters it reads, since it counts the same and prices otherwise; null: its own.
    reads_id: Mapped[int | None] = mapped_column(ForeignKey("meters.id"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    #: CloudEvents `type` of the events that count.
    event_type: Mapped[str]
    #: The key in the event's `data` that holds the value; empty for `count`.
    value_property: Mapped[str] = mapped_column(default="")
    aggregation: Mapped[Aggregation] = mapped_column(db.status_type(Aggregation))
    time_base: Mapped[TimeBase] = mapped_column(db.status_type(TimeBase), default=TimeBase.NONE)
    #: What one priced unit is called, such as "GB·小时".
    unit_zh: Mapped[str]
    unit_en: Mapped[str]
    #: How many reported units make one priced unit, such as 1000 MB to the GB.
    unit_size: Mapped[int] = mapped_column(default=1)
    #: Keys of the event's `data` by which usage can be told apart, in the order in which slices name their values.
    dimensions: Mapped[list[str]] = mapped_column(db.JSONType, default=list)
    #: Whether a priced quantity is made whole before it is rated.
    rounding: Mapped[Rounding] = mapped_column(db.status_type(Rounding), default=Rounding.NONE)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Events stored since then count for it: since the version was made whose counters it reads; null: since it was.
    counts_from: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: From then on events do not count for it; only of a version that no plan was ever sold with.
    retired_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    provider: Mapped[Provider] = relationship(lazy="raise")

    @property
    def plain(self) -> bool:
        """Whether the database moves its counters by itself; all others are worked out by one request at a time."""
        return self.aggregation in (Aggregation.SUM, Aggregation.COUNT, Aggregation.MAX) and not self.dimensions

    @property
    def counter_id(self) -> int:
        """The version that has its counters."""
        return self.reads_id or self.id

    def counts(self, stored_at: datetime) -> bool:
        """Whether an event stored then counts for it."""
        return (self.counts_from or self.created_at) <= stored_at and (self.retired_at is None or stored_at < self.retired_at)

    def __str__(self) -> str:
        return self.slug


class Filter(NamedTuple):
    """A part of a meter's usage: that of the slices whose `property` is one of `values`."""

    property: str
    values: tuple[str, ...]


class OfferingStatus(StrEnum):
    """Whether buyers can find an offering."""

    UNLISTED = "unlisted"
    LIVE = "live"
    SUSPENDED = "suspended"
    RETIRED = "retired"


_O = OfferingStatus
OFFERING_LIFECYCLE = Lifecycle(
    {
        _O.UNLISTED: [_O.LIVE, _O.RETIRED],
        _O.LIVE: [_O.SUSPENDED, _O.RETIRED],
        _O.SUSPENDED: [_O.LIVE, _O.RETIRED],
        _O.RETIRED: [],
    }
)


class Provisioning(StrEnum):
    """How a new subscription is set up: by the provider's people or by its system."""

    MANUAL = "manual"
    WEBHOOK = "webhook"


class Offering(db.Base):
    """What a provider sells: 服务 on screen. Its slug is its address for good."""

    __tablename__ = "offerings"
    __table_args__ = (
        Index("ix_offerings_category_slug_status", "category_slug", "status"),
        CheckConstraint("limit_total > 0", name="limit_total_positive"),
        CheckConstraint("limit_per_organization > 0", name="limit_per_organization_positive"),
    )

    id: Mapped[int] = db.pk()
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), index=True)
    slug: Mapped[str] = mapped_column(unique=True)
    #: The top category; the sub-category is one of the facts.
    category_slug: Mapped[str] = mapped_column(ForeignKey("categories.slug"))
    status: Mapped[OfferingStatus] = mapped_column(db.status_type(OfferingStatus), default=OfferingStatus.UNLISTED)
    provisioning: Mapped[Provisioning] = mapped_column(db.status_type(Provisioning), default=Provisioning.MANUAL)
    #: How many subscriptions there can be, in all and for one firm; null: as many as are ordered.
    limit_total: Mapped[int | None]
    limit_per_organization: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    listed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    provider: Mapped[Provider] = relationship(lazy="raise")
    category: Mapped[Category] = relationship(lazy="raise")
    revisions: Mapped[list[OfferingRevision]] = relationship(
        back_populates="offering", lazy="raise", order_by="OfferingRevision.number"
    )
    plans: Mapped[list[Plan]] = relationship(
        back_populates="offering", lazy="raise", order_by="Plan.position, Plan.version_number"
    )
    #: What buyers read now; None until the first revision is published.
    live_revision: Mapped[OfferingRevision | None] = relationship(
        primaryjoin=lambda: and_(
            Offering.id == OfferingRevision.offering_id, OfferingRevision.status == RevisionStatus.PUBLISHED
        ),
        viewonly=True,
        lazy="raise",
    )
    #: What every buyer can subscribe to now; what was agreed on with one of them, `plans_for` adds.
    live_plans: Mapped[list[Plan]] = relationship(
        primaryjoin=lambda: and_(Offering.id == Plan.offering_id, Plan.status == PlanStatus.PUBLISHED, ~Plan.private),
        viewonly=True,
        lazy="raise",
        order_by="Plan.position, Plan.id",
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.slug


class RevisionStatus(StrEnum):
    """Where a revision is on its way from the provider's desk to the storefront."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    REFUSED = "refused"
    APPROVED = "approved"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


_R = RevisionStatus
REVISION_LIFECYCLE = Lifecycle(
    {
        _R.DRAFT: [_R.SUBMITTED],
        _R.SUBMITTED: [_R.IN_REVIEW],
        _R.IN_REVIEW: [_R.APPROVED, _R.RETURNED, _R.REFUSED],
        _R.RETURNED: [_R.SUBMITTED],
        _R.REFUSED: [],
        _R.APPROVED: [_R.PUBLISHED],
        _R.PUBLISHED: [_R.SUPERSEDED],
        _R.SUPERSEDED: [],
    }
)

#: Revisions the provider may still write in.
EDITABLE = frozenset({_R.DRAFT, _R.RETURNED})
#: Revisions on the administrators' desk.
UNDER_REVIEW = frozenset({_R.SUBMITTED, _R.IN_REVIEW})
#: At most one of these at a time beside the published one.
PENDING = EDITABLE | UNDER_REVIEW | {_R.APPROVED}


class OfferingRevision(db.Base):
    """One version of an offering's words and facts; `facts` has the shape of `OfferingFacts`."""

    __tablename__ = "offering_revisions"
    __table_args__ = (
        UniqueConstraint("offering_id", "number"),
        Index(
            "uq_offering_revisions_published",
            "offering_id",
            unique=True,
            sqlite_where=text("status = 'published'"),
            postgresql_where=text("status = 'published'"),
        ),
        Index("ix_offering_revisions_status", "status", "submitted_at"),
    )

    id: Mapped[int] = db.pk()
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"))
    number: Mapped[int]
    status: Mapped[RevisionStatus] = mapped_column(
        db.status_type(RevisionStatus), default=RevisionStatus.DRAFT
    )
    facts: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    changed_by: Mapped[str] = mapped_column(default="")
    #: Her number, by which her name is found again; null for machines.
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: Why it was returned or refused, word for word as the provider reads it.
    decision_reason: Mapped[str] = mapped_column(default="")
    published_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    offering: Mapped[Offering] = relationship(back_populates="revisions", lazy="raise")
    reviewer: Mapped[User | None] = relationship(foreign_keys=[reviewer_id], lazy="raise")
    comments: Mapped[list[ReviewComment]] = relationship(
        back_populates="revision", lazy="raise", order_by="ReviewComment.id"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.facts.get('name_zh', '')} · {self.number}"


class ReviewComment(db.Base):
    """What a reviewer says about one field of a revision."""

    __tablename__ = "review_comments"

    id: Mapped[int] = db.pk()
    revision_id: Mapped[int] = mapped_column(ForeignKey("offering_revisions.id"), index=True)
    #: The fact's name, or `plans.<slug>` for a plan.
    field: Mapped[str]
    text: Mapped[str]
    author: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    revision: Mapped[OfferingRevision] = relationship(back_populates="comments", lazy="raise")


class PlanStatus(StrEnum):
    """A published plan never changes; a new price is a new version."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


_P = PlanStatus
PLAN_LIFECYCLE = Lifecycle({_P.DRAFT: [_P.PUBLISHED], _P.PUBLISHED: [_P.RETIRED], _P.RETIRED: []})


class Plan(db.Base):
    """套餐: a version of a way to pay for an offering. Drafts are published with the next revision."""

    __tablename__ = "plans"
    __table_args__ = (
        UniqueConstraint("offering_id", "slug", "version_number"),
        Index(
            "uq_plans_published",
            "offering_id",
            "slug",
            unique=True,
            sqlite_where=text("status = 'published'"),
            postgresql_where=text("status = 'published'"),
        ),
        CheckConstraint("notice_days >= 7", name="notice_is_a_week"),
    )

    id: Mapped[int] = db.pk()
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"))
    slug: Mapped[str]
    version_number: Mapped[int] = mapped_column(default=1)
    status: Mapped[PlanStatus] = mapped_column(db.status_type(PlanStatus), default=PlanStatus.DRAFT)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    summary_zh: Mapped[str] = mapped_column(default="")
    summary_en: Mapped[str] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)
    #: Days of free trial without payment; 0 means none.
    trial_days: Mapped[int] = mapped_column(default=0)
    #: What it is sold by the number of (seats, GB of capacity …); empty: not sold by quantity. The number multiplies
    #: recurring fees and what is included.
    quantity_unit_zh: Mapped[str] = mapped_column(default="", server_default="")
    quantity_unit_en: Mapped[str] = mapped_column(default="", server_default="")
    quantity_minimum: Mapped[int] = mapped_column(default=1, server_default="1")
    quantity_maximum: Mapped[int | None]
    #: Numbers go up from the minimum in steps of so many.
    quantity_step: Mapped[int] = mapped_column(default=1, server_default="1")
    #: Agreed on with the firms of its audience: nobody else sees or buys it.
    private: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: How many days before it takes effect a new price is announced to those who subscribed.
    notice_days: Mapped[int] = mapped_column(default=7, server_default="7")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    published_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    offering: Mapped[Offering] = relationship(back_populates="plans", lazy="raise")
    charges: Mapped[list[Charge]] = relationship(
        back_populates="plan", lazy="raise", order_by="Charge.position", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"{self.name_zh} · {self.version_number}"


class Charge(db.Base):
    """A priced line of a plan. `terms` has the shape that `rating.parse` reads; tax is included."""

    __tablename__ = "charges"
    __table_args__ = (UniqueConstraint("plan_id", "slug"),)

    id: Mapped[int] = db.pk()
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    slug: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    #: Null for flat charges.
    meter_id: Mapped[int | None] = mapped_column(ForeignKey("meters.id"))
    terms: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    #: The dimension of the meter by which the charge picks usage, and the values it prices; empty: all usage.
    filter_property: Mapped[str] = mapped_column(default="")
    filter_values: Mapped[list[str]] = mapped_column(db.JSONType, default=list)
    #: Decimal text such as "0.06"; the provider's rate when the plan was written.
    tax_rate: Mapped[str]
    #: What to type into the calculator and a rule of thumb beside it.
    hint_zh: Mapped[str] = mapped_column(default="")
    hint_en: Mapped[str] = mapped_column(default="")
    #: The quantity per month with which the calculator starts.
    typical: Mapped[str] = mapped_column(default="0")
    #: How many transactions a month are usual, where a percentage of them is priced; 0: not said.
    typical_count: Mapped[int] = mapped_column(default=0, server_default="0")
    position: Mapped[int] = mapped_column(default=0)

    plan: Mapped[Plan] = relationship(back_populates="charges", lazy="raise")
    meter: Mapped[Meter | None] = relationship(lazy="raise")

    @property
    def filter(self) -> Filter | None:
        """The part of the usage it prices; None: all of it."""
        return Filter(self.filter_property, tuple(self.filter_values)) if self.filter_property else None

    def __str__(self) -> str:
        return self.slug
