"""API keys: made, taken over by a successor, stopped; and how a secret finds its key."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from market import audit, db
from market.accounts import signals
from market.accounts.models import ApiKey, Organization, OrganizationKind, name_of_key
from market.accounts.permissions import scopes_of
from market.errors import Invalid, Refused
from market.statements import Statement, instant

#: How every secret begins; eight hexadecimal digits more are the key's readable name.
LIVE_MARK, TEST_MARK = "mk_", "mk_test_"
DIGITS = 8
#: How long a key and its successor may both work: as long as it takes to put the new one in place.
KEY_OVERLAPS = (timedelta(hours=24), timedelta(days=7))
#: How long before its end people are told that a key expires, and how far ahead an end may lie.
KEY_NOTICE, LONGEST_LIFE = timedelta(days=7), timedelta(days=3660)
LONGEST_NAME = 60
#: How long a key's "last used" may lag behind: writing it for each request would cost more than it tells.
USED_PRECISION = timedelta(minutes=1)


class KeyMade(Refused):
    """The form was sent twice: the key is there, and its secret was in the first answer."""

    code = "key_made"
    message = "这个密钥刚才已经建好了，只在那一页完整显示过一次。没有记下来就停用它，再建一个。"


class KeyReplaced(Refused):
    """The key has a successor; that one is to be changed next."""

    code = "key_replaced"
    message = "这个密钥已经换过了，新密钥只在那一页完整显示过一次。没有记下来就把新的那个再换一次。"


class KeyStopped(Refused):
    """A key that no longer works is not taken over."""

    code = "key_stopped"
    message = "这个密钥已经不能用了，不能更换。请新建一个。"


def issue_key(
    organization: Organization,
    *,
    name: str,
    source: str,
    scopes: Collection[str],
    by: audit.Actor,
    at: datetime,
    test: bool = False,
    expires_at: datetime | None = None,
    request_key: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown once and never stored.

    The same `request_key` makes one key only. Raises KeyMade the second time, Invalid for what cannot be used.
    """
    _check(organization, name, scopes, expires_at, at)
    key, secret = _new(organization.id, name=name.strip(), source=source, scopes=list(scopes), test=test, at=at)
    key.expires_at, key.request_key = expires_at, request_key
    try:
        with db.session.begin_nested():
            db.session.add(key)
    except IntegrityError as error:
        raise KeyMade from error
    _issued(key, by, at)
    return key, secret


def rotate_key(key: ApiKey, *, overlap: timedelta, by: audit.Actor, at: datetime) -> tuple[ApiKey, str]:
    """A successor that works now, with the same rights and life; the old key works for `overlap` more.

    Raises KeyReplaced for one that has a successor, KeyStopped for one that does not work any more.
    """
    if overlap not in KEY_OVERLAPS:
        raise Invalid(fields={"overlap": "选择旧密钥还能用多久。"})
    db.lock(key)
    if not key.works(at):
        raise KeyStopped
    if db.session.scalar(select(ApiKey.id).where(ApiKey.replaces_id == key.id)) is not None:
        raise KeyReplaced
    life = key.expires_at - key.created_at if key.expires_at else None
    successor, secret = _new(
        key.organization_id, name=key.name, source=key.source, scopes=key.scopes, test=key.test, at=at
    )
    successor.replaces_id, successor.expires_at = key.id, at + life if life else None
    db.session.add(successor)
    last = min(at + overlap, key.expires_at or at + overlap)
    before, key.expires_at, key.warned_at = key.expires_at, last, at
    audit.record(
        "api_key.rotated", key, by=by, at=at, organization_id=key.organization_id,
        before={"expires_at": _instant(before)}, after={"expires_at": _instant(last), "successor": successor.prefix},
    )  # fmt: skip
    _issued(successor, by, at)
    return successor, secret


def revoke_key(key: ApiKey, *, by: audit.Actor, at: datetime) -> None:
    """The key stops working at once. Revoking it twice changes nothing."""
    db.lock(key)
    if key.revoked_at is None:
        key.revoked_at = at
        audit.record("api_key.revoked", key, by=by, at=at, organization_id=key.organization_id)
        signals.key_revoked.send(key, by=by, at=at)


_HOLDER = """
    SELECT k.secret_hash, k.revoked_at, k.expires_at,
        k.id, k.organization_id, (SELECT kind FROM organizations WHERE id = k.organization_id), k.name, k.prefix, k.scopes, k.source,
        k.test, k.last_used_at
    FROM api_keys k WHERE k.prefix """
# On PostgreSQL one by one: joined while there were only a few, it would read all organizations for each report.
_HOLDERS = Statement(
    "{SELECT found.* FROM unnest(:prefixes::text[]) AS wanted(prefix) CROSS JOIN LATERAL (" + _HOLDER + "= wanted.prefix LIMIT 1) AS found|"
    + _HOLDER + "IN :prefixes}"
)


class Holder(NamedTuple):
    """What a request needs to know of its key."""

    id: int
    organization_id: int
    kind: OrganizationKind
    name: str
    prefix: str
    scopes: frozenset[str]
    source: str
    test: bool
    last_used_at: datetime | None

    def __str__(self) -> str:
        return name_of_key(self.name, self.prefix)


def holder_of_secret(secret: str, *, at: datetime) -> Holder | None:
    """Whose key this is, if it works now.

    The secret has 256 random bits, so a fast hash is safe.
    """
    return ask_holders([(prefix_of(secret), _digest(secret))], at=at)()[0]


def ask_holders(claims: Sequence[tuple[str, str]], *, at: datetime) -> Callable[[], list[Holder | None]]:
    """The same for several at once, of each the prefix and the SHA-256 of the whole secret; told when they are wanted."""
    db.flush()
    answer = _HOLDERS.ask(prefixes=sorted({prefix for prefix, _ in claims}))

    def told() -> list[Holder | None]:
        found = {row[7]: row for row in answer.rows()}
        return [_holder(found.get(prefix), digest, at) for prefix, digest in claims]

    return told


def prefix_of(secret: str) -> str:
    """The beginning of a secret, under which its key is found."""
    mark = TEST_MARK if secret.startswith(TEST_MARK) else LIVE_MARK
    return secret[: len(mark) + DIGITS]


def _holder(found: tuple[Any, ...] | None, digest: str, at: datetime) -> Holder | None:
    hash, revoked_at, expires_at, *said = found or ("", None, None)
    if not secrets.compare_digest(hash, digest) or revoked_at is not None:
        return None
    if expires_at is not None and at >= instant(expires_at):
        return None
    id, organization_id, kind, name, prefix, scopes, source, test, used = said
    scopes = frozenset(json.loads(scopes) if isinstance(scopes, str) else scopes)
    return Holder(id, organization_id, OrganizationKind(kind), name, prefix, scopes, source, bool(test), instant(used))


def key_of_secret(secret: str, *, at: datetime) -> ApiKey | None:
    """The key this secret belongs to, if it works now."""
    holder = holder_of_secret(secret, at=at)
    return None if holder is None else db.session.get(ApiKey, holder.id)


def touch_key(key: ApiKey, *, at: datetime, address: str = "") -> None:
    """Remember, to the minute, when the key was last used, and from where."""
    if key.last_used_at is None or at - key.last_used_at >= USED_PRECISION:
        key.last_used_at, key.last_used_address = at, address


def warn_of_expiry(now: datetime) -> int:
    """Tell of keys that expire within a week, once each; returns how many. Each in a transaction of its own."""
    with db.transaction(readonly=True):
        query = select(ApiKey.id).where(
            ApiKey.expires_at > now,
            ApiKey.expires_at <= now + KEY_NOTICE,
            ApiKey.warned_at.is_(None),
            ApiKey.revoked_at.is_(None),
        )
        due = [*db.session.scalars(query.order_by(ApiKey.id))]
    return sum(_warn(id, now) for id in due)


def _warn(id: int, now: datetime) -> int:
    with db.transaction():
        key = db.session.get_one(ApiKey, id)
        db.lock(key)
        if key.warned_at is not None or not key.works(now):
            return 0
        key.warned_at = now
        signals.key_expiring.send(key, at=now)
    return 1


def _check(
    organization: Organization, name: str, scopes: Collection[str], expires_at: datetime | None, at: datetime
) -> None:
    problems: dict[str, str] = {}
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        problems["name"] = "写明哪个系统用这个密钥，最多 60 个字。"
    if not set(scopes) <= set(scopes_of(organization.kind)):
        problems["scopes"] = "选择列表里的权限。"
    if expires_at is not None and not at < expires_at <= at + LONGEST_LIFE:
        problems["expires_on"] = "到期日要在今天以后、十年以内。"
    if problems:
        raise Invalid(fields=dict(problems))


def _new(
    organization_id: int, *, name: str, source: str, scopes: list[str], test: bool, at: datetime
) -> tuple[ApiKey, str]:
    prefix = (TEST_MARK if test else LIVE_MARK) + secrets.token_hex(DIGITS // 2)
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        organization_id=organization_id, name=name, prefix=prefix, secret_hash=_digest(secret), scopes=scopes,
        source=source, test=test, created_at=at,
    )  # fmt: skip
    return key, secret


def _issued(key: ApiKey, by: audit.Actor, at: datetime) -> None:
    if key.expires_at is not None and key.expires_at - at <= KEY_NOTICE:
        key.warned_at = at  # whoever makes a key for a few days knows that it ends
    audit.record(
        "api_key.issued", key, by=by, at=at, organization_id=key.organization_id,
        after={"source": key.source, "scopes": key.scopes, "test": key.test, "expires_at": _instant(key.expires_at)},
    )  # fmt: skip
    signals.key_issued.send(key, by=by, at=at)


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
