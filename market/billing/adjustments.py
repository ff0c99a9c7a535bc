"""Usage that came after its bill was issued: what earlier bills would say today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from market import db
from market.accounts import Organization
from market.billing import usage
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.periods import LOOK_BACK
from market.kit.period import Period


def changed(organization: Organization, period: Period) -> Iterator[tuple[BillLine, Decimal, int]]:
    """Lines of earlier issued bills whose quantity has changed: (line, quantity now, fen booked so far).

    Looks back over the periods that ended at most 35 days before `period` begins: older usage is refused,
    so it cannot have changed anything.
    """
    lines = _metered_lines(organization, period)
    now = usage.quantities_again(lines, organization)
    moved = [line for line in lines if now[line.id] != line.quantity]
    booked = _booked(moved) if moved else {}
    for line in moved:
        yield line, now[line.id], booked[line.subscription_id, line.charge_id, line.service_start]


def _metered_lines(organization: Organization, period: Period) -> list[BillLine]:
    query = select(BillLine).join(BillLine.bill).where(
        Bill.organization_id == organization.id,
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
        Bill.period_end <= period.start,
        Bill.period_end >= period.start - LOOK_BACK,
        BillLine.kind == LineKind.CHARGE,
        BillLine.quantity.is_not(None),
    )  # fmt: skip
    return list(db.session.scalars(query.order_by(BillLine.service_start, BillLine.position)))


def _booked(lines: list[BillLine]) -> dict[tuple[int, int, datetime], int]:
    """What issued bills have charged for each of these services together: first line and adjustments."""
    key = BillLine.subscription_id, BillLine.charge_id, BillLine.service_start
    query = select(*key, func.sum(BillLine.gross_fen)).join(BillLine.bill).where(
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
        BillLine.subscription_id.in_({line.subscription_id for line in lines}),
        BillLine.service_start.in_({line.service_start for line in lines}),
    )  # fmt: skip
    return {(row[0], row[1], row[2]): int(row[3]) for row in db.session.execute(query.group_by(*key))}
