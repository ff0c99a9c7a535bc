"""What came after its bill was issued, late or corrected: what earlier bills would say today."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import or_, select

from market import db
from market.accounts import Organization
from market.billing import usage
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.periods import LOOK_BACK
from market.kit.period import Period
from market.metering import corrections
from market.rating import Used


def changed(organization: Organization, period: Period) -> Iterator[tuple[BillLine, Used, int]]:
    """Lines of earlier issued bills whose usage has changed: (line, what was used, fen booked so far).

    Looks back over the periods that ended at most 35 days before `period` begins: nothing older can be reported or
    corrected any more. What a correction gives back and no bill had room for is looked for however old it is.
    """
    booked: dict[tuple[int, int, object], list[BillLine]] = {}
    for line in _metered_lines(organization, period):
        booked.setdefault((line.subscription_id, line.charge_id, line.service_start), []).append(line)
    first = {lines[0].id: lines for lines in booked.values() if lines[0].kind is LineKind.CHARGE}
    now = usage.quantities_again([lines[0] for lines in first.values()], organization)
    for id, lines in first.items():
        if now[id] != usage.used_of(lines[-1]):
            yield lines[0], now[id], sum(line.gross_fen for line in lines)


def _metered_lines(organization: Organization, period: Period) -> list[BillLine]:
    """The first line of each service, then what was adjusted since, bill by bill."""
    query = select(BillLine).join(BillLine.bill).where(
        Bill.organization_id == organization.id,
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
        Bill.period_end <= period.start,
        or_(
            Bill.period_end >= period.start - LOOK_BACK,
            corrections.owed(BillLine.subscription_id, BillLine.service_start),
        ),
        BillLine.quantity.is_not(None),
    )  # fmt: skip
    return list(db.session.scalars(query.order_by(BillLine.service_start, Bill.period_start, BillLine.position)))
