"""Bills as cases: everything that decides about their next step, read for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, or_, select

from market import db
from market.billing import Bill
from market.billing.fapiao import OPEN as FAPIAO_OPEN
from market.billing.fapiao import FapiaoRequest
from market.dunning import sequences
from market.dunning.course import Case, Done, Wait
from market.dunning.models import Hold, SequenceVersion, Step
from market.kit.period import local_day
from market.metering.reconciliation import DayStatus, ReconciledDay
from market.payments import Payment, PaymentStatus
from market.subscriptions import Subscription

#: Whoever says that she has transferred money is believed for so long.
ON_ITS_WAY = timedelta(days=5)


def case_of(bill: Bill, now: datetime) -> Case:
    """One bill."""
    return cases_of([bill], now)[bill.id]


def cases_of(bills: Collection[Bill], now: datetime, holds: Sequence[Hold] | None = None) -> dict[int, Case]:
    """Issued bills, by their numbers in the database; `holds` are those of their firms, where they are known."""
    known = holds_of({bill.organization_id for bill in bills}, now) if holds is None else holds
    versions, steps = versions_of_sequence(), _steps(bills)
    waits = _waits(bills, known, versions, now)
    return {bill.id: _case(bill, versions, steps.get(bill.id, ()), waits.get(bill.id)) for bill in bills}


def versions_of_sequence() -> Sequence[SequenceVersion]:
    """Every version that somebody has written, the newest first."""
    return db.session.scalars(select(SequenceVersion).order_by(SequenceVersion.number.desc())).all()


def sequence_at(at: datetime, versions: Iterable[SequenceVersion] | None = None) -> sequences.Sequence:
    """What holds for bills issued then."""
    known = versions_of_sequence() if versions is None else versions
    return next((each.sequence for each in known if each.effective_at <= at), sequences.DEFAULT)


def holds_of(organization_ids: Collection[int], now: datetime) -> Sequence[Hold]:
    """The holds that last, the newest first."""
    query = select(Hold).where(Hold.organization_id.in_(organization_ids), Hold.lifted_at.is_(None), Hold.until >= local_day(now))
    return db.session.scalars(query.order_by(Hold.id.desc())).all()


def _case(bill: Bill, versions: Sequence[SequenceVersion], steps: Iterable[Step], wait: Wait | None) -> Case:
    assert bill.issued_at is not None
    assert bill.due_at is not None
    return Case(
        sequence_at(bill.issued_at, versions), local_day(bill.issued_at), local_day(bill.due_at), bill.owed_fen,
        {each.key: Done(each.kind, local_day(each.at), each.names_on) for each in steps}, wait,
    )  # fmt: skip


def _steps(bills: Collection[Bill]) -> Mapping[int, list[Step]]:
    found: dict[int, list[Step]] = defaultdict(list)
    query = select(Step).where(Step.bill_id.in_([bill.id for bill in bills]), Step.settled_at.is_(None))
    for each in db.session.scalars(query):
        found[each.bill_id].append(each)
    return found


def _waits(bills: Collection[Bill], holds: Sequence[Hold], versions: Sequence[SequenceVersion], now: datetime) -> dict[int, Wait]:
    """Why each waits, if it does; what stops everything comes first."""
    found: dict[int, Wait] = {}
    for why, ids in (
        (Wait.HOLD, _held(bills, holds)), (Wait.PAYING, _being_paid(bills, now)), (Wait.FAPIAO, _without_fapiao(bills)),
        (Wait.DISPUTE, _disputed(bills)), (Wait.PART_PAID, _just_paid_in_part(bills, versions, now)),
    ):  # fmt: skip
        found = dict.fromkeys(ids, why) | found
    return found


def _held(bills: Collection[Bill], holds: Sequence[Hold]) -> set[int]:
    firms, single = {each.organization_id for each in holds if each.bill_id is None}, {each.bill_id for each in holds}
    return {bill.id for bill in bills if bill.organization_id in firms or bill.id in single}


def _being_paid(bills: Collection[Bill], now: datetime) -> set[int]:
    announced = (Payment.status == PaymentStatus.PENDING) & (Payment.announced_at > now - ON_ITS_WAY)
    # A page at her bank that she has left waits for ever: no money is on its way.
    under_way = (Payment.status == PaymentStatus.PROCESSING) & or_(Payment.page_url == "", Payment.held != "")
    query = select(Payment.bill_id).where(Payment.bill_id.in_([bill.id for bill in bills]))
    query = query.where(or_(under_way, announced))
    return {id for id in db.session.scalars(query) if id is not None}


def _without_fapiao(bills: Collection[Bill]) -> set[int]:
    query = select(FapiaoRequest.bill_id).where(FapiaoRequest.bill_id.in_([bill.id for bill in bills]))
    return set(db.session.scalars(query.where(FapiaoRequest.status.in_(FAPIAO_OPEN))))


def _disputed(bills: Collection[Bill]) -> set[int]:
    """Those with usage that the buyer objects to and that is not settled yet."""
    query = select(Subscription.organization_id, ReconciledDay.day).join(ReconciledDay.subscription)
    query = query.where(ReconciledDay.status == DayStatus.DISPUTED)
    query = query.where(Subscription.organization_id.in_({bill.organization_id for bill in bills}))
    days: dict[int, list[date]] = defaultdict(list)
    for organization_id, day in db.session.execute(query):
        days[organization_id].append(day)
    return {
        bill.id for bill in bills
        if any(bill.period.first_day <= day <= bill.period.last_day for day in days.get(bill.organization_id, ()))
    }  # fmt: skip


def _just_paid_in_part(bills: Collection[Bill], versions: Sequence[SequenceVersion], now: datetime) -> set[int]:
    """Those for which money came within their days of notice: somebody is at it."""
    begun = {bill.id: bill.issued_at for bill in bills if bill.paid_fen and bill.issued_at}
    if not begun:
        return set()
    query = select(Payment.bill_id, func.max(Payment.finished_at)).where(Payment.bill_id.in_(begun))
    query = query.where(Payment.status == PaymentStatus.SUCCEEDED).group_by(Payment.bill_id)
    days = {id: timedelta(days=sequence_at(issued_at, versions).notice_days) for id, issued_at in begun.items()}
    return {id for id, at in db.session.execute(query) if id is not None and at is not None and at > now - days[id]}
