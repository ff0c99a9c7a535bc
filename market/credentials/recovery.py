"""Passwords and addresses that change: links that are asked for, letters that go out, what each link then does.

The page that takes a request writes one row, whoever it is about; `answer_due` finds out afterwards whether
anybody has the address. So neither its words nor the time it takes tell whether an account exists.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import select

from market import audit, db
from market.accounts import (
    EmailTaken,
    User,
    answer_registrations,
    emails,
    passwords,
    user_by_email,
    user_by_id,
)
from market.credentials import sessions, signals, throttle, tokens
from market.credentials.models import LinkRequest, Purpose, Session, Token
from market.errors import Invalid

log = structlog.get_logger(__name__)


def request_link(
    purpose: Purpose, *, email: str, at: datetime, locale: str = "zh", user: User | None = None, address: str = ""
) -> None:
    """Somebody asks for a link; the same for an address that nobody has."""
    asked = LinkRequest(
        purpose=purpose, email=emails.normal(email), locale=locale, user_id=user.id if user else None,
        address=address, created_at=at,
    )  # fmt: skip
    db.session.add(asked)


def answer_due(now: datetime) -> int:
    """Write the letters that were asked for, oldest first; returns how many."""
    with db.transaction(readonly=True):
        due = db.session.scalars(select(LinkRequest.id).order_by(LinkRequest.id).limit(50)).all()
    for id in due:
        with db.transaction():
            asked = db.session.get(LinkRequest, id, with_for_update=True)
            if asked is not None:  # another worker was faster
                _answer(asked, now)
                db.session.delete(asked)
    return len(due) + answer_registrations(now)


def _answer(asked: LinkRequest, at: datetime) -> None:
    owner = user_by_email(asked.email)
    asker = user_by_id(asked.user_id) if asked.user_id else None
    if asked.purpose is Purpose.RESET_PASSWORD:
        if owner is not None and owner.is_active:
            _send(Purpose.RESET_PASSWORD, owner, asked, at)
            by = audit.Actor("system", None, "password reset", address=asked.address)
            audit.record("user.reset_requested", owner, by=by, at=at)
        else:
            signals.address_unknown.send(None, request=asked, at=at)
    elif asker is not None and asker.is_active:
        if asked.purpose is Purpose.CONFIRM_EMAIL and asker.email == asked.email and not asker.email_confirmed_at:
            _send(Purpose.CONFIRM_EMAIL, asker, asked, at)
        elif asked.purpose is Purpose.CHANGE_EMAIL and owner is None:
            _send(Purpose.CHANGE_EMAIL, asker, asked, at)
        elif asked.purpose is Purpose.CHANGE_EMAIL and owner is not None and owner.is_active and owner.id != asker.id:
            signals.address_wanted.send(owner, request=asked, at=at)


def _send(purpose: Purpose, user: User, asked: LinkRequest, at: datetime) -> None:
    word = tokens.issue(purpose, user, email=asked.email, at=at)
    signals.link_issued.send(user, purpose=purpose, word=word, email=asked.email, at=at)


def check_new_password(password: str, *, email: str = "", name: str = "", field: str = "password") -> None:
    """Raises Invalid, naming the field, for a password that is too short, too long or too easily guessed."""
    if wrong := passwords.problem(password, email=email, name=name):
        raise Invalid(fields={field: wrong})


def reset_password(token: Token, password_hash: str, *, address: str = "", at: datetime) -> User:
    """A new password by the link that was sent: she is signed out everywhere, and what was tried in vain is forgiven.

    That she reads the mail of this address is proved as well.
    """
    tokens.use(token, at=at)
    user = token.user
    if user.email == token.email:
        user.email_confirmed_at = user.email_confirmed_at or at
    by = audit.Actor("user", user.id, user.name, address=address)
    _set_password(user, password_hash, by=by, at=at, reason="reset")
    sessions.end_sessions(user, at=at)
    throttle.forgive("sign_in", user.email)
    return user


def change_password(user: User, password_hash: str, *, here: Session, by: audit.Actor, at: datetime) -> None:
    """A new password by somebody who is signed in: she stays so in this browser only."""
    _set_password(user, password_hash, by=by, at=at)
    sessions.end_sessions(user, at=at, but=here)


def _set_password(user: User, password_hash: str, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    user.password_hash = password_hash
    tokens.void(user, Purpose.RESET_PASSWORD, at=at)
    audit.record("user.password_changed", user, by=by, at=at, reason=reason)
    signals.password_changed.send(user, at=at)


def confirm_email(token: Token, *, address: str = "", at: datetime) -> User:
    """She reads the mail of this address. A link for an address that she has left is of no use."""
    user = token.user
    if user.email != token.email:
        raise tokens.LinkUsed
    tokens.use(token, at=at)
    user.email_confirmed_at = at
    audit.record("user.email_confirmed", user, by=audit.Actor("user", user.id, user.name, address=address), at=at)
    return user


def change_email(token: Token, *, address: str = "", at: datetime) -> User:
    """From now on this is her address; the one she leaves is told, with a link that takes it back.

    Raises EmailTaken when somebody was faster.
    """
    tokens.use(token, at=at)
    user, old = token.user, token.user.email
    db.serialize(f"email {token.email}")
    if user_by_email(token.email) is not None:
        raise EmailTaken
    _set_email(user, token.email, by=audit.Actor("user", user.id, user.name, address=address), at=at)
    word = tokens.issue(Purpose.UNDO_EMAIL, user, email=old, at=at)
    signals.email_changed.send(user, old=old, word=word, at=at)
    return user


def undo_email(token: Token, *, address: str = "", at: datetime) -> str:
    """The owner of the old address takes it back: all sessions end, and she sets a new password; returns the word for it."""
    tokens.use(token, at=at)
    user = token.user
    db.serialize(f"email {token.email}")
    other = user_by_email(token.email)
    if other is not None and other.id != user.id:
        raise EmailTaken
    by = audit.Actor("user", user.id, user.name, address=address)
    _set_email(user, token.email, by=by, at=at, reason="undone")
    sessions.end_sessions(user, at=at, by=by)
    return tokens.issue(Purpose.RESET_PASSWORD, user, email=token.email, at=at)


def _set_email(user: User, email: str, *, by: audit.Actor, at: datetime, reason: str = "") -> None:
    before = {"email": user.email}
    user.email, user.email_confirmed_at = email, at
    # Links to the address she leaves are in somebody else's mailbox now.
    tokens.void(user, Purpose.RESET_PASSWORD, Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL, at=at)
    audit.record("user.email_changed", user, by=by, at=at, before=before, after={"email": email}, reason=reason)
