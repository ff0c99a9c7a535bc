"""Questions about providers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from market import db
from market.accounts.models import Organization
from market.errors import NotFound
from market.providers.models import Licence, Provider, ProviderStatus
from market.statements import Statement

#: Who sells, or could again tomorrow; buyers may see them.
IN_BUSINESS = (ProviderStatus.APPROVED, ProviderStatus.SUSPENDED)
#: How long before its last day a licence is called expiring.
EXPIRING = timedelta(days=60)
#: From when on a provider stands among those that have to be looked at again.
RECHECK_NEAR = timedelta(days=30)

_NUMBER = Statement("SELECT id FROM providers WHERE organization_id = :organization_id")


def number_of_provider(organization_id: int) -> int:
    """The number of the provider that an organization sells as. Raises NotFound when it sells nothing."""
    found = _NUMBER.run(organization_id=organization_id)
    if not found:
        raise NotFound
    return int(found[0][0])


def provider_of_organization(organization: Organization) -> Provider:
    """The provider that this organization sells as. Raises NotFound when it sells nothing."""
    provider = db.session.scalar(_selling(), {"organization": organization.id})
    if provider is None:
        raise NotFound
    return provider


@cache
def _selling() -> Select[Provider]:
    """Put together once: it is asked with every page of a provider."""
    return select(Provider).where(Provider.organization_id == bindparam("organization"))


def provider_by_slug(slug: str) -> Provider:
    """A provider that buyers may see, with its licences and legal person. Raises NotFound."""
    provider = db.session.scalar(_with_papers().where(Provider.slug == slug, Provider.status.in_(IN_BUSINESS)))
    if provider is None:
        raise NotFound
    return provider


def provider_by_id(id: int) -> Provider:
    """Any provider, for administrators, with its licences and legal person. Raises NotFound."""
    provider = db.session.scalar(_with_papers().where(Provider.id == id))
    if provider is None:
        raise NotFound
    return provider


def approved_providers() -> Sequence[Provider]:
    """The providers that sell now, with their licences, by name."""
    query = _with_papers().where(Provider.status == ProviderStatus.APPROVED)
    return db.session.scalars(query.order_by(Provider.name_zh, Provider.id)).all()


def all_providers(status: ProviderStatus | None = None) -> Select[Provider]:
    """Every provider with its licences, those that wait first; to be paged."""
    waiting = Provider.status != ProviderStatus.APPLIED
    query = _with_papers().order_by(waiting, Provider.name_zh, Provider.id)
    return query if status is None else query.where(Provider.status == status)


def rechecks() -> Select[Provider]:
    """Providers in business by the day on which they have to be looked at again, with licences; to be paged."""
    return _with_papers().where(Provider.status.in_(IN_BUSINESS)).order_by(*_BY_RECHECK)


def due_rechecks(on: date) -> Sequence[Provider]:
    """Those that have to be looked at again within `RECHECK_NEAR`, overdue first, with their legal person."""
    query = select(Provider).where(_recheck_near(on)).options(joinedload(Provider.organization))
    return db.session.scalars(query.order_by(*_BY_RECHECK)).all()


def count_rechecks(on: date) -> tuple[int, int]:
    """How many are overdue, and how many more are near."""
    overdue = or_(Provider.recheck_due_on.is_(None), Provider.recheck_due_on < on)
    query = select(func.count(), func.count().filter(overdue)).select_from(Provider).where(_recheck_near(on))
    near, late = db.session.execute(query).one()
    return late, near - late


def _recheck_near(on: date) -> ColumnElement[bool]:
    due = or_(Provider.recheck_due_on.is_(None), Provider.recheck_due_on < on + RECHECK_NEAR)
    return and_(due, Provider.status.in_(IN_BUSINESS))


def expiring_licences(on: date) -> Sequence[Licence]:
    """Licences of providers in business that end within `EXPIRING` or have ended, the earliest first."""
    query = (
        select(Licence)
        .join(Licence.provider)
        .where(Licence.valid_until < on + EXPIRING, Provider.status.in_(IN_BUSINESS))
        .order_by(Licence.valid_until, Licence.id)
    )
    return db.session.scalars(query.options(joinedload(Licence.provider))).all()


def licence_state(licence: Licence, on: date) -> str:
    """`expired` after its last day, `expiring` shortly before, `unchecked` until somebody looked, else `valid`."""
    if licence.valid_until is not None and licence.valid_until < on:
        return "expired"
    if licence.valid_until is not None and licence.valid_until < on + EXPIRING:
        return "expiring"
    return "unchecked" if licence.checked_at is None else "valid"


def count_by_status() -> dict[ProviderStatus, int]:
    """How many providers stand where."""
    query = select(Provider.status, func.count()).group_by(Provider.status)
    return {status: number for status, number in db.session.execute(query)}


def _with_papers() -> Select[Provider]:
    return select(Provider).options(selectinload(Provider.licences), joinedload(Provider.organization))


_BY_RECHECK = (Provider.recheck_due_on.is_not(None), Provider.recheck_due_on, Provider.id)
