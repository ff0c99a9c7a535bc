"""Questions about budgets. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from market import audit, billing, db
from market.accounts import Organization
from market.budgets.models import Budget, BudgetAlert, Reservation, ReservationStatus
from market.errors import NotFound
from market.kit.period import Period
from market.providers import Provider
from market.subscriptions import Subscription


@dataclass(frozen=True)
class Standing:
    """What holds in the running month, whether or not its row is made yet, and what is planned for the next."""

    period: Period
    amount_fen: int | None = None
    alerts: Sequence[int] = ()
    held_fen: int = 0
    row: Budget | None = None
    planned: Budget | None = None

    def left_fen(self, spent_fen: int) -> int | None:
        """What is left of it beside what is spent and held; less than nothing where more was spent."""
        return None if self.amount_fen is None else self.amount_fen - spent_fen - self.held_fen

    def alerts_fen(self) -> list[int]:
        """The amounts at which letters are written, but for the budget itself."""
        return (
            [self.amount_fen * percent // 100 for percent in self.alerts if percent < 100]
            if self.amount_fen
            else []
        )


def standing(organization: Organization, now: datetime) -> Standing:
    """How a firm's budget stands; one question."""
    period = billing.period_of(organization, now)
    query = select(Budget).where(Budget.organization_id == organization.id, Budget.period_start <= period.end)
    rows = db.session.scalars(query.order_by(Budget.period_start.desc()).limit(2)).all()
    planned = next((row for row in rows if row.period_start == period.end), None)
    last = next((row for row in rows if row is not planned), None)
    if last is None:
        return Standing(period, planned=planned)
    row = last if last.period_start == period.start else None
    return Standing(period, last.amount_fen, last.alerts, row.held_fen if row else 0, row, planned)


def planned_of(organization: Organization, running: Period) -> Budget | None:
    """The row of the month after the running one, where somebody has set it."""
    query = select(Budget).where(
        Budget.organization_id == organization.id, Budget.period_start >= running.end
    )
    return db.session.scalar(query)


def alerts_of(budget: Budget | None) -> Mapping[int, datetime]:
    """When each percentage of its present amount was told."""
    if budget is None:
        return {}
    query = select(BudgetAlert.percent, BudgetAlert.at).where(
        BudgetAlert.budget_id == budget.id, BudgetAlert.amount_fen == budget.amount_fen
    )
    return {percent: at for percent, at in db.session.execute(query)}


def held_of(budget: Budget | None, *, most: int) -> Sequence[Reservation]:
    """The largest of what providers hold now, with the subscriptions and what they are for."""
    if budget is None:
        return []
    query = select(Reservation).where(
        Reservation.budget_id == budget.id, Reservation.status == ReservationStatus.HELD
    )
    query = query.options(
        joinedload(Reservation.subscription).options(
            joinedload(Subscription.revision), joinedload(Subscription.provider)
        )
    )
    return db.session.scalars(query.order_by(Reservation.amount_fen.desc(), Reservation.id).limit(most)).all()


def asking(organization: Organization, *, since: datetime) -> Sequence[Provider]:
    """The providers that have asked before serving this firm."""
    asked = select(Reservation.provider_id).join(Reservation.subscription)
    asked = asked.where(Subscription.organization_id == organization.id, Reservation.reserved_at >= since)
    return db.session.scalars(select(Provider).where(Provider.id.in_(asked)).order_by(Provider.id)).all()


def history(organization: Organization, *, most: int) -> Sequence[audit.AuditEvent]:
    """Who has set what, newest first."""
    return audit.newest(most, audit.Narrowed(organization.id, kinds=("budget",)))


def reservations_of(provider: Provider, *, status: ReservationStatus | None = None) -> Select[Reservation]:
    """A provider's reservations, oldest first, with what an answer tells of them."""
    query = select(Reservation).where(Reservation.provider_id == provider.id).order_by(Reservation.id)
    query = query if status is None else query.where(Reservation.status == status)
    return query.options(joinedload(Reservation.subscription), joinedload(Reservation.meter))


def reservation_of(provider: Provider, public_id: str) -> Reservation:
    """One of a provider's reservations. Raises NotFound for a stranger's."""
    reservation = db.session.scalar(reservations_of(provider).where(Reservation.public_id == public_id))
    if reservation is None:
        raise NotFound
    return reservation
