"""People, organizations, who belongs where, and keys for machines."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db


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
    name: Mapped[str]
    password_hash: Mapped[str]
    #: Changes with the password, so that older sessions end.
    session_key: Mapped[str]
    locale: Mapped[str] = mapped_column(default="zh")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", lazy="raise")

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in."""
        return self.disabled_at is None

    def get_id(self) -> str:
        """What the session cookie names: the person and the password's generation."""
        return f"{self.id}.{self.session_key}"

    def __str__(self) -> str:
        return self.name


class OrganizationKind(StrEnum):
    """Which side of the marketplace an organization stands on."""

    BUYER = "buyer"
    PROVIDER = "provider"
    PLATFORM = "platform"


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

    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")


class ApiKey(db.Base):
    """A key for a provider's machines. Only a hash of the secret is kept."""

    __tablename__ = "api_keys"

    id: Mapped[int] = db.pk()
    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str]
    #: The readable start of the key, unique, shown in lists and logs.
    prefix: Mapped[str] = mapped_column(unique=True)
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(db.JSONType)
    #: The CloudEvents `source` this key may use; event ids are unique within it.
    source: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    organization: Mapped[Organization] = relationship(lazy="raise")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
