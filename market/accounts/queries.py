"""Questions about people and organizations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts import uscc
from market.accounts.models import (
    ApiKey,
    City,
    Membership,
    Organization,
    OrganizationKind,
    Sector,
    User,
    Verification,
)
from market.errors import NotFound


def user_by_email(email: str) -> User | None:
    """The person with this address, in lower case."""
    return db.session.scalar(select(User).where(User.email == email))


def user_by_id(id: int) -> User | None:
    """The person with this number."""
    return db.session.get(User, id)


def memberships_of(user: User) -> Sequence[Membership]:
    """Where a person belongs, with the organizations: the one she last acted for first, then the oldest."""
    return db.session.scalars(_memberships(), {"person": user.id}).all()


@cache
def _memberships() -> Select[Membership]:
    """Put together once: it is asked with every page, and putting it together takes longer than asking."""
    query = select(Membership).where(Membership.user_id == bindparam("person"))
    query = query.order_by(Membership.chosen_at.desc().nulls_last(), Membership.id)
    return query.options(joinedload(Membership.organization))


def members_of(organization: Organization) -> Sequence[Membership]:
    """Who belongs to an organization, with the people."""
    query = select(Membership).where(Membership.organization_id == organization.id).order_by(Membership.id)
    return db.session.scalars(query.options(joinedload(Membership.user))).all()


def members_of_all(organization_ids: Collection[int]) -> dict[int, list[Membership]]:
    """Who belongs to each of these organizations, with the people."""
    query = select(Membership).where(Membership.organization_id.in_(organization_ids)).order_by(Membership.id)
    found: dict[int, list[Membership]] = {id: [] for id in organization_ids}
    for membership in db.session.scalars(query.options(joinedload(Membership.user))):
        found[membership.organization_id].append(membership)
    return found


def organizations(kind: OrganizationKind | None = None, words: str = "") -> Select[Organization]:
    """Every organization, the latest first, narrowed to a kind and to names or codes with these words; to be paged."""
    query = select(Organization).order_by(Organization.created_at.desc(), Organization.id.desc())
    if kind is not None:
        query = query.where(Organization.kind == kind)
    if words:
        query = query.where(or_(Organization.name.contains(words, autoescape=True), Organization.uscc == words.upper()))
    return query


def lock(organization_id: int) -> None:
    """Take an organization until the transaction ends. Whoever changes its bills, payments or balance begins with this:
    in one order nobody waits for somebody who waits for her."""
    db.session.execute(select(Organization.id).where(Organization.id == organization_id).with_for_update(key_share=True))


def organization_by_id(id: int) -> Organization:
    """Any organization, for administrators. Raises NotFound."""
    organization = db.session.get(Organization, id)
    if organization is None:
        raise NotFound
    return organization


def member_counts(organization_ids: Collection[int]) -> dict[int, int]:
    """How many people belong to each of these organizations."""
    query = select(Membership.organization_id, func.count()).group_by(Membership.organization_id)
    found = db.session.execute(query.where(Membership.organization_id.in_(organization_ids)))
    return {organization_id: number for organization_id, number in found}


def keys_of(organization: Organization) -> Sequence[ApiKey]:
    """An organization's keys, newest first, each with the one it took over from and the one that took over."""
    query = select(ApiKey).where(ApiKey.organization_id == organization.id).order_by(ApiKey.id.desc())
    return db.session.scalars(query.options(joinedload(ApiKey.replaces), joinedload(ApiKey.successor))).all()


def key_of(organization: Organization, id: int) -> ApiKey:
    """One of an organization's keys. Raises NotFound for a stranger's."""
    key = db.session.get(ApiKey, id)
    if key is None or key.organization_id != organization.id:
        raise NotFound
    return key


def cities() -> Sequence[City]:
    """The 21 cities, in the order of their codes."""
    return db.session.scalars(select(City).order_by(City.position)).all()


def sectors() -> Sequence[Sector]:
    """The plan's sectors, in its order."""
    return db.session.scalars(select(Sector).order_by(Sector.position)).all()


def city_of_code(code: str) -> City | None:
    """The city where a 统一社会信用代码 was given out; None for another province or half a code."""
    return db.session.get(City, uscc.place(uscc.normal(code)))


def verifications_of(organization_id: int) -> Sequence[Verification]:
    """A firm's applications to be checked, newest first, with who decided."""
    query = select(Verification).where(Verification.organization_id == organization_id).order_by(Verification.id.desc())
    return db.session.scalars(query.options(joinedload(Verification.decided_by))).all()


def waiting_verification_of(organization: Organization) -> Verification | None:
    """The one application of a firm that is still to be decided."""
    query = select(Verification).where(Verification.organization_id == organization.id, *_WAITS)
    return db.session.scalar(query)


def waiting_verifications() -> Select[Verification]:
    """Everything that waits for an administrator, oldest first, with the firm and who sent it; to be paged."""
    query = select(Verification).where(*_WAITS).order_by(Verification.submitted_at, Verification.id)
    return query.options(joinedload(Verification.organization), joinedload(Verification.submitted_by))


def decided_verifications() -> Select[Verification]:
    """What has been decided, newest first, with the firm and who decided; to be paged."""
    query = select(Verification).where(Verification.decided_at.is_not(None))
    query = query.order_by(Verification.decided_at.desc(), Verification.id.desc())
    return query.options(joinedload(Verification.organization), joinedload(Verification.decided_by))


def verification_by_id(id: int) -> Verification:
    """Any application, for administrators, with the firm and the people. Raises NotFound."""
    query = select(Verification).where(Verification.id == id).options(
        joinedload(Verification.organization), joinedload(Verification.submitted_by), joinedload(Verification.decided_by)
    )  # fmt: skip
    verification = db.session.scalar(query)
    if verification is None:
        raise NotFound
    return verification


def verification_of(organization: Organization, id: int) -> Verification:
    """One of a firm's own applications. Raises NotFound for a stranger's."""
    verification = verification_by_id(id)
    if verification.organization_id != organization.id:
        raise NotFound
    return verification


_WAITS = (Verification.decided_at.is_(None), Verification.replaced_at.is_(None))
