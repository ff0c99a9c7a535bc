"""Recovery codes: ten words on paper that each replace the second step once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import delete, func, select, update

from market import audit, db
from market.accounts.models import User
from market.credentials import signals
from market.credentials.authenticators import normal
from market.credentials.models import RecoveryCode

COUNT = 10
#: Without what is taken for something else in somebody's handwriting: 0 O, 1 I L, 2 Z, 5 S, 8 B.
LETTERS = "ACDEFGHJKMNPQRTUVWXY34679"
GROUPS, GROUP = 4, 4


def make(user: User, *, by: audit.Actor, at: datetime) -> list[str]:
    """Ten new codes, to be shown once; all earlier ones are void."""
    db.lock(user)
    void = left(user)
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)))
    codes = [_code() for _ in range(COUNT)]
    db.session.add_all(RecoveryCode(user_id=user.id, code_hash=_digest(user, code), created_at=at) for code in codes)
    audit.record("recovery_codes.made", user, by=by, at=at, before={"left": void}, after={"left": COUNT})
    return codes


def take(user: User, code: str, *, by: audit.Actor, at: datetime) -> bool:
    """Whether this is one of her unused codes; it is used up by asking. She is told by letter."""
    typed = normal(code).upper()
    if len(typed) != GROUPS * GROUP:
        return False
    fitting = update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == _digest(user, typed), RecoveryCode.used_at.is_(None)
    )
    if db.session.scalar(fitting.values(used_at=at).returning(RecoveryCode.id)) is None:
        return False
    remaining = left(user)
    audit.record("recovery_code.used", user, by=by, at=at, after={"left": remaining})
    signals.recovery_code_used.send(user, left=remaining, at=at)
    return True


def left(user: User) -> int:
    """How many of her codes have not been used."""
    query = select(func.count(RecoveryCode.id)).where(RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(query) or 0


def _code() -> str:
    letters = [secrets.choice(LETTERS) for _ in range(GROUPS * GROUP)]
    return "-".join("".join(letters[start : start + GROUP]) for start in range(0, len(letters), GROUP))


def _digest(user: User, code: str) -> str:
    """74 random bits: a fast hash is enough, and the person's number keeps two people's codes apart."""
    return hashlib.sha256(f"{user.id} {normal(code)}".encode()).hexdigest()
