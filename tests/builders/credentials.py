"""Second steps for tests, put in place without their pages."""

from __future__ import annotations

import secrets

from sqlalchemy import update

from market import accounts, db, resources
from market.accounts.models import User
from market.credentials.authenticators import code_at
from market.credentials.models import Authenticator, Passkey

#: What is in every app that a builder sets up.
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

def an_authenticator(user: User) -> User:
    """Give `user` an app in force with SECRET; gives the person back."""
    at = user.created_at
    secret = resources.cipher.encrypt(SECRET)
    db.session.add(Authenticator(user_id=user.id, in_force=True, secret=secret, created_at=at, confirmed_at=at))
    db.session.flush()
    return user


def a_code(email: str) -> str:
    """The code of the person's app, which she has not used yet, however often she has signed in under a still clock."""
    with db.transaction():
        user = accounts.user_by_email(email)
        assert user is not None
        db.session.execute(update(Authenticator).where(Authenticator.user_id == user.id).values(last_step=0))
    return code_at(SECRET, resources.clock.now())


def a_passkey(user: User, *, name: str = "办公室电脑") -> Passkey:
    """A passkey that nobody holds."""
    key = Passkey(
        user_id=user.id, name=name, credential_id=secrets.token_urlsafe(16), public_key="", transports=[],
        created_at=user.created_at,
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    return key
