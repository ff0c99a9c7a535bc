"""Verbs: adding people and making them members."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from market import db
from market.accounts.models import Membership, Organization, Role, User
from market.accounts.queries import user_by_email
from market.errors import Refused


class EmailTaken(Refused):
    """Somebody has registered with this e-mail address."""

    code = "email_taken"
    message = "这个邮箱已经注册过。可以直接登录，或换一个邮箱。"


def add_user(*, email: str, name: str, password_hash: str, at: datetime, locale: str = "zh") -> User:
    """A person who can sign in. Raises EmailTaken; the unique key decides a race.

    The hash is computed before, while no transaction is open: it takes 20 ms, and SQLite has one write lock.
    """
    user = User(
        email=email.strip().lower(),
        name=name.strip(),
        password_hash=password_hash,
        locale=locale,
        created_at=at,
    )
    if user_by_email(user.email) is not None:
        raise EmailTaken(field="email")
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError as error:
        raise EmailTaken(field="email") from error
    return user


def join(user: User, organization: Organization, role: Role, *, at: datetime) -> Membership:
    """Make `user` a member of `organization`."""
    membership = Membership(user=user, organization=organization, role=role, created_at=at)
    db.session.add(membership)
    db.session.flush()
    return membership
