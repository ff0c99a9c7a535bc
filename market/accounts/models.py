"""People, organizations, who belongs where, and keys for machines."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.kit.lifecycle import Lifecycle


class City(db.Base):
    """One of Guangdong's 21 prefecture-level cities, by its GB/T 2260 code."""

    __tablename__ = "cities"

    code: Mapped[str] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str]
    #: Whether it is one of the nine cities of the Pearl River Delta.
    delta: Mapped[bool]
    position: Mapped[int]


class Sector(db.Base):
    """A sector that the provincial plan names, within one of its groups."""

    __tablename__ = "sectors"

    slug: Mapped[str] = mapped_column(primary_key=True)
    group_slug: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    position: Mapped[int]


class User(db.Base):
    """A person who signs in. E-mail addresses are stored in lower case and are unique."""

    __tablename__ = "users"

    id: Mapped[int] = db.pk()
    email: Mapped[str] = mapped_column(unique=True)
    #: When she proved that the address is hers, by opening a link sent to it.
    email_confirmed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    phone: Mapped[str] = mapped_column(default="")
    name: Mapped[str]
    password_hash: Mapped[str]
    locale: Mapped[str] = mapped_column(default="zh")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When her personal data was removed; the row stays because bills and the audit trail name its number.
    erased_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    #: The one she last acted for first, then the oldest.
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="user", lazy="raise", order_by=lambda: (Membership.chosen_at.desc().nulls_last(), Membership.id)
    )

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in."""
        return self.disabled_at is None

    def __str__(self) -> str:
        return self.name


class Registration(db.Base):
    """Somebody has filled in the form, and nobody knows yet whether the mailbox is hers: not an account.

    The link in its letter makes it one; a day later it is forgotten.
    """

    __tablename__ = "registrations"

    id: Mapped[int] = db.pk()
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="zh")
    password_hash: Mapped[str]
    #: The firm's facts, named as its columns are.
    firm: Mapped[dict[str, Any]] = mapped_column(db.JSONType)
    #: The page of ours that she was on her way to.
    destination: Mapped[str] = mapped_column(default="")
    #: SHA-256 of a random word in the cookie of the browser in which the form was filled in.
    browser_hash: Mapped[str]
    #: SHA-256 of the word in the link; null until the letter is written.
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(db.UTCDateTime, index=True)

    def __str__(self) -> str:
        return self.email


class OrganizationKind(StrEnum):
    """Which side of the marketplace an organization stands on."""

    BUYER = "buyer"
    PROVIDER = "provider"
    PLATFORM = "platform"


class CheckStatus(StrEnum):
    """How far the check of a firm against its business licence is."""

    UNVERIFIED = "unverified"
    CHECKING = "checking"
    VERIFIED = "verified"
    REFUSED = "refused"
    EXPIRED = "expired"


#: A firm whose name, code or licence changes, or whose check has run out, is checked again.
CHECK_LIFECYCLE = Lifecycle(
    {
        CheckStatus.UNVERIFIED: [CheckStatus.CHECKING],
        CheckStatus.CHECKING: [CheckStatus.VERIFIED, CheckStatus.REFUSED],
        CheckStatus.REFUSED: [CheckStatus.CHECKING],
        CheckStatus.VERIFIED: [CheckStatus.EXPIRED],
        CheckStatus.EXPIRED: [CheckStatus.CHECKING],
    }
)


class SizeClass(StrEnum):
    """The size of a firm by the rules of 2011 (工信部联企业〔2011〕300号)."""

    MICRO = "micro"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Organization(db.Base):
    """A firm that buys, a firm that sells, or the office that runs the place."""

    __tablename__ = "organizations"

    id: Mapped[int] = db.pk()
    kind: Mapped[OrganizationKind] = mapped_column(db.status_type(OrganizationKind))
    name: Mapped[str]
    #: 统一社会信用代码, 18 characters; also the taxpayer number. Unique among one kind.
    uscc: Mapped[str | None]
    city_code: Mapped[str | None] = mapped_column(ForeignKey("cities.code"))
    sector_slug: Mapped[str | None] = mapped_column(ForeignKey("sectors.slug"))
    phone: Mapped[str] = mapped_column(default="")
    #: A group of the size rules (`sizes.INDUSTRIES`), with the three figures that they ask for.
    industry: Mapped[str | None]
    staff: Mapped[int | None]
    revenue_fen: Mapped[int | None] = mapped_column(db.BigInt)
    assets_fen: Mapped[int | None] = mapped_column(db.BigInt)
    #: Computed from them by the rule set named beside it; null while a figure that the rules ask for is missing.
    size: Mapped[SizeClass | None] = mapped_column(db.status_type(SizeClass))
    size_rules: Mapped[str | None]
    check_status: Mapped[CheckStatus] = mapped_column(
        db.status_type(CheckStatus), default=CheckStatus.UNVERIFIED
    )
    verified_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: The last day on which the check counts: the licence's last day, or a year after the decision.
    verified_until: Mapped[date | None]
    #: Orders above this amount (a month's estimate, tax included) wait for an owner; null: none waits.
    approval_above_fen: Mapped[int | None] = mapped_column(db.BigInt)
    #: Counts changes of the profile, so that of two people who edit at once the second is told.
    version: Mapped[int] = mapped_column(default=1)
    #: Monthly bills start on this day of the month, Asia/Shanghai.
    anchor_day: Mapped[int] = mapped_column(default=1)
    timezone: Mapped[str] = mapped_column(default="Asia/Shanghai")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)

    __table_args__ = (UniqueConstraint("kind", "uscc"),)

    def __str__(self) -> str:
        return self.name


class Role(StrEnum):
    """What a member does in an organization; `permissions.py` says what each may do."""

    OWNER = "owner"
    PURCHASER = "purchaser"
    TECHNICIAN = "technician"
    FINANCE = "finance"
    VIEWER = "viewer"
    PRODUCT = "product"
    DEVELOPER = "developer"
    REVIEWER = "reviewer"
    CURATOR = "curator"
    AUDITOR = "auditor"
    SUPER = "super"


class Membership(db.Base):
    """A person's place in an organization."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "organization_id"),)

    id: Mapped[int] = db.pk()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    role: Mapped[Role] = mapped_column(db.status_type(Role))
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When she last said that she acts for this one of her organizations.
    chosen_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")


class Invitation(db.Base):
    """A place in an organization, offered by e-mail to somebody; open until it is taken, withdrawn or too old."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_open", "organization_id", "email", unique=True,
            sqlite_where=text("accepted_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=text("accepted_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    email: Mapped[str]
    role: Mapped[Role] = mapped_column(db.status_type(Role))
    #: SHA-256 of the random word in the link; the word itself is only in the letter.
    token_hash: Mapped[str] = mapped_column(unique=True)
    invited_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")
    invited_by: Mapped[User] = relationship(foreign_keys=[invited_by_id], lazy="raise")

    def __str__(self) -> str:
        return self.email


class Verification(db.Base):
    """One request to check a firm against its business licence, and what was decided."""

    __tablename__ = "verifications"
    __table_args__ = (
        # A firm has one application that waits.
        Index(
            "uq_verifications_waiting", "organization_id", unique=True,
            sqlite_where=text("decided_at IS NULL AND replaced_at IS NULL"),
            postgresql_where=text("decided_at IS NULL AND replaced_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    #: What the firm stated at that moment; a later change of the profile does not reach in here.
    name: Mapped[str]
    uscc: Mapped[str]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    submitted_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the firm sent in something else instead; nothing is decided about it any more.
    replaced_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: True when verified, False when refused, null while it waits.
    verified: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(default="")
    licence_until: Mapped[date | None]

    @property
    def waits(self) -> bool:
        """Whether it is still to be decided."""
        return self.decided_at is None and self.replaced_at is None

    organization: Mapped[Organization] = relationship(lazy="raise")
    submitted_by: Mapped[User] = relationship(foreign_keys=[submitted_by_id], lazy="raise")
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id], lazy="raise")

    def __str__(self) -> str:
        return self.name


class ApiKey(db.Base):
    """A key for an organization's machines. Only a hash of the secret is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("organization_id", "request_key"),)

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str]
    #: The readable start of the key, unique, shown in lists and logs.
    prefix: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(db.JSONType)
    #: The CloudEvents `source` this key may use; event ids are unique within it. Empty when it reports nothing.
    source: Mapped[str]
    #: A test key is answered like a live one, but nothing it sends is kept.
    test: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: The same word is the same key, however often the form is sent; null for keys made by commands.
    request_key: Mapped[str | None]
    #: The first instant at which it no longer works; set too when a successor takes over.
    expires_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: When people were told that it is about to expire.
    warned_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: The key that this one takes over from; both work until the older one expires. A key has one successor.
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"), unique=True)
    #: Written at most once a minute, with where the request came from.
    last_used_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    last_used_address: Mapped[str] = mapped_column(default="")
    revoked_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")
    replaces: Mapped[ApiKey | None] = relationship(
        remote_side=[id], back_populates="successor", lazy="raise"
    )
    successor: Mapped[ApiKey | None] = relationship(back_populates="replaces", lazy="raise")

    def works(self, at: datetime) -> bool:
        """Whether a program can use it."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def __str__(self) -> str:
        return name_of_key(self.name, self.prefix)


def name_of_key(name: str, prefix: str) -> str:
    """What people call a key."""
    return f"{name} ({prefix}…)"
