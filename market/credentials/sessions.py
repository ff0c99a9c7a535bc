"""Sessions: a browser in which somebody is signed in, until it is ended, unused or too old."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import CursorResult, Select, bindparam, delete, select, update
from sqlalchemy.orm import joinedload

from market import audit, db
from market.accounts.models import Membership, User
from market.credentials import browsers
from market.credentials.models import Session
from market.errors import NotFound

#: How long a session lasts unused, and how long one that was to be remembered.
LIFE, REMEMBERED_LIFE = timedelta(hours=12), timedelta(days=30)
#: However much it is used, it ends this long after signing in.
LONGEST_LIFE = timedelta(days=90)
#: How far "last seen" may lag behind: writing it for each request would cost more than it tells.
SEEN_PRECISION = timedelta(minutes=5)
#: How long the row of an ended session is kept.
KEPT = timedelta(days=90)


def start_session(
    user: User,
    *,
    at: datetime,
    agent: str = "",
    address: str = "",
    remembered: bool = False,
    second_step: bool = False,
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
        second_step_at=at if second_step else None,
        expires_at=at + _life(remembered),
    )
    db.session.add(begun)
    by = audit.Actor("user", user.id, user.name, address=address)
    facts = {"browser": browsers.words(agent), "remembered": remembered, "second_step": second_step}
    audit.record("user.signed_in", user, by=by, at=at, after=facts)
    return begun, token


def session_of_token(token: str, *, at: datetime) -> Session | None:
    """The live session this word belongs to, with its person and where she belongs; None once it has ended or she may not sign in."""
    found = db.session.scalars(_of_token(), {"digest": digest(token)}).unique().one_or_none()
    live = found and found.ended_at is None and at < found.expires_at and found.user.is_active
    return found if live else None


@cache
def _of_token() -> Select[Session]:
    """Put together once: it is asked with every page, and putting it together takes longer than asking."""
    belonging = joinedload(Session.user).joinedload(User.memberships).joinedload(Membership.organization)
    return select(Session).where(Session.token_hash == bindparam("digest")).options(belonging)


def sessions_of(user: User, *, at: datetime) -> Sequence[Session]:
    """Where a person is signed in, the latest seen first."""
    query = select(Session).where(Session.user_id == user.id, Session.ended_at.is_(None), Session.expires_at > at)
    return db.session.scalars(query.order_by(Session.last_seen_at.desc(), Session.id.desc())).all()


def session_of(user: User, id: int, *, at: datetime) -> Session:
    """One of a person's live sessions. Raises NotFound for a stranger's."""
    found = db.session.get(Session, id)
    if found is None or found.user_id != user.id or found.ended_at is not None or found.expires_at <= at:
        raise NotFound
    return found


def is_stale(session: Session, *, at: datetime) -> bool:
    """Whether it is time to write down that the session is in use."""
    return at - session.last_seen_at >= SEEN_PRECISION


def see(session_id: int, *, at: datetime, agent: str, address: str) -> None:
    """The session is in use: it lasts from now on, but never beyond its longest life. An ended one stays ended."""
    with db.transaction():
        session = db.session.get(Session, session_id, with_for_update=True)
        if session is None or session.ended_at is not None or not is_stale(session, at=at):
            return
        until = min(at + _life(session.remembered), session.created_at + LONGEST_LIFE)
        session.last_seen_at, session.expires_at = at, max(session.expires_at, until)
        session.agent, session.address = agent[:300], address


def renew_token(session: Session) -> str:
    """Another word for the same session; whoever has the old one has nothing."""
    token = secrets.token_urlsafe(32)
    session.token_hash = digest(token)
    return token


def sign_out(session: Session, *, by: audit.Actor, at: datetime) -> None:
    """The person leaves this browser."""
    if session.ended_at is None:
        end_session(session, at=at)
        audit.record("user.signed_out", session.user, by=by, at=at)


def end_session(session: Session, *, at: datetime, by: audit.Actor | None = None) -> None:
    """Sign this browser out; `by` whom, if from elsewhere."""
    if session.ended_at is None:
        session.ended_at = at
        if by is not None:
            audit.record("session.ended", session, by=by, at=at, label=browsers.words(session.agent))


def end_sessions(user: User, *, at: datetime, but: Session | None = None, by: audit.Actor | None = None) -> int:
    """Sign a person out everywhere, `but` in one browser; returns in how many. With `by` it is an act of its own."""
    ended = update(Session).where(Session.user_id == user.id, Session.ended_at.is_(None), Session.expires_at > at)
    if but is not None:
        ended = ended.where(Session.id != but.id)
    number = cast("CursorResult[Any]", db.session.execute(ended.values(ended_at=at))).rowcount
    if by is not None and number:
        audit.record("user.sessions_ended", user, by=by, at=at, after={"sessions": number})
    return number


def sweep_sessions(now: datetime) -> int:
    """Forget sessions that ended long ago; returns how many."""
    with db.transaction():
        old = delete(Session).where((Session.expires_at < now - KEPT) | (Session.ended_at < now - KEPT))
        return cast("CursorResult[Any]", db.session.execute(old)).rowcount


def digest(token: str) -> str:
    """What is stored of a random word of 256 bits, for which a fast hash is safe."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _life(remembered: bool) -> timedelta:
    return REMEMBERED_LIFE if remembered else LIFE
