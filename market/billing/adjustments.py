"""What came after its bill was issued, late or corrected: what earlier bills would say today."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import or_, select

from market import db
from market.accounts import Organization
from market.billing import credit_notes, usage
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.periods import LOOK_BACK, period_of
from market.kit.period import Period
from market.metering import corrections
from market.rating import Used


def changed(
    organizations: Collection[Organization], period: Period
) -> Iterator[tuple[Organization, BillLine, Used, int]]:
    """Lines of earlier issued bills whose usage has changed: (firm, line, what was used, fen booked so far).

    Looks back over the periods that ended at most 35 days before `period` begins: nothing older can be reported or
    corrected any more. What was corrected after its bill is looked at however old it is. What credit notes gave back
    by themselves is not booked any more.
    """
    firms = {organization.id: organization for organization in organizations}
    booked: dict[tuple[int, int, object], list[BillLine]] = {}
    owners: dict[int, Organization] = {}
    for organization_id, line in _metered_lines(firms, period):
        owners[line.id] = firms[organization_id]
        booked.setdefault((line.subscription_id, line.charge_id, line.service_start), []).append(line)
    first = {lines[0].id: lines for lines in booked.values() if lines[0].kind is LineKind.CHARGE}
    wholes = {id: period_of(owners[id], lines[0].service_start) for id, lines in first.items()}
    now = usage.used_again([lines[0] for lines in first.values()], wholes)
    credited = credit_notes.taken_back(firms) if first else {}
    for id, lines in first.items():
        if now[id] != usage.used_of(lines[-1]) or any(line.id in credited for line in lines):
            yield owners[id], lines[0], now[id], sum(line.gross_fen - credited.get(line.id, 0) for line in lines)


def _metered_lines(organization_ids: Collection[int], period: Period) -> Sequence[tuple[int, BillLine]]:
    """The first line of each service, then what was adjusted since, bill by bill."""
    query = select(Bill.organization_id, BillLine).join(BillLine.bill).where(
        Bill.organization_id.in_(organization_ids),
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
        Bill.period_end <= period.start,
        or_(
            Bill.period_end >= period.start - LOOK_BACK,
            corrections.owed(BillLine.subscription_id, BillLine.service_start),
        ),
        BillLine.quantity.is_not(None),
    )  # fmt: skip
    rows = db.session.execute(query.order_by(BillLine.service_start, Bill.period_start, BillLine.position))
    return [(organization_id, line) for organization_id, line in rows]
