"""The marketplace's own rules and privacy policy, in versions that are announced before they hold."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User


class Subject(StrEnum):
    """What a policy is about."""

    RULES = "rules"
    PRIVACY = "privacy"


class PolicyVersion(db.Base):
    """A text and the day from which it holds; never changed once announced."""

    __tablename__ = "policy_versions"
    __table_args__ = (UniqueConstraint("subject", "number"), UniqueConstraint("subject", "effective_on"))

    id: Mapped[int] = db.pk()
    subject: Mapped[Subject] = mapped_column(db.status_type(Subject))
    number: Mapped[int]
    #: Markdown-like plain text: paragraphs, `## ` headings and `- ` lists.
    text_zh: Mapped[str]
    text_en: Mapped[str]
    #: What is different from the version before, in a sentence or two.
    changes_zh: Mapped[str]
    changes_en: Mapped[str]
    announced_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: At least seven days after the announcement (E-commerce Law, Art. 34), but for the first version.
    effective_on: Mapped[date]
    announced_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: The letters about it go out in batches: up to which person they are written, and when the last one was.
    told_up_to_id: Mapped[int] = mapped_column(db.BigInt, default=0)
    told_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return f"{self.subject} {self.number}"


class Consent(db.Base):
    """That a person has seen a version and, where `agreed_at` is set, agreed to it."""

    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("user_id", "version_id"),)

    id: Mapped[int] = db.pk()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_versions.id"))
    seen_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    agreed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    user: Mapped[User] = relationship(lazy="raise")
    version: Mapped[PolicyVersion] = relationship(lazy="raise")
