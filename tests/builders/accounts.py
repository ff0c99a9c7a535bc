"""People and organizations for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import select

from market import audit, db
from market.accounts import passwords, uscc
from market.accounts.models import City, Membership, Organization, OrganizationKind, Role, Sector, User
from tests.builders.credentials import an_authenticator

#: The password of every person a builder makes.
PASSWORD = "plum blossom lantern"
#: When everything a builder makes was made.
EARLY = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)

_numbers = count(1)

Row = TypeVar("Row", bound=db.Base)


@contextmanager
def together() -> Iterator[None]:
    """Rows that builders make inside are written when the outermost ends: a flush costs more than a row."""
    about = db.session.info
    outer, about["together"] = about.get("together", False), True
    try:
        yield
    finally:
        about["together"] = outer
    if not outer:
        db.session.flush()


@cache
def _hash(password: str) -> str:
    return passwords.hash(password)


def a_user(*, email: str = "", name: str = "", password: str = PASSWORD, locale: str = "zh") -> User:
    """A person without any organization."""
    number = next(_numbers)
    user = User(
        email=email or f"person{number}@example.com",
        name=name or f"示例用户{number}",
        password_hash=_hash(password),
        locale=locale,
        created_at=EARLY,
    )
    return _added(user)


@together()
def an_organization(
    *,
    kind: OrganizationKind = OrganizationKind.BUYER,
    name: str = "",
    owner: User | None = None,
    city_code: str | None = None,
    sector_slug: str | None = None,
    anchor_day: int = 1,
    **columns: Any,
) -> Organization:
    """A firm, by default one that buys; `owner` becomes its first member."""
    number = next(_numbers)
    organization = Organization(
        kind=kind,
        name=name or f"示例企业{number}有限公司",
        uscc=a_code(number),
        city_code=city_code,
        sector_slug=sector_slug,
        anchor_day=anchor_day,
        **({"created_at": EARLY} | columns),
    )
    _added(organization)
    if owner is not None:
        a_member(organization, user=owner)
    return organization


@together()
def a_member(organization: Organization, role: Role = Role.OWNER, *, user: User | None = None) -> User:
    """A person who belongs to `organization` with this role."""
    user = user or a_user()
    _added(Membership(user=user, organization=organization, role=role, created_at=EARLY))
    return user


def an_administrator(role: Role = Role.SUPER, *, office: Organization | None = None, name: str = "") -> User:
    """A person of the platform's office, with an authenticator; without `office`, of the one there is."""
    return an_authenticator(a_member(office or the_office(), role, user=a_user(name=name)))


def the_office() -> Organization:
    """The platform's own organization; made when first asked for."""
    query = select(Organization).where(Organization.kind == OrganizationKind.PLATFORM)
    known = db.session.scalar(query.limit(1))
    return known or an_organization(kind=OrganizationKind.PLATFORM, name="示例平台管理办公室")


def an_actor(user: User | None = None, organization: Organization | None = None) -> audit.Actor:
    """Who acts: this person for this organization; without a person, the system."""
    if user is None:
        return audit.system("test", organization_id=organization.id if organization else None)
    return audit.Actor("user", user.id, user.name, organization.id if organization else None, "127.0.0.1")


def a_city(code: str = "440100", name_zh: str = "广州市", name_en: str = "Guangzhou") -> City:
    """One of the 21 cities; the same one when asked again."""
    return db.session.get(City, code) or _added(
        City(code=code, name_zh=name_zh, name_en=name_en, delta=True, position=int(code[2:4]))
    )


def a_sector(slug: str = "retail", name_zh: str = "批发零售", name_en: str = "Retail") -> Sector:
    """A sector; the same one when asked again."""
    return db.session.get(Sector, slug) or _added(
        Sector(slug=slug, group_slug="services", name_zh=name_zh, name_en=name_en, position=1)
    )


def a_code(number: int) -> str:
    """A right 统一社会信用代码, a different one for each number."""
    organization = f"MA{number:06d}"
    first = f"91440101{organization}{uscc.organization_digit(organization)}"
    return first + uscc.check_digit(first)


def _waiting(table: type[Row], **columns: Any) -> Row | None:
    """The row with these values that is not written yet. Asking the database would write it, and all others, by themselves."""
    rows = (row for row in db.session.new if isinstance(row, table))
    return next((row for row in rows if all(getattr(row, name) == value for name, value in columns.items())), None)


def _added(row: Row) -> Row:
    db.session.add(row)
    if not db.session.info.get("together"):
        db.session.flush()
    return row
