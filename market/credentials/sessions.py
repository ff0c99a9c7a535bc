"""Sessions: a browser in which somebody is signed in, until it is ended or too old."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import User
from market.credentials.models import Session

#: How long a session lasts, and how long one that was to be remembered.
LIFE, REMEMBERED_LIFE = timedelta(hours=12), timedelta(days=30)


def start_session(
    user: User, *, at: datetime, agent: str = "", address: str = "", remembered: bool = False
) -> tuple[Session, str]:
    """A new session and the word for its cookie, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    begun = Session(
        user=user,
        token_hash=digest(token),
        agent=agent[:300],
        address=address,
        remembered=remembered,
        created_at=at,
        last_seen_at=at,
        proved_at=at,
        expires_at=at + (REMEMBERED_LIFE if remembered else LIFE),
    )
    db.session.add(begun)
    db.session.flush()
    return begun, token


def session_of_token(token: str, *, at: datetime) -> Session | None:
    """The live session this word belongs to, with its person; None once it has ended or she may not sign in."""
    query = select(Session).where(Session.token_hash == digest(token)).options(joinedload(Session.user))
    found = db.session.scalar(query)
    live = found and found.ended_at is None and at < found.expires_at and found.user.is_active
    return found if live else None


def sessions_of(user: User, *, at: datetime) -> Sequence[Session]:
    """Where a person is signed in, the latest seen first."""
    query = select(Session).where(Session.user_id == user.id, Session.ended_at.is_(None), Session.expires_at > at)
    return db.session.scalars(query.order_by(Session.last_seen_at.desc(), Session.id.desc())).all()


def end_session(session: Session, *, at: datetime) -> None:
    """Sign this browser out."""
    session.ended_at = session.ended_at or at


def end_sessions(user: User, *, at: datetime, but: Session | None = None) -> None:
    """Sign a person out everywhere, `but` in one browser."""
    query = update(Session).where(Session.user_id == user.id, Session.ended_at.is_(None))
    if but is not None:
        query = query.where(Session.id != but.id)
    db.session.execute(query.values(ended_at=at))


def digest(token: str) -> str:
    """What is stored of a random word of 256 bits, for which a fast hash is safe."""
    return hashlib.sha256(token.encode()).hexdigest()
