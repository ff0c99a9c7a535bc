"""Questions: which bills are a matter for dunning, how firms stand, how old debts are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import joinedload

from market import billing, db
from market.accounts import Organization
from market.billing import Bill
from market.dunning import cases, course
from market.dunning.course import Case, Coming, Wait
from market.dunning.models import Hold, Outcome, Step
from market.dunning.sequences import Kind
from market.errors import NotFound
from market.kit.period import local_day, local_midnight
from market.kit.refusal import Refusal
from market.subscriptions import suspensions
from market.subscriptions.suspensions import Cause

#: A sequence begins so long before a bill is due at the earliest.
FARTHEST = timedelta(days=30)
#: Bills that are looked at together.
TOGETHER = 500
#: Days overdue from which each age counts; the first is what is not due yet, the last has no end.
AGES = (0, 1, 31, 61, 91)

WAITS: Mapping[Wait, Refusal] = {
    Wait.HOLD: Refusal("管理员已暂缓催款。"),
    Wait.PAYING: Refusal("客户说已付款，或银行卡正在扣款。"),
    Wait.FAPIAO: Refusal("客户申请的发票还没有开好。"),
    Wait.DISPUTE: Refusal("客户对账期内的用量有异议，还没有解决。"),
    Wait.PART_PAID: Refusal("客户最近付了一部分。"),
    Wait.SMALL: Refusal("金额太小，不停用服务。"),
}


@dataclass(frozen=True)
class Standing:
    """One bill, how it stands and what comes next."""

    bill: Bill
    case: Case
    next: Coming | None
    hold: Hold | None = None


@dataclass(frozen=True)
class Age:
    """What is overdue for `since` days up to the next age; 0 is what is not due yet."""

    since: int
    until: int | None
    count: int
    fen: int


def candidates(now: datetime) -> Iterator[Sequence[int]]:
    """Bills that are owed and near or past their last day, in portions."""
    last = 0
    while True:
        with db.transaction(readonly=True):
            query = select(Bill.id).where(Bill.status.in_(billing.DUE), Bill.due_at <= now + FARTHEST, Bill.id > last)
            ids = db.session.scalars(query.order_by(Bill.id).limit(TOGETHER)).all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def candidate_count(now: datetime) -> int:
    """How many bills `candidates` names."""
    query = select(func.count()).select_from(Bill).where(Bill.status.in_(billing.DUE), Bill.due_at <= now + FARTHEST)
    return db.session.scalar(query) or 0


def pending_charges() -> list[tuple[int, Bill]]:
    """Charges that the gateway may not have been asked about, with their bills."""
    with db.transaction(readonly=True):
        query = select(Step).where(Step.kind == Kind.CHARGE, Step.outcome == Outcome.PENDING).options(joinedload(Step.bill))
        return [(step.id, step.bill) for step in db.session.scalars(query.order_by(Step.id))]


def firms_stopped() -> Sequence[int]:
    """Firms whose services are stopped, or should be."""
    with db.transaction(readonly=True):
        query = select(Bill.organization_id).join(Step, Step.bill_id == Bill.id)
        query = query.where(Step.kind == Kind.SUSPENSION, Step.settled_at.is_(None), Bill.status.in_(billing.DUE))
        return sorted({*db.session.scalars(query), *suspensions.firms_stopped(Cause.UNPAID)})


def overdue_of(organization: Organization, now: datetime) -> list[Standing]:
    """A firm's bills past their last day, the oldest first."""
    return _standings(db.session.scalars(_overdue(now).where(Bill.organization_id == organization.id)).all(), now)


def standing_of(bill: Bill, now: datetime) -> Standing:
    """One issued bill that is owed."""
    return _standings([bill], now)[0]


def firms(now: datetime) -> Select[Organization]:
    """Firms with something overdue, the longest waiting first."""
    query = select(Organization).join(Bill, Bill.organization_id == Organization.id)
    query = query.where(Bill.status.in_(billing.DUE), Bill.due_at < now).group_by(Organization.id)
    return query.order_by(func.min(Bill.due_at), Organization.id)


def overdue_by_firm(organization_ids: Sequence[int], now: datetime) -> Mapping[int, list[Standing]]:
    """What each of these firms has overdue, the oldest first."""
    found: dict[int, list[Standing]] = defaultdict(list)
    late = db.session.scalars(_overdue(now).where(Bill.organization_id.in_(organization_ids))).all()
    for each in _standings(late, now):
        found[each.bill.organization_id].append(each)
    return found


def ages(now: datetime) -> list[Age]:
    """What is owed, by how long it is overdue."""
    today = local_day(now)
    begins = [(since, Bill.due_at < local_midnight(today - timedelta(days=since - 1))) for since in reversed(AGES[1:])]
    age = case(*((past, since) for since, past in begins), else_=0).label("age")
    owed = func.sum(Bill.gross_fen - Bill.paid_fen - Bill.credited_fen)
    query = select(age, func.count(), owed).where(Bill.status.in_(billing.DUE), Bill.due_at.is_not(None)).group_by(age)
    found = {since: (count, int(fen)) for since, count, fen in db.session.execute(query)}
    untils = [*AGES[1:], None]
    return [Age(since, until - 1 if until is not None else None, *found.get(since, (0, 0))) for since, until in zip(AGES, untils, strict=True)]


def days_over(due_at: datetime, now: datetime) -> int:
    """Local days since the last day for paying."""
    return (local_day(now) - local_day(due_at)).days


def steps_of(bill: Bill) -> Sequence[Step]:
    """Everything that was done about a bill, the newest first, also before money was taken back."""
    return steps_by_bill([bill.id]).get(bill.id, [])


def steps_by_bill(bill_ids: Collection[int]) -> Mapping[int, list[Step]]:
    """The same of several bills."""
    found: dict[int, list[Step]] = defaultdict(list)
    query = select(Step).where(Step.bill_id.in_(bill_ids)).options(joinedload(Step.taken_by))
    for step in db.session.scalars(query.order_by(Step.id.desc())):
        found[step.bill_id].append(step)
    return found


def hold_by_id(id: int) -> Hold:
    """Any hold, for administrators. Raises NotFound."""
    hold = db.session.get(Hold, id)
    if hold is None:
        raise NotFound
    return hold


def stopped_count(organization: Organization) -> int:
    """How many services of a firm are stopped because something is unpaid."""
    return len(suspensions.stopped(organization.id, Cause.UNPAID))


def overdue_bill(organization: Organization, now: datetime) -> Bill | None:
    """The oldest bill that is past its last day."""
    return db.session.scalar(_overdue(now).where(Bill.organization_id == organization.id).limit(1))


def _overdue(now: datetime) -> Select[Bill]:
    query = select(Bill).where(Bill.status.in_(billing.DUE), Bill.due_at < now)
    return query.order_by(Bill.due_at, Bill.id)


def _standings(bills: Sequence[Bill], now: datetime) -> list[Standing]:
    holds = cases.holds_of({bill.organization_id for bill in bills}, now)
    found = cases.cases_of(bills, now, holds)
    return [
        Standing(
            bill, found[bill.id],
            course.upcoming(found[bill.id], now) if bill.status in billing.DUE else None,
            next((hold for hold in holds if hold.organization_id == bill.organization_id and hold.bill_id in (None, bill.id)), None),
        )
        for bill in bills
    ]  # fmt: skip
