"""Bills as cases: everything that decides about their next step, read for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, cast, false, literal, null, or_, select, union_all

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
_NO_DAY = cast(null(), Date())


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
    why = {Wait.HOLD: _held(bills, holds)} | _reasons(bills, versions, now)
    found: dict[int, Wait] = {}
    for each in (Wait.HOLD, Wait.PAYING, Wait.FAPIAO, Wait.DISPUTE, Wait.PART_PAID):
        found = dict.fromkeys(why[each], each) | found
    return found


def _held(bills: Collection[Bill], holds: Sequence[Hold]) -> set[int]:
    firms, single = {each.organization_id for each in holds if each.bill_id is None}, {each.bill_id for each in holds}
    return {bill.id for bill in bills if bill.organization_id in firms or bill.id in single}


def _reasons(bills: Collection[Bill], versions: Sequence[SequenceVersion], now: datetime) -> dict[Wait, set[int]]:
    """The bills that each reason but a hold holds for: one statement, since every page of a firm in arrears asks."""
    ids, firms = [bill.id for bill in bills], {bill.organization_id for bill in bills}
    waiting = union_all(
        _reason(Wait.PAYING, Payment.bill_id).where(Payment.bill_id.in_(ids), _under_way(now)),
        _reason(Wait.FAPIAO, FapiaoRequest.bill_id).where(FapiaoRequest.bill_id.in_(ids), FapiaoRequest.status.in_(FAPIAO_OPEN)),
        # Usage that the buyer objects to and that is not settled yet.
        _reason(Wait.DISPUTE, Subscription.organization_id, ReconciledDay.day).join(ReconciledDay.subscription)
        .where(ReconciledDay.status == DayStatus.DISPUTED, Subscription.organization_id.in_(firms)),
        _reason(Wait.PART_PAID, Payment.bill_id).where(Payment.status == PaymentStatus.SUCCEEDED, _lately(bills, versions, now)),
    )  # fmt: skip
    found: dict[Wait, set[int]] = defaultdict(set)
    for why, number, day in db.session.execute(waiting):
        found[Wait(why)] |= {number} if day is None else _with(bills, number, day)
    return found


def _reason(why: Wait, number: Any, day: Any = _NO_DAY) -> Select[Any]:
    return select(literal(why.value).label("why"), number.label("number"), day.label("day"))


def _under_way(now: datetime) -> ColumnElement[bool]:
    announced = (Payment.status == PaymentStatus.PENDING) & (Payment.announced_at > now - ON_ITS_WAY)
    # A page at her bank that she has left waits for ever: no money is on its way.
    at_it = (Payment.status == PaymentStatus.PROCESSING) & or_(Payment.page_url == "", Payment.held != "")
    return or_(at_it, announced)


def _lately(bills: Collection[Bill], versions: Sequence[SequenceVersion], now: datetime) -> ColumnElement[bool]:
    """Money came for a bill within its days of notice: somebody is at it."""
    begun: dict[int, list[int]] = defaultdict(list)
    for bill in bills:
        if bill.paid_fen and bill.issued_at:
            begun[sequence_at(bill.issued_at, versions).notice_days].append(bill.id)
    parts = (and_(Payment.bill_id.in_(ids), Payment.finished_at > now - timedelta(days=days)) for days, ids in begun.items())
    return or_(false(), *parts)


def _with(bills: Collection[Bill], organization_id: int, day: date) -> set[int]:
    """A firm's bills with this day."""
    return {
        bill.id for bill in bills
        if bill.organization_id == organization_id and bill.period.first_day <= day <= bill.period.last_day
    }  # fmt: skip
