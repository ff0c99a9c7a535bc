"""Budgets for tests.

a_budget(organization, "100.00", at=NOW)               set by its owner
a_reservation(subscription, 300, at=NOW)               held by the subscription's provider
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import count
from typing import Any

from market import budgets, db
from market.accounts.models import Organization
from market.budgets import Budget, Reservation, Wanted
from market.kit import money
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor

_numbers = count(1)


def a_budget(
    organization: Organization,
    yuan: str,
    alerts: Collection[int] = budgets.USUAL,
    *,
    at: datetime,
    **when: bool,
) -> Budget:
    """So much a month, from the running one on."""
    return budgets.set_amount(
        organization, money.parse_yuan(yuan), alerts, by=an_actor(organization=organization), at=at, **when
    )


def a_reservation(
    subscription: Subscription, fen: int | None = None, *, at: datetime, key: str = "", **wanted: Any
) -> Reservation:
    """So many fen, or a quantity of a meter, held for an hour."""
    provider = db.session.get_one(Provider, subscription.provider_id)
    asked = Wanted(key or f"job-{next(_numbers)}", subscription.public_id, fen, **wanted)
    return budgets.reserve(provider, asked, at=at)
