"""Links by e-mail: each works once, for a while, and only the latest of its kind. Only hashes of them are kept."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import User
from market.credentials.models import Purpose, Token
from market.credentials.sessions import digest
from market.errors import MarketError

#: How long a link works.
LIVES = {
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.CHANGE_EMAIL: timedelta(hours=24),
    Purpose.CONFIRM_EMAIL: timedelta(days=7),
    Purpose.UNDO_EMAIL: timedelta(days=7),
}
#: How long the row of a link that no longer works is kept, to say why it does not.
KEPT = timedelta(days=30)


class LinkGone(MarketError):
    """The link does not work, or no longer."""

    status, code = 410, "link_gone"


class LinkUnknown(LinkGone):
    """Nobody was ever sent it: cut off in the mail program, or made up."""

    status = 404
    code, title = "link_unknown", "这个链接不完整"
    message = "链接可能在邮件里被截断了。请从邮件里把整个链接复制过来，或者重新要一封。"


class LinkUsed(LinkGone):
    """It has done its work, or a newer one has taken its place."""

    code, title = "link_used", "这个链接已经用过"
    message = "每个链接只能用一次，后来又要过的话，只有最新一封里的有用。"


class LinkExpired(LinkGone):
    """It was not used in time."""

    code, title = "link_expired", "这个链接已经过期"
    message = "为了安全，链接只在一段时间内有用。请重新要一封邮件。"


def issue(purpose: Purpose, user: User, *, email: str, at: datetime) -> str:
    """The word of a new link; earlier ones of its kind stop working."""
    void(user, purpose, at=at)
    word = secrets.token_urlsafe(32)
    db.session.add(
        Token(
            purpose=purpose,
            user=user,
            token_hash=digest(word),
            email=email,
            created_at=at,
            expires_at=at + LIVES[purpose],
        )
    )
    db.session.flush()
    return word


def find(purpose: Purpose, word: str, *, at: datetime) -> Token:
    """The link with this word while it works, with its person. Raises LinkUnknown, LinkUsed or LinkExpired."""
    query = select(Token).where(Token.token_hash == digest(word), Token.purpose == purpose)
    token = db.session.scalar(query.options(joinedload(Token.user)))
    if token is None or not token.user.is_active:
        raise LinkUnknown
    if token.used_at is not None:
        raise LinkUsed
    if at >= token.expires_at:
        raise LinkExpired
    return token


def use(token: Token, *, at: datetime) -> None:
    """Spend the link. Of two who do so at once one wins; the other gets LinkUsed."""
    spent = update(Token).where(Token.id == token.id, Token.used_at.is_(None)).values(used_at=at)
    if cast("CursorResult[Any]", db.session.execute(spent)).rowcount != 1:
        raise LinkUsed


def void(user: User, *purposes: Purpose, at: datetime) -> None:
    """Whatever links of these kinds are on their way to her stop working."""
    unused = Token.user_id == user.id, Token.purpose.in_(purposes), Token.used_at.is_(None)
    db.session.execute(update(Token).where(*unused).values(used_at=at))


def sweep_tokens(now: datetime) -> int:
    """Forget links that stopped working long ago; returns how many."""
    with db.transaction():
        return cast("CursorResult[Any]", db.session.execute(delete(Token).where(Token.expires_at < now - KEPT))).rowcount
