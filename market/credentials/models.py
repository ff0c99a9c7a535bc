"""What proves who somebody is: sessions, links by e-mail, second steps, and how often one may try."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from market import db
from market.accounts.models import User


class Session(db.Base):
    """A browser in which somebody is signed in. The cookie holds a random word, this row its SHA-256."""

    __tablename__ = "sessions"

    id: Mapped[int] = db.pk()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    #: What the browser calls itself and where it came from when it was last seen.
    agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    #: Kept on this computer: it outlives the browser and ends later.
    remembered: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: Written at most every few minutes.
    last_seen_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the person last proved who she is; dangerous actions ask for it again after a while.
    proved_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    #: When the second step was taken; null without one.
    second_step_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    user: Mapped[User] = relationship(lazy="raise")


class Purpose(StrEnum):
    """What a link sent by e-mail is good for."""

    CONFIRM_EMAIL = "confirm_email"
    CHANGE_EMAIL = "change_email"
    #: Sent to the address that was left: takes the change back.
    UNDO_EMAIL = "undo_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # a purpose, not a password


class Token(db.Base):
    """A link sent by e-mail that works once and for a while. Only the SHA-256 of its word is kept."""

    __tablename__ = "tokens"

    id: Mapped[int] = db.pk()
    purpose: Mapped[Purpose] = mapped_column(db.status_type(Purpose))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    #: The address that the link is about: the one it confirms, or brings back.
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    user: Mapped[User] = relationship(lazy="raise")


class LinkRequest(db.Base):
    """Somebody has asked for a link. The page writes this row and nothing else, so that it takes as long for an
    address nobody has; a sweep looks the address up, and writes the letter."""

    __tablename__ = "link_requests"

    id: Mapped[int] = db.pk()
    purpose: Mapped[Purpose] = mapped_column(db.status_type(Purpose))
    email: Mapped[str]
    #: The language of the page, for letters to people we do not know.
    locale: Mapped[str] = mapped_column(default="zh")
    #: Who asked, if she was signed in.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    address: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)


class Authenticator(db.Base):
    """An app that shows six digits (TOTP, RFC 6238). It counts once a first code has been typed in.

    A person has one in force and, while she sets up another, that one beside it: the old app keeps working until
    the new one has shown that it does.
    """

    __tablename__ = "authenticators"

    id: Mapped[int] = db.pk()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    in_force: Mapped[bool] = mapped_column(default=False)
    #: Encrypted at rest.
    secret: Mapped[str] = db.sealed()
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)
    #: The 30-second step of the last code taken; a code works once.
    last_step: Mapped[int] = mapped_column(db.BigInt, default=0)

    __table_args__ = (UniqueConstraint("user_id", "in_force"),)


class RecoveryCode(db.Base):
    """A word that replaces the second step once, for whoever has lost her phone."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = db.pk()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)


class Passkey(db.Base):
    """A WebAuthn credential: a key that stays in the person's device; only its public half is here."""

    __tablename__ = "passkeys"

    id: Mapped[int] = db.pk()
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    #: Base64url, as the browser sends them.
    credential_id: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(db.BigInt, default=0)
    transports: Mapped[list[str]] = mapped_column(db.JSONType)
    created_at: Mapped[datetime] = mapped_column(db.UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    user: Mapped[User] = relationship(lazy="raise")

    def __str__(self) -> str:
        return self.name


class Ceremony(StrEnum):
    """What a passkey is asked for."""

    ADD = "add"
    SIGN_IN = "sign_in"
    SECOND_STEP = "second_step"
    CONFIRM = "confirm"


class Challenge(db.Base):
    """Random bytes that a passkey has to sign, once, soon, and in the browser that asked for them."""

    __tablename__ = "challenges"

    id: Mapped[int] = db.pk()
    ceremony: Mapped[Ceremony] = mapped_column(db.status_type(Ceremony))
    #: SHA-256 of the bytes; the row is deleted when they come back, whether they are signed well or badly.
    challenge_hash: Mapped[str] = mapped_column(unique=True)
    #: SHA-256 of a random word in the cookie of the browser that asked.
    browser_hash: Mapped[str]
    #: Whose passkey it has to be; null where the passkey itself says who signs in.
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(db.UTCDateTime, index=True)


class Throttle(db.Base):
    """How often something was tried in vain, by account, address or device; shared by every process."""

    __tablename__ = "throttles"

    #: What is counted, such as `account:` and a SHA-256 of the e-mail address.
    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime] = mapped_column(db.UTCDateTime)
    blocked_until: Mapped[datetime | None] = mapped_column(db.UTCDateTime)

    def __str__(self) -> str:
        return self.key.partition(":")[0]
