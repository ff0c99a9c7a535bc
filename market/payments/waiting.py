"""What of money that comes in waits for the office."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from market import db
from market.payments.models import Dispute, DisputeStatus, EventStatus, GatewayEvent, Payment
from market.payments.queries import OPEN
from market.payments.statements.models import BankLine
from market.payments.statements.queries import WAITING


class Work(NamedTuple):
    """Transfers that buyers have announced, lines of the bank that nobody knows, payments of which other money came,
    disputes that want evidence, and news that could not be handled: how many of each."""

    announced: int
    unmatched: int
    held: int
    disputes: int
    news: int


def work_waiting() -> Work:
    """All of it, asked at once."""
    counted = (
        select(func.count()).select_from(Payment).where(Payment.status.in_(OPEN), Payment.announced_at.is_not(None)),
        select(func.count()).select_from(BankLine).where(BankLine.status.in_(WAITING)),
        select(func.count()).select_from(Payment).where(Payment.held != ""),
        select(func.count()).select_from(Dispute).where(Dispute.status == DisputeStatus.OPEN),
        select(func.count()).select_from(GatewayEvent).where(GatewayEvent.status == EventStatus.FAILED),
    )
    return Work(*db.session.execute(select(*(each.scalar_subquery() for each in counted))).one())
