"""Questions about people and organizations."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import ApiKey, City, Membership, Organization, OrganizationKind, Sector, User
from market.errors import NotFound


def user_by_email(email: str) -> User | None:
    """The person with this address, in lower case."""
    return db.session.scalar(select(User).where(User.email == email))


def user_by_id(id: int) -> User | None:
    """The person with this number."""
    return db.session.get(User, id)


def memberships_of(user: User) -> Sequence[Membership]:
    """Where a person belongs, oldest first, with the organizations."""
    query = select(Membership).where(Membership.user_id == user.id).order_by(Membership.id)
    return db.session.scalars(query.options(joinedload(Membership.organization))).all()


def members_of(organization: Organization) -> Sequence[Membership]:
    """Who belongs to an organization, with the people."""
    query = select(Membership).where(Membership.organization_id == organization.id).order_by(Membership.id)
    return db.session.scalars(query.options(joinedload(Membership.user))).all()


def organizations(kind: OrganizationKind | None = None, words: str = "") -> Select[Organization]:
    """Every organization, the latest first, narrowed to a kind and to names or codes with these words; to be paged."""
    query = select(Organization).order_by(Organization.created_at.desc(), Organization.id.desc())
    if kind is not None:
        query = query.where(Organization.kind == kind)
    if words:
        query = query.where(or_(Organization.name.contains(words, autoescape=True), Organization.uscc == words.upper()))
    return query


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
    """An organization's keys, newest first."""
    query = select(ApiKey).where(ApiKey.organization_id == organization.id).order_by(ApiKey.id.desc())
    return db.session.scalars(query).all()


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
