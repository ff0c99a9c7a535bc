"""What stands on other bills about the same service, and what came late or was corrected in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from market import db, metering
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.tidings import touches
from market.catalog import Charge
from market.kit.period import Period
from market.metering import Kind, corrections


@dataclass(frozen=True, slots=True)
class Booked:
    """A line about the same service on another, earlier bill."""

    line: BillLine
    bill: Bill


@dataclass(frozen=True, slots=True)
class News:
    """What changed a month's usage after it was over: late reports by day, and corrections with their reasons."""

    late: Sequence[metering.Remark] = ()
    corrected: Sequence[corrections.UsageCorrection] = ()

    def __bool__(self) -> bool:
        return bool(self.late or self.corrected)


def booked_before(bill: Bill, line: BillLine) -> list[Booked]:
    """What earlier bills said: of an adjustment about the same service, of money back about the fee it comes from."""
    query = (
        select(BillLine).join(BillLine.bill).options(contains_eager(BillLine.bill))
        .where(BillLine.subscription_id == line.subscription_id, BillLine.charge_id == line.charge_id)
        .where(Bill.organization_id == bill.organization_id, Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]))
        .where(Bill.period_start < bill.period_start)
    )  # fmt: skip
    if line.kind is LineKind.ADJUSTMENT:
        query = query.where(BillLine.service_start == line.service_start, BillLine.service_end == line.service_end)
    elif line.kind is LineKind.CREDIT:
        query = query.where(BillLine.service_start < line.service_end, BillLine.service_end > line.service_start)
    else:
        return []
    return [Booked(each, each.bill) for each in db.session.scalars(query.order_by(Bill.period_start, BillLine.position))]


def news(bill: Bill, line: BillLine, charge: Charge, before: Sequence[Booked]) -> News:
    """What came in after the period was over, or after the last bill that knew of it, up to the bill's cutoff."""
    if charge.meter is None:
        return News()
    service, type = Period(line.service_start, line.service_end), charge.meter.event_type
    since = max((each.bill.cutoff for each in before), default=service.start)
    late = [
        each for each in metering.remarks([line.subscription_id], service)
        if each.event_type == type and each.kind is Kind.USAGE and since < each.noted_at <= bill.cutoff
    ]  # fmt: skip
    made = [
        each for each in corrections.made([line.subscription_id], service)
        if touches(each, charge, service) and since < (each.decided_at or each.proposed_at) <= bill.cutoff
    ]  # fmt: skip
    return News(late, made)
