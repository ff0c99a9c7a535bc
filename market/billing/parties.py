"""Who pays whom: names, codes and accounts, copied into bills when they are issued."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import db, resources
from market.accounts import Organization
from market.providers import Provider


def snapshot(buyer: Organization, seller_ids: Collection[int]) -> dict[str, Any]:
    """Buyer, payee and sellers of one bill as they are now, as JSON."""
    return snapshots({0: buyer}, {0: seller_ids})[0]


def snapshots(buyers: Mapping[int, Organization], sellers: Mapping[int, Collection[int]]) -> dict[int, dict[str, Any]]:
    """Buyer, payee and sellers of several bills as they are now, as JSON; both arguments by the bill's number."""
    payee = resources.settings.payee
    paid = {"name": payee.name, "bank": payee.bank, "account": payee.account}
    known = {provider.id: _seller(provider) for provider in _providers({id for ids in sellers.values() for id in ids})}
    return {
        id: {
            "buyer": {"name": buyer.name, "uscc": buyer.uscc or ""},
            "payee": paid,
            "providers": {str(seller): known[seller] for seller in sorted(set(sellers.get(id, ())))},
        }
        for id, buyer in buyers.items()
    }


def _providers(ids: Collection[int]) -> Iterable[Provider]:
    return db.session.scalars(select(Provider).where(Provider.id.in_(ids)).options(joinedload(Provider.organization)))


def _seller(provider: Provider) -> dict[str, str]:
    """The firm by its registered name, the brand in both languages."""
    return {
        "name": provider.organization.name,
        "uscc": provider.organization.uscc or "",
        "name_zh": provider.name_zh,
        "name_en": provider.name_en,
    }
