"""What firms say of offerings they use, what providers reply, what visitors report, and what they look for in vain."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import Organization
from market.catalog.categories import Category
from market.catalog.models import Offering
from market.kit.lifecycle import Lifecycle
from market.quality import triggers
from market.subscriptions.models import Subscription


class Review(db.Base):
    """One firm's opinion of one offering. What it said when, `wordings` tell."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("offering_id", "organization_id"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_one_to_five"),
        Index("ix_reviews_organization_id", "organization_id"),
    )

    id: Mapped[int] = db.pk()
    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"))
    #: Those of the newest wording; they count whether its words are hidden or not.
    stars: Mapped[int]
    #: Whether the firm's name stands beside it; else its city and its sector.
    named: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the newest wording was written.
    written_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    version: Mapped[int] = mapped_column()

    offering: Mapped[Offering] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")
    wordings: Mapped[list[ReviewWording]] = relationship(
        back_populates="review", lazy="raise", order_by="ReviewWording.number.desc()"
    )
    replies: Mapped[list[ReviewReply]] = relationship(
        back_populates="review", lazy="raise", order_by="ReviewReply.number.desc()"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def wording(self) -> ReviewWording:
        """What it says now. Needs `wordings` loaded."""
        return self.wordings[0]

    @property
    def reply(self) -> ReviewReply | None:
        """What the provider says to it now. Needs `replies` loaded."""
        return self.replies[0] if self.replies else None

    def __str__(self) -> str:
        return str(self.id)


class _Said:
    """Words that stay as they were said; an administrator can hide them where the law demands it, and says why."""

    id: Mapped[int] = db.pk()
    number: Mapped[int]
    text: Mapped[str]
    written_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    written_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    hidden_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    hidden_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: Why, as everybody reads it.
    hidden_reason: Mapped[str] = mapped_column(default="")


class ReviewWording(_Said, db.Base):
    """One wording of a review; a new one takes its place, and it stays in the history."""

    __tablename__ = "review_wordings"
    __table_args__ = (
        UniqueConstraint("review_id", "number"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_one_to_five"),
        CheckConstraint("used_days >= 30", name="used_for_a_month"),
    )

    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"))
    stars: Mapped[int]
    #: Which subscription gave the right to it, and how long that had been in use by then.
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    used_days: Mapped[int]

    review: Mapped[Review] = relationship(back_populates="wordings", lazy="raise")
    subscription: Mapped[Subscription] = relationship(lazy="raise")

    @property
    def used_months(self) -> int:
        """Whole months of thirty days."""
        return self.used_days // 30

    def __str__(self) -> str:
        return f"{self.review_id} · {self.number}"


class ReviewReply(_Said, db.Base):
    """What the provider says to a review; a new one takes its place."""

    __tablename__ = "review_replies"
    __table_args__ = (UniqueConstraint("review_id", "number"),)

    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"))
    #: The wording that it was a reply to.
    answers_number: Mapped[int]

    review: Mapped[Review] = relationship(back_populates="replies", lazy="raise")

    def __str__(self) -> str:
        return f"{self.review_id} · {self.number}"


_HIDING = ("hidden_at", "hidden_by_id", "hidden_reason")
triggers.keep(Review, changing=("stars", "named", "written_at", "version"))
triggers.keep(ReviewWording, changing=_HIDING)
triggers.keep(ReviewReply, changing=_HIDING)


class ReportKind(StrEnum):
    """What a report is about."""

    PRICE = "price"
    FACTS = "facts"
    CERTIFICATE = "certificate"
    UNLAWFUL = "unlawful"
    OTHER = "other"


class ReportStatus(StrEnum):
    """Whether a report or a requirement has been answered."""

    OPEN = "open"
    ANSWERED = "answered"


REPORT_LIFECYCLE = Lifecycle({ReportStatus.OPEN: [ReportStatus.ANSWERED], ReportStatus.ANSWERED: []})


class _Asked:
    """What anybody may write to the administrators. Whoever has the word of its link can read the answer."""

    id: Mapped[int] = db.pk()
    text: Mapped[str]
    #: Where the answer is sent; emptied some time after it.
    email: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="zh")
    #: Who was signed in.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    status: Mapped[ReportStatus] = mapped_column(db.status_type(ReportStatus), default=ReportStatus.OPEN)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    answer: Mapped[str] = mapped_column(default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return str(self.id)


class ProblemReport(_Asked, db.Base):
    """What somebody reports about an offering's page."""

    __tablename__ = "problem_reports"
    __table_args__ = (Index("ix_problem_reports_status_id", "status", "id"),)

    offering_id: Mapped[int] = mapped_column(ForeignKey("offerings.id"), index=True)
    kind: Mapped[ReportKind] = mapped_column(db.status_type(ReportKind))
    version: Mapped[int] = mapped_column()

    offering: Mapped[Offering] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}


class Requirement(_Asked, db.Base):
    """What somebody needs and has not found."""

    __tablename__ = "requirements"
    __table_args__ = (Index("ix_requirements_status_id", "status", "id"),)

    #: The kind of service it may be; whoever does not know says none.
    category_slug: Mapped[str | None] = mapped_column(ForeignKey("categories.slug"))
    #: The addresses of services that the answer names.
    suggested: Mapped[list[str]] = mapped_column(db.JSONType, default=list)
    version: Mapped[int] = mapped_column()

    category: Mapped[Category | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}
