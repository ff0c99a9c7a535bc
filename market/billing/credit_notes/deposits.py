"""Money that came in beyond what bills asked for: it is the buyer's, and pays her next bill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from market import accounts, audit
from market.accounts.models import Organization
from market.audit import Actor
from market.billing.credit_notes import balances, signals
from market.billing.credit_notes.models import BalanceEntry, EntryKind


def deposit(
    organization: Organization,
    amount_fen: int,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    noted: Callable[[BalanceEntry], object] | None = None,
) -> BalanceEntry:
    """Put money that arrived to a buyer's credit. `noted` is called before anybody hears of it."""
    accounts.lock(organization.id)
    entry = balances.add(organization.id, amount_fen, EntryKind.DEPOSIT, at=at, noted=noted)
    audit.record(
        "balance.deposited", organization, by=by, at=at, reason=reason, organization_id=organization.id,
        after={"amount_fen": amount_fen, "balance_fen": entry.after_fen},
    )  # fmt: skip
    signals.balance_deposited.send(entry, at=at)
    return entry


def take_back(organization: Organization, amount_fen: int, *, at: datetime) -> BalanceEntry:
    """Money that had come went away again: a cardholder's bank took it back. No more than was bought may be asked for."""
    return balances.add(organization.id, -amount_fen, EntryKind.DISPUTED, at=at)
