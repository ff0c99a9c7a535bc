"""What came after its bill was issued, late or corrected: what earlier bills would say today."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import or_, select

from market import db
from market.accounts import Organization
from market.billing import credit_notes, usage
from market.billing.credit_notes import Given
from market.billing.models import Bill, BillLine, BillStatus, LineKind
from market.billing.periods import LOOK_BACK, period_of
from market.kit.period import Period
from market.metering import corrections
from market.rating import Used

_NOTHING = Given()


class Credited(NamedTuple):
    """What administrators gave back of a line, in all and because its usage was wrong, and what the service had come to on it."""

    fen: int
    wrong_usage_fen: int
    service_fen: int


class Changed(NamedTuple):
    """A line of an issued bill, what was used as it is known now, and what of it is booked so far."""

    organization: Organization
    line: BillLine
    used: Used
    booked_fen: int
    credited: tuple[Credited, ...] = ()

    def given_fen(self, fen: int) -> int:
        """What of the money back stands in credit notes of administrators already, if the service comes to `fen` now.

        What was credited because the usage was wrong is the same money as its correction gives back. What was credited
        for another reason is not, but both together never give back more than was asked for.
        """
        same = sum(min(max(each.service_fen - fen, 0), each.wrong_usage_fen) for each in self.credited)
        least = min(sum(each.fen for each in self.credited), self.booked_fen)
        return max(same, least - fen, 0)


def changed(organizations: Collection[Organization], period: Period) -> Iterator[Changed]:
    """Lines of earlier issued bills whose usage has changed, or of which something was credited since they were rated.

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
    given = credit_notes.given(firms) if first else {}
    for id, lines in first.items():
        if now[id] != usage.used_of(lines[-1]) or any(line.id in given for line in lines) or _was_less(lines):
            booked_fen = sum(line.gross_fen - given.get(line.id, _NOTHING).by_itself for line in lines)
            yield Changed(owners[id], lines[0], now[id], booked_fen, tuple(_credited(lines, given)))


def _credited(lines: Sequence[BillLine], given: Mapping[int, Given]) -> Iterator[Credited]:
    for line in lines:
        told = given.get(line.id, _NOTHING)
        if told.by_people:
            yield Credited(told.by_people, told.wrong_usage, line.gross_fen + line.booked_fen)


def _was_less(lines: Sequence[BillLine]) -> bool:
    """Whether the last adjustment gave back less because of a credit note, which may be void by now."""
    return "credited_fen" in lines[-1].label


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
