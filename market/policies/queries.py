"""Questions: which version holds, which is coming, what a person has not seen yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.orm import aliased

from market import db
from market.accounts import User
from market.errors import NotFound
from market.kit.period import local_day
from market.policies.models import Consent, PolicyVersion, Subject


@dataclass(frozen=True)
class Notice:
    """A change that a person should know of. It is `coming` until its day begins."""

    version: PolicyVersion
    coming: bool


def versions(subject: Subject) -> Sequence[PolicyVersion]:
    """Every version, the newest first."""
    query = select(PolicyVersion).where(PolicyVersion.subject == subject)
    return db.session.scalars(query.order_by(PolicyVersion.number.desc())).all()


def version_by_number(subject: Subject, number: int) -> PolicyVersion:
    """One version. Raises NotFound."""
    query = select(PolicyVersion).where(PolicyVersion.subject == subject, PolicyVersion.number == number)
    version = db.session.scalar(query) if 0 < number < 2**31 else None
    if version is None:
        raise NotFound
    return version


def newest(subject: Subject) -> PolicyVersion | None:
    """The version announced last, whether it holds yet or not."""
    query = select(PolicyVersion).where(PolicyVersion.subject == subject)
    return db.session.scalar(query.order_by(PolicyVersion.number.desc()).limit(1))


def in_force(subject: Subject, at: datetime) -> PolicyVersion | None:
    """The version that holds at an instant; days are days in Guangdong."""
    query = select(PolicyVersion).where(
        PolicyVersion.subject == subject, PolicyVersion.effective_on <= local_day(at)
    )
    return db.session.scalar(query.order_by(PolicyVersion.number.desc()).limit(1))


def coming(subject: Subject, at: datetime) -> Sequence[PolicyVersion]:
    """Announced versions that do not hold yet, the next one first."""
    query = select(PolicyVersion).where(
        PolicyVersion.subject == subject, PolicyVersion.effective_on > local_day(at)
    )
    return db.session.scalars(query.order_by(PolicyVersion.number)).all()


def notices(user: User, at: datetime) -> list[Notice]:
    """The newest change of each policy, unless this person has seen it. First versions change nothing."""
    today = local_day(at)
    return [Notice(version, version.effective_on > today) for version in db.session.scalars(_unseen(), {"person": user.id})]


@cache
def _unseen() -> Select[PolicyVersion]:
    """Put together once: it is asked with every page of a desk, and putting it together takes longer than asking."""
    other = aliased(PolicyVersion)
    last = select(func.max(other.number)).where(other.subject == PolicyVersion.subject).scalar_subquery()
    seen = and_(Consent.version_id == PolicyVersion.id, Consent.user_id == bindparam("person"))
    return (
        select(PolicyVersion)
        .outerjoin(Consent, seen)
        .where(PolicyVersion.number > 1, PolicyVersion.number == last, Consent.id.is_(None))
        .order_by(PolicyVersion.effective_on, PolicyVersion.id)
    )


def untold() -> PolicyVersion | None:
    """The oldest announcement about which letters are still to be written."""
    query = select(PolicyVersion).where(PolicyVersion.told_at.is_(None)).order_by(PolicyVersion.id).limit(1)
    return db.session.scalar(query)
