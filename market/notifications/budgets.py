"""Letters about a month's budget: that it is near or reached, and that a provider was refused because of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market import budgets
from market.accounts import OrganizationKind, User
from market.budgets import Budget
from market.notifications import addressees
from market.providers import Provider


def listen() -> None:
    """From now on people are told."""
    budgets.alert_reached.connect(_reached)
    budgets.reservation_refused.connect(_refused)


def _reached(budget: Budget, *, percent: int, at: datetime, **_: Any) -> None:
    key = f"budget_alert.{budget.id}.{percent}.{budget.amount_fen}"
    addressees.send(
        key, "budget_alert", _setters(budget), at, budget=budget, month=budget.period.label, percent=percent
    )


def _refused(budget: Budget, *, provider: Provider, asked_fen: int, at: datetime, **_: Any) -> None:
    key = f"budget_refused.{budget.id}.{budget.amount_fen}.{int(at.timestamp())}"
    addressees.send(
        key,
        "budget_refused",
        _setters(budget),
        at,
        budget=budget,
        month=budget.period.label,
        provider=provider,
        asked_fen=asked_fen,
    )


def _setters(budget: Budget) -> list[User]:
    """Those who can raise it."""
    return addressees.members(budget.organization_id, OrganizationKind.BUYER, "budget.edit")
