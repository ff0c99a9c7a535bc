"""Questions about people and organizations."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import db
from market.accounts.models import ApiKey, City, Membership, Organization, Sector, User
from market.errors import NotFound


def user_by_email(email: str) -> User | None:
    """The person with this address, in lower case."""
    return db.session.scalar(select(User).where(User.email == email))


def user_of_session(token: str) -> User | None:
    """The person a session cookie names; None once she has changed her password or was disabled."""
    id_text, _, key = token.partition(".")
    user = db.session.get(User, int(id_text)) if id_text.isdecimal() else None
    return user if user and user.session_key == key and user.is_active else None


def memberships_of(user: User) -> Sequence[Membership]:
    """Where a person belongs, oldest first, with the organizations."""
    query = select(Membership).where(Membership.user_id == user.id).order_by(Membership.id)
    return db.session.scalars(query.options(joinedload(Membership.organization))).all()


def members_of(organization: Organization) -> Sequence[Membership]:
    """Who belongs to an organization, with the people."""
    query = select(Membership).where(Membership.organization_id == organization.id).order_by(Membership.id)
    return db.session.scalars(query.options(joinedload(Membership.user))).all()


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
