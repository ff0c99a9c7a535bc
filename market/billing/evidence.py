"""What proves a metered line of a bill: its quantity, and every event that was known at the bill's cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from market import db, metering
from market.billing.models import Bill, BillLine
from market.billing.periods import period_of
from market.catalog import Charge
from market.errors import NotFound
from market.kit.period import Period
from market.subscriptions import Subscription


@dataclass(frozen=True)
class Proof:
    """A line, what its quantity is made of, and the span over which a mean is taken."""

    bill: Bill
    line: BillLine
    quantity: Decimal
    whole: Period
    proved: metering.Proved


def evidence(bill: Bill, line_id: int) -> Proof:
    """The proof of one line of a bill, with its lines loaded. Raises NotFound for a stranger's, and for a fee."""
    line = next((line for line in bill.lines if line.id == line_id), None)
    if line is None or line.quantity is None:
        raise NotFound
    query = select(Charge).where(Charge.id == line.charge_id).options(joinedload(Charge.meter))
    charge, subscription = db.session.scalars(query).one(), db.session.get_one(Subscription, line.subscription_id)
    if charge.meter is None:
        raise NotFound
    service = Period(line.service_start, line.service_end)
    proved = metering.proved(subscription, charge.meter, service, stored_by=bill.cutoff, only=charge.filter)
    return Proof(bill, line, line.quantity, period_of(bill.organization, line.service_start), proved)
