"""Questions about providers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from market import db
from market.accounts.models import Organization
from market.errors import NotFound
from market.providers.models import Licence, Provider, ProviderStatus

#: How long before its last day a licence is called expiring.
EXPIRING = timedelta(days=60)


def provider_of_organization(organization: Organization) -> Provider:
    """The provider that this organization sells as. Raises NotFound when it sells nothing."""
    provider = db.session.scalar(select(Provider).where(Provider.organization_id == organization.id))
    if provider is None:
        raise NotFound
    return provider


def provider_by_slug(slug: str) -> Provider:
    """A provider that buyers may see, with its licences and legal person. Raises NotFound."""
    provider = db.session.scalar(_with_papers().where(Provider.slug == slug, Provider.status.in_(_PUBLIC)))
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


def expiring_licences(on: date) -> Sequence[Licence]:
    """Licences of providers in business that end within `EXPIRING` or have ended, the earliest first."""
    query = (
        select(Licence)
        .join(Licence.provider)
        .where(Licence.valid_until < on + EXPIRING, Provider.status.in_(_PUBLIC))
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


_PUBLIC = (ProviderStatus.APPROVED, ProviderStatus.SUSPENDED)


def _with_papers() -> Select[Provider]:
    return select(Provider).options(selectinload(Provider.licences), joinedload(Provider.organization))
