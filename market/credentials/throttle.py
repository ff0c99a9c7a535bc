"""Throttles: how often something may be tried in vain, counted in the database for every process alike.

An attempt is taken before it is judged: `attempt` counts it as failed in a short transaction of its own, the
slow comparison runs outside any, and `succeeded` gives it back. So however many processes try at once, no
more are judged than are allowed. Some tries are free; each further one then waits, twice as long every time,
up to a bound. A browser in which the person has been before counts for itself (OWASP: device cookies), so
that strangers who try her account in vain do not keep her out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from market import audit, db
from market.credentials.models import Throttle
from market.errors import MarketError

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: How long a count is kept after its window, so that the longest wait is never forgotten too early.
KEPT = timedelta(days=2)


@dataclass(frozen=True)
class Limit:
    """`free` tries within a window; then waits, the first this long, each twice the one before, at most `longest`."""

    free: int
    first: timedelta = MINUTE
    longest: timedelta = 15 * MINUTE
    window: timedelta = 24 * HOUR

    def wait(self, failures: int) -> timedelta:
        """How long to wait after so many tries in vain."""
        beyond = failures - self.free
        return timedelta(0) if beyond < 0 else min(self.first * 2 ** min(beyond, 20), self.longest)


#: By what is tried: limits for one account, one address, one known browser, and all strangers together.
LIMITS: dict[str, dict[str, Limit]] = {
    "sign_in": {
        "account": Limit(5),
        "address": Limit(30),
        "device": Limit(10),
        "everyone": Limit(300, longest=MINUTE, window=10 * MINUTE),
    },
    "second_step": {"account": Limit(5), "address": Limit(30)},
    "letter": {"account": Limit(3, first=15 * MINUTE, longest=HOUR), "address": Limit(10, first=5 * MINUTE, longest=HOUR)},
    "registration": {"account": Limit(3, first=15 * MINUTE, longest=HOUR), "address": Limit(20, first=5 * MINUTE, longest=HOUR)},
    "invitation": {"account": Limit(50, first=5 * MINUTE, longest=HOUR), "address": Limit(50, longest=HOUR)},
    "link": {"address": Limit(30)},
    "requirement": {"address": Limit(8, first=10 * MINUTE, longest=HOUR), "everyone": Limit(300, longest=MINUTE, window=10 * MINUTE)},
    "report": {"account": Limit(50, first=5 * MINUTE, longest=HOUR), "address": Limit(8, first=10 * MINUTE, longest=HOUR)},
    "api_key": {"address": Limit(100, longest=MINUTE)},
}


class TooManyAttempts(MarketError):
    """Tried too often; `until` says when the next try is allowed."""

    status, code = 429, "too_many_attempts"
    title = "试的次数太多了"
    message = "试的次数太多了。请等 %(minutes)d 分钟再试。"

    def __init__(self, *, at: datetime, until: datetime) -> None:
        self.retry_after = max(1, ceil((until - at).total_seconds()))
        super().__init__(minutes=ceil(self.retry_after / 60))


@dataclass(frozen=True)
class Attempt:
    """One try that has been counted; `failures` is the highest count it came to for the account."""

    kind: str
    scopes: tuple[tuple[str, str], ...]
    failures: int

    @property
    def is_milestone(self) -> bool:
        """Whether this one, in vain, is worth a line in the trail: the first that brings a wait, and each doubling."""
        ratio, rest = divmod(self.failures, LIMITS[self.kind]["account"].free)
        return rest == 0 and ratio > 0 and ratio & (ratio - 1) == 0


def attempt(kind: str, *, at: datetime, account: object = None, address: str = "", device: str = "") -> Attempt:
    """Count one try. Raises TooManyAttempts, and then counts nothing.

    `account` is what is tried (an e-mail address, a person's number), whether it exists or not; `device` names a
    browser in which that account has been signed in before: then it alone counts. Call it in a transaction that
    commits whatever comes of the try.
    """
    scopes = _scopes(kind, account, address, device)
    rows = _taken([key for _scope, key in scopes], at)
    for scope, key in scopes:
        _renew(rows[key], LIMITS[kind][scope], at)
    blocked = [row.blocked_until for row in rows.values() if row.blocked_until is not None and at < row.blocked_until]
    if blocked:
        raise TooManyAttempts(at=at, until=max(blocked))
    for scope, key in scopes:
        _count(rows[key], LIMITS[kind][scope], at)
    return Attempt(kind, scopes, max((rows[key].failures for scope, key in scopes if scope in ("account", "device")), default=0))


def succeeded(attempt: Attempt) -> None:
    """It was no try in vain: the account's count starts anew, the others get this one back."""
    for scope, key in attempt.scopes:
        row = db.session.get(Throttle, key, with_for_update=True)
        if row is not None:
            row.failures = 0 if scope in ("account", "device") else max(0, row.failures - 1)
            row.blocked_until = None if row.failures < LIMITS[attempt.kind][scope].free else row.blocked_until


def record_failure(attempt: Attempt, *, account: str, by: audit.Actor, at: datetime) -> None:
    """Write a try in vain into the trail; of many in a row only some, and no more work for an account that exists."""
    if attempt.is_milestone:
        row = db.session.get_one(Throttle, attempt.scopes[0][1])
        after = {"account": audit.masked(account), "failures": attempt.failures}
        audit.record("user.sign_in_failed", row, by=by, at=at, after=after, label=attempt.kind)


def forgive(kind: str, account: object) -> None:
    """Forget what was tried on an account: its owner has proved who she is in another way."""
    db.session.execute(delete(Throttle).where(Throttle.key == _key(kind, "account", account)))


def failures(kind: str, account: object) -> int:
    """How often an account has been tried in vain lately."""
    row = db.session.get(Throttle, _key(kind, "account", account))
    return row.failures if row else 0


def sweep_throttles(now: datetime) -> int:
    """Forget old counts; returns how many. A clock that was set back leaves some from the future: those too."""
    with db.transaction():
        old = (Throttle.since < now - KEPT) | (Throttle.since > now + KEPT)
        return len(db.session.scalars(delete(Throttle).where(old).returning(Throttle.key)).all())


def _scopes(kind: str, account: object, address: str, device: str) -> tuple[tuple[str, str], ...]:
    given = {"account": account, "address": _network(address), "everyone": "everyone"}
    if device:
        given = {"device": f"{device} {account}"}
    known = LIMITS[kind]
    return tuple((scope, _key(kind, scope, value)) for scope, value in given.items() if value and scope in known)


def _key(kind: str, scope: str, value: object) -> str:
    """Hashed: the table is no list of the addresses that people have typed."""
    return f"{kind}:{scope}:{hashlib.sha256(str(value).encode()).hexdigest()[:32]}"


def _network(address: str) -> str:
    """An IPv4 address; of IPv6 the part that one customer of a network has to herself."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or ip_network((known, 64), strict=False))
    return address


def _taken(keys: Sequence[str], at: datetime) -> dict[str, Throttle]:
    """The rows of these counts, made where missing, held until the transaction ends: always in the same order."""
    keys = sorted(keys)
    insert: Any = (postgresql if db.engine().dialect.name == "postgresql" else sqlite).insert(Throttle)
    fresh = [{"key": key, "failures": 0, "since": at} for key in keys]
    db.session.execute(insert.values(fresh).on_conflict_do_nothing())
    held: Select[Any] = select(Throttle).where(Throttle.key.in_(keys)).order_by(Throttle.key).with_for_update()
    rows = db.session.scalars(held.execution_options(populate_existing=True)).all()
    return {row.key: row for row in rows}


def _renew(row: Throttle, limit: Limit, at: datetime) -> None:
    """Begin again after the window; and when the clock was set back by much, or the wait would last until it has caught
    up. Two machines' clocks never agree to the second: by little does not count."""
    waits = row.blocked_until is not None and at < row.blocked_until
    if at < row.since - HOUR or (row.since + limit.window <= at and not waits):
        row.failures, row.since, row.blocked_until = 0, at, None


def _count(row: Throttle, limit: Limit, at: datetime) -> None:
    row.failures += 1
    wait = limit.wait(row.failures)
    row.blocked_until = at + wait if wait else None
