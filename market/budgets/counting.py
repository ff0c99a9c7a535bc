"""Counting: the running bill into the month's row, alerts by the way, and the sweep that keeps all of it up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from market import billing, db
from market.accounts import Organization
from market.budgets import months, signals
from market.budgets.models import LIFECYCLE, Budget, BudgetAlert, Reservation, ReservationStatus

#: Who reserves goes by figures that are no older; what was settled since is in them.
FRESH = timedelta(minutes=1)
#: How often the sweep counts a month.
EVERY = timedelta(minutes=5)
#: Months that are counted together.
TOGETHER = 100


def run(now: datetime) -> None:
    """Begin months, let go of what was held too long, and count what was not counted lately."""
    _begin_months(now)
    _expire_due(now)
    for ids in _due(now):
        _count_together(ids, now)


def recount(budget: Budget, organization: Organization, at: datetime) -> None:
    """Count a month whose row is locked; what it has come to by now is told."""
    _note(budget, billing.running_totals([organization], cutoff=at)[organization.id], at)


def expire(budget: Budget, at: datetime) -> None:
    """Let go of what was held too long; the row is locked."""
    query = select(Reservation).where(
        Reservation.budget_id == budget.id, Reservation.status == ReservationStatus.HELD
    )
    for each in db.session.scalars(query.where(Reservation.expires_at <= at).order_by(Reservation.id)):
        LIFECYCLE.move(each, ReservationStatus.EXPIRED)
        each.ended_at = at
        budget.held_fen -= each.amount_fen
    db.session.flush()


def _note(budget: Budget, spent_fen: int, at: datetime) -> None:
    budget.spent_fen, budget.counted_at = max(spent_fen, 0), at
    _announce(budget, at)
    db.session.flush()


def _announce(budget: Budget, at: datetime) -> None:
    """Write down every percentage that is new; one letter tells of the highest."""
    if budget.amount_fen is None:
        return
    reached = [percent for percent in budget.alerts if 100 * budget.spent_fen >= percent * budget.amount_fen]
    if not reached:
        return
    query = select(BudgetAlert.percent).where(
        BudgetAlert.budget_id == budget.id, BudgetAlert.amount_fen == budget.amount_fen
    )
    new = set(reached) - {*db.session.scalars(query)}
    db.session.add_all(
        BudgetAlert(budget_id=budget.id, percent=each, amount_fen=budget.amount_fen, at=at)
        for each in sorted(new)
    )
    if new:
        signals.alert_reached.send(budget, percent=max(new), at=at)


def _begin_months(now: datetime) -> None:
    """What was set goes on although nobody asks."""
    later = aliased(Budget)
    follows = select(later.id).where(
        later.organization_id == Budget.organization_id, later.period_start > Budget.period_start
    )
    query = select(Budget.organization_id).where(
        Budget.period_end <= now, Budget.amount_fen.is_not(None), ~follows.exists()
    )
    with db.transaction(readonly=True):
        ids = db.session.scalars(query).all()
    for id in ids:
        with db.transaction():
            months.running(db.session.get_one(Organization, id), now)


def _expire_due(now: datetime) -> None:
    query = select(Reservation.budget_id).where(
        Reservation.status == ReservationStatus.HELD, Reservation.expires_at <= now
    )
    with db.transaction(readonly=True):
        ids = db.session.scalars(query.distinct().order_by(Reservation.budget_id)).all()
    for id in ids:
        with db.transaction():
            budget = db.session.get_one(Budget, id)
            db.lock(budget)
            expire(budget, now)


def _due(now: datetime) -> Iterator[Sequence[int]]:
    """Running months with a budget that were not counted lately, in portions."""
    lately = or_(Budget.counted_at.is_(None), Budget.counted_at <= now - EVERY)
    query = select(Budget.id).where(
        Budget.amount_fen.is_not(None), Budget.period_start <= now, Budget.period_end > now, lately
    )
    last = 0
    while True:
        with db.transaction(readonly=True):
            ids = db.session.scalars(query.where(Budget.id > last).order_by(Budget.id).limit(TOGETHER)).all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def _count_together(ids: Sequence[int], now: datetime) -> None:
    """Count outside of the transaction that writes: it would keep reports of usage waiting.

    A month that somebody has counted or settled in meanwhile is left to the next turn.
    """
    with db.transaction(readonly=True):
        seen = {one.id: (one.organization_id, one.spent_fen, one.counted_at) for one in _budgets(ids)}
        firms = db.session.scalars(
            select(Organization).where(Organization.id.in_({firm for firm, *_ in seen.values()}))
        ).all()
        totals = billing.running_totals(firms, cutoff=now)
    with db.transaction():
        for budget in _budgets(ids):
            db.lock(budget)
            if seen.get(budget.id) == (budget.organization_id, budget.spent_fen, budget.counted_at):
                _note(budget, totals[budget.organization_id], now)


def _budgets(ids: Sequence[int]) -> Sequence[Budget]:
    return db.session.scalars(select(Budget).where(Budget.id.in_(ids)).order_by(Budget.id)).all()
