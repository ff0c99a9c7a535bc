"""Who pays whom: names, codes and accounts, copied into a bill when it is issued."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import db, resources
from market.accounts import Organization
from market.providers import Provider


def snapshot(buyer: Organization, provider_ids: Iterable[int]) -> dict[str, Any]:
    """Buyer, payee and sellers as they are now, as JSON."""
    payee = resources.settings.payee
    return {
        "buyer": {"name": buyer.name, "uscc": buyer.uscc or ""},
        "payee": {"name": payee.name, "bank": payee.bank, "account": payee.account},
        "providers": {str(provider.id): _seller(provider) for provider in _providers(provider_ids)},
    }


def _providers(ids: Iterable[int]) -> Iterable[Provider]:
    query = select(Provider).where(Provider.id.in_(sorted(set(ids))))
    return db.session.scalars(query.options(joinedload(Provider.organization)).order_by(Provider.id))


def _seller(provider: Provider) -> dict[str, str]:
    """The firm by its registered name, the brand in both languages."""
    return {
        "name": provider.organization.name,
        "uscc": provider.organization.uscc or "",
        "name_zh": provider.name_zh,
        "name_en": provider.name_en,
    }
