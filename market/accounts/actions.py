"""Verbs: adding people, signing in, making and revoking keys."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from market import audit, db
from market.accounts import passwords
from market.accounts.models import ApiKey, Membership, Organization, Role, User
from market.accounts.queries import user_by_email
from market.errors import Refused

#: How long a key's "last used" may lag behind: writing it for each request would cost more than it tells.
USED_PRECISION = timedelta(minutes=1)


class EmailTaken(Refused):
    """Somebody has registered with this e-mail address."""

    code = "email_taken"
    message = "这个邮箱已经注册过。可以直接登录，或换一个邮箱。"


def add_user(*, email: str, name: str, password: str, at: datetime, locale: str = "zh") -> User:
    """A person who can sign in. Raises EmailTaken; the unique key decides a race."""
    user = User(
        email=email.strip().lower(),
        name=name.strip(),
        password_hash=passwords.hash(password),
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


def authenticate(email: str, password: str) -> User | None:
    """The person with this address and password; rehashes an outdated hash on the way."""
    user = user_by_email(email.strip().lower())
    if not passwords.verify(user.password_hash if user else None, password) or user is None:
        return None
    if passwords.outdated(user.password_hash):
        user.password_hash = passwords.hash(password)
    return user if user.is_active else None


def issue_key(
    organization: Organization, *, name: str, source: str, scopes: list[str], by: audit.Actor, at: datetime
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown once and never stored."""
    prefix = f"mk_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        organization=organization,
        name=name,
        prefix=prefix,
        secret_hash=_digest(secret),
        scopes=scopes,
        source=source,
        created_at=at,
    )
    db.session.add(key)
    audit.record("api_key.issued", key, by=by, at=at, after={"source": source, "scopes": scopes})
    return key, secret


def revoke_key(key: ApiKey, *, by: audit.Actor, at: datetime) -> None:
    """The key stops working at once. Revoking it twice changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = at
        audit.record("api_key.revoked", key, by=by, at=at)


def key_of_secret(secret: str) -> ApiKey | None:
    """The live key this secret belongs to. The secret has 256 random bits, so a fast hash is safe."""
    query = select(ApiKey).where(ApiKey.prefix == secret[:11], ApiKey.revoked_at.is_(None))
    key = db.session.scalar(query)
    if key is None or not secrets.compare_digest(key.secret_hash, _digest(secret)):
        return None
    return key


def touch_key(key: ApiKey, *, at: datetime) -> None:
    """Remember, to the minute, when the key was last used."""
    if key.last_used_at is None or at - key.last_used_at >= USED_PRECISION:
        key.last_used_at = at


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
