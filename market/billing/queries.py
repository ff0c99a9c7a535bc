"""Questions about bills. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from market import db
from market.accounts import Organization
from market.billing.models import DUE, Bill, BillLine, BillStatus, BillTax
from market.catalog import Charge, Meter
from market.errors import NotFound
from market.kit.period import Period, local_day
from market.metering import Billed
from market.providers import Provider
from market.statements import Statement, instant
from market.subscriptions import Subscription

_CLOSED_UNTIL = Statement("""
    SELECT organization_id, max(CASE WHEN status <> 'draft' THEN period_end END), max(cutoff) FROM bills
    WHERE organization_id IN :organization_ids GROUP BY organization_id
""")


def bills_of(organization: Organization) -> Select[Bill]:
    """An organization's issued bills, newest first."""
    query = select(Bill).where(Bill.organization_id == organization.id, Bill.status != BillStatus.DRAFT)
    return query.order_by(Bill.period_start.desc())


def bills_with_lines(organization: Organization, *, most: int) -> Sequence[Bill]:
    """An organization's last issued bills with their lines, newest first."""
    return db.session.scalars(bills_of(organization).options(selectinload(Bill.lines)).limit(most)).all()


def bill_of(organization: Organization, id: int) -> Bill:
    """One of an organization's bills with all that a view of it needs. Raises NotFound for a stranger's."""
    return _found(select(Bill).where(Bill.id == id, Bill.organization_id == organization.id))


def bill_by_id(id: int) -> Bill:
    """Any bill, for administrators. Raises NotFound."""
    return _found(select(Bill).where(Bill.id == id))


def head_of(organization: Organization, id: int) -> Bill:
    """One of an organization's bills without its lines. Raises NotFound for a stranger's."""
    return _found(select(Bill).where(Bill.id == id, Bill.organization_id == organization.id), lines=False)


def head_by_id(id: int) -> Bill:
    """Any bill without its lines, for administrators. Raises NotFound."""
    return _found(select(Bill).where(Bill.id == id), lines=False)


def line_of(bill: Bill, id: int) -> BillLine:
    """One line of a bill. Raises NotFound for another's."""
    line = db.session.scalar(select(BillLine).where(BillLine.id == id, BillLine.bill_id == bill.id))
    if line is None:
        raise NotFound
    return line


def line_of_provider(provider: Provider, id: int) -> tuple[Bill, BillLine]:
    """A line about a provider's own service, on a draft too, and its bill without the others. Raises NotFound for a stranger's."""
    line = db.session.scalar(select(BillLine).where(BillLine.id == id, BillLine.provider_id == provider.id))
    if line is None:
        raise NotFound
    return head_by_id(line.bill_id), line


def bill_with_line(provider: Provider, line_id: int) -> Bill:
    """The issued bill with this line, which has to be about a provider's own service. Raises NotFound for a stranger's."""
    line = select(BillLine.bill_id).join(Subscription, BillLine.subscription_id == Subscription.id)
    own = line.where(BillLine.id == line_id, Subscription.provider_id == provider.id)
    return _found(select(Bill).where(Bill.id.in_(own), Bill.status != BillStatus.DRAFT))


def bill_for(organization: Organization, period: Period) -> Bill | None:
    """The organization's bill of one period, draft or issued, with all that a view of it needs."""
    query = select(Bill).where(Bill.organization_id == organization.id, Bill.period_start == period.start)
    return db.session.scalar(query.options(*_whole()).execution_options(populate_existing=True))


def unsettled_of(organization: Organization) -> Sequence[Bill]:
    """Bills of months that are over but not issued yet, and those on which money is still owed, oldest first."""
    query = select(Bill).where(Bill.organization_id == organization.id, Bill.status.in_([BillStatus.DRAFT, *DUE]))
    return db.session.scalars(query.order_by(Bill.period_start)).all()


def due_bills_of(organization: Organization) -> Sequence[Bill]:
    """Bills on which money is still owed, oldest first."""
    query = select(Bill).where(Bill.organization_id == organization.id, Bill.status.in_(DUE))
    return db.session.scalars(query.order_by(Bill.period_start)).all()


def closed_until(organization_ids: Iterable[int]) -> dict[int, Billed]:
    """The end of each organization's last issued bill, usage before which is too late for its own bill; and up to when its
    bills know what was stored.

    Organizations without any bill are left out.
    """
    return ask_closed_until(organization_ids)()


def ask_closed_until(organization_ids: Iterable[int]) -> Callable[[], dict[int, Billed]]:
    """The same, asked together with other things; told when it is wanted."""
    answer = _CLOSED_UNTIL.ask(organization_ids=sorted(set(organization_ids)))
    return lambda: {id: Billed(instant(end), instant(cutoff)) for id, end, cutoff in answer.rows()}


def lines_counting(
    subscription_id: int, meter_ids: Iterable[int], *, at: datetime, stored_at: datetime
) -> list[tuple[int, BillLine]]:
    """The issued lines in which an event stands that happened `at`, with the meter that counted it, oldest first.

    `meter_ids` are meters with counters of their own; a later version that only prices them otherwise counts as they
    do. A bill knows what was stored by its cutoff.
    """
    counter = func.coalesce(Meter.reads_id, Meter.id)
    query = (
        select(counter, BillLine)
        .join(BillLine.charge).join(Charge.meter).join(BillLine.bill)
        .where(BillLine.subscription_id == subscription_id, counter.in_(list(meter_ids)),
               BillLine.service_start <= at, BillLine.service_end > at,
               Bill.status != BillStatus.DRAFT, Bill.cutoff >= stored_at)
        .options(contains_eager(BillLine.bill)).order_by(Bill.period_start, BillLine.id)
    )  # fmt: skip
    return [(meter_id, line) for meter_id, line in db.session.execute(query)]


@dataclass(frozen=True)
class MonthCounts:
    """Bills of one period by status, and the sums in fen of those that ask for money: drafts and void ones do not."""

    period_start: datetime
    period_end: datetime
    by_status: Mapping[BillStatus, int]
    gross_fen: int
    paid_fen: int
    credited_fen: int

    @property
    def owed_fen(self) -> int:
        """What is still to be paid."""
        return self.gross_fen - self.paid_fen - self.credited_fen

    @property
    def label(self) -> str:
        """The month in which the period begins, `2026-10`."""
        return f"{local_day(self.period_start):%Y-%m}"

    def count(self, *statuses: BillStatus) -> int:
        """How many bills are in these states; without any, how many there are."""
        return sum(self.by_status.get(status, 0) for status in statuses or BillStatus)


def months(*, limit: int = 24) -> list[MonthCounts]:
    """Every billed period, newest first."""
    query = select(
        Bill.period_start, Bill.period_end, Bill.status,
        func.count(), func.sum(Bill.gross_fen), func.sum(Bill.paid_fen), func.sum(Bill.credited_fen),
    ).group_by(Bill.period_start, Bill.period_end, Bill.status)  # fmt: skip
    found: dict[tuple[datetime, datetime], list[tuple[BillStatus, int, int, int, int]]] = {}
    for start, end, status, count, gross, paid, credited in db.session.execute(query):
        found.setdefault((start, end), []).append((status, count, int(gross), int(paid), int(credited)))
    counted = [
        MonthCounts(start, end, {row[0]: row[1] for row in rows}, *_summed(rows))
        for (start, end), rows in found.items()
    ]
    return sorted(counted, key=lambda month: month.period_start, reverse=True)[:limit]


def _summed(rows: Iterable[tuple[BillStatus, int, int, int, int]]) -> tuple[int, int, int]:
    asked = [row[2:] for row in rows if row[0] not in (BillStatus.DRAFT, BillStatus.VOID)]
    gross, paid, credited = (sum(sums) for sums in zip((0, 0, 0), *asked, strict=True))
    return gross, paid, credited


def bills_in(period: Period, *, statuses: Iterable[BillStatus] = ()) -> Select[Bill]:
    """All organizations' bills of one period, with the organization; narrowed to some states."""
    query = select(Bill).where(Bill.period_start == period.start).options(joinedload(Bill.organization))
    wanted = list(statuses)
    return (query.where(Bill.status.in_(wanted)) if wanted else query).order_by(Bill.number, Bill.id)


def _found(query: Select[Bill], *, lines: bool = True) -> Bill:
    bill = db.session.scalar(query.options(*_whole(lines=lines)).execution_options(populate_existing=True))
    if bill is None:
        raise NotFound
    return bill


def _whole(*, lines: bool = True) -> tuple[Any, ...]:
    head = joinedload(Bill.organization), selectinload(Bill.taxes).joinedload(BillTax.provider)
    return (*head, selectinload(Bill.lines)) if lines else head
