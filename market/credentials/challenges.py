"""Challenges: random bytes for a passkey to sign, good once, for five minutes, in the browser that asked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete

from market import db
from market.accounts.models import User
from market.credentials.models import Ceremony, Challenge

LIFE = timedelta(minutes=5)
_BYTES = 32


def issue(ceremony: Ceremony, user: User | None, *, browser: str, at: datetime) -> bytes:
    """New bytes. `browser` is a random word that only this browser's cookie holds."""
    challenge = secrets.token_bytes(_BYTES)
    db.session.add(
        Challenge(
            ceremony=ceremony,
            challenge_hash=_digest(challenge),
            browser_hash=_digest(browser.encode()),
            user_id=user.id if user else None,
            expires_at=at + LIFE,
        )
    )
    db.session.flush()
    return challenge


def spend(challenge: bytes, ceremony: Ceremony, user: User | None, *, browser: str, at: datetime) -> bool:
    """Whether these bytes were issued for this, to this browser, and are fresh; they are spent by asking."""
    spent = delete(Challenge).where(Challenge.challenge_hash == _digest(challenge))
    returned = spent.returning(Challenge.ceremony, Challenge.browser_hash, Challenge.user_id, Challenge.expires_at)
    found = db.session.execute(returned).one_or_none()
    if found is None:
        return False
    meant = (found.ceremony, found.browser_hash, found.user_id)
    return meant == (ceremony, _digest(browser.encode()), user.id if user else None) and at < found.expires_at


def sweep_challenges(now: datetime) -> int:
    """Forget those that nobody answered in time; returns how many."""
    with db.transaction():
        return len(db.session.scalars(delete(Challenge).where(Challenge.expires_at <= now).returning(Challenge.id)).all())


def _digest(word: bytes) -> str:
    return hashlib.sha256(word).hexdigest()
