"""Verbs of the buyer: set the amount of a month and of those after it, and do without one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from market import audit, billing, db
from market.accounts import Organization
from market.budgets import counting, months
from market.budgets.models import Budget
from market.budgets.queries import planned_of
from market.budgets.refusals import BelowSpent
from market.errors import Invalid

#: The percentages to choose from, and those that are chosen unless somebody says otherwise.
CHOICES, USUAL = (50, 80, 90, 100), (80, 100)
MOST_FEN = 10**12


def set_amount(
    organization: Organization,
    amount_fen: int,
    alerts: Collection[int],
    *,
    next_month: bool = False,
    by: audit.Actor,
    at: datetime,
) -> Budget:
    """What a month may come to, from this one on or from the next. Raises Invalid, BelowSpent."""
    if not 0 < amount_fen <= MOST_FEN:
        raise Invalid(fields={"amount_fen": "预算要大于 0，最多 100 亿元"})
    if not set(alerts) <= set(CHOICES):
        raise Invalid(fields={"alerts": "从列出的比例里选"})
    budget = months.running(organization, at)
    if next_month:
        budget = months.of(organization, billing.period_of(organization, budget.period_end))
    else:
        counting.recount(budget, organization, at)
        if amount_fen < budget.taken_fen:
            raise BelowSpent(budget.spent_fen, budget.held_fen)
        _forget_planned(organization, budget)
    return _write(budget, organization, amount_fen, sorted(set(alerts)), by=by, at=at)


def remove(organization: Organization, *, by: audit.Actor, at: datetime) -> None:
    """No budget from now on; what is held stays held."""
    budget = months.running(organization, at)
    _forget_planned(organization, budget)
    if budget.amount_fen is not None:
        _write(budget, organization, None, budget.alerts, by=by, at=at)


def _write(
    budget: Budget,
    organization: Organization,
    amount_fen: int | None,
    alerts: list[int],
    *,
    by: audit.Actor,
    at: datetime,
) -> Budget:
    before = _facts(budget)
    if amount_fen != budget.amount_fen:
        budget.refused_at = None
    budget.amount_fen, budget.alerts = amount_fen, alerts
    after = _facts(budget)
    verb = "removed" if amount_fen is None else "changed" if before["amount_fen"] else "set"
    audit.record(
        f"budget.{verb}", budget, by=by, at=at, organization_id=organization.id, before=before, after=after
    )
    return budget


def _facts(budget: Budget) -> dict[str, Any]:
    return {
        "amount_fen": budget.amount_fen,
        "alerts": budget.alerts,
        "starts_on": budget.period.first_day.isoformat(),
    }


def _forget_planned(organization: Organization, budget: Budget) -> None:
    """What is said now holds for the months to come too."""
    if planned := planned_of(organization, budget.period):
        db.session.delete(planned)
        db.session.flush()
