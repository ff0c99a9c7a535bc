"""The row of a month: made when it is first asked for, and held by whoever changes it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import billing, db
from market.accounts import Organization
from market.budgets.models import Budget
from market.kit.period import Period


def running(organization: Organization, at: datetime) -> Budget:
    """The running month's, locked until the transaction ends."""
    return of(organization, billing.period_of(organization, at))


def of(organization: Organization, period: Period) -> Budget:
    """A month's, locked until the transaction ends."""
    budget = _known(organization, period)
    if budget is None:
        db.serialize(f"budgets {organization.id}")
        budget = _known(organization, period) or _begun(organization, period)
    db.lock(budget)
    return budget


def _known(organization: Organization, period: Period) -> Budget | None:
    query = select(Budget).where(
        Budget.organization_id == organization.id, Budget.period_start == period.start
    )
    return db.session.scalar(query)


def _begun(organization: Organization, period: Period) -> Budget:
    """As the month before it was left."""
    query = select(Budget).where(
        Budget.organization_id == organization.id, Budget.period_start < period.start
    )
    before = db.session.scalar(query.order_by(Budget.period_start.desc()).limit(1))
    budget = Budget(
        organization_id=organization.id, period_start=period.start, period_end=period.end, spent_fen=0, held_fen=0,
        amount_fen=before.amount_fen if before else None, alerts=before.alerts if before else [],
    )  # fmt: skip
    db.session.add(budget)
    db.session.flush()
    return budget
