"""Verbs: take what is due, take one step now, stop and reinstate. Each may be done twice, by several at once.

A step's row, the letters and the services stopped with it are one transaction; what leaves the house is found in the
rows by the sweeps that send letters, tell providers and ask gateways. So a crash loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select

from market import accounts, audit, billing, db, payments, subscriptions
from market.accounts import Organization, User
from market.billing import Bill, BillStatus, credit_notes
from market.billing.credit_notes import CreditNote
from market.dunning import cases, course, refusals, signals
from market.dunning.course import Case, Turn
from market.dunning.models import Outcome, Step
from market.dunning.queries import WAITS, candidates, firms_stopped, pending_charges
from market.dunning.sequences import Kind, Planned
from market.kit import money
from market.kit import period as periods
from market.subscriptions import suspensions
from market.subscriptions.suspensions import Cause

log = structlog.get_logger(__name__)

_VERBS = {
    Kind.CHARGE: "bill.charge_asked",
    Kind.REMINDER: "bill.reminded",
    Kind.LAST_NOTICE: "bill.last_notice",
    Kind.SUSPENSION: "bill.services_stopped",
    Kind.END_NOTICE: "bill.end_announced",
}


def run(now: datetime, *, told: Callable[[int], object] | None = None) -> int:
    """Take every step that is due, and let go on whatever is paid; returns how many steps were taken."""
    ask_cards(now)
    taken = 0
    for ids in candidates(now):
        with db.transaction(readonly=True):
            due = [id for id, turn in turns(ids, now).items() if turn.take or turn.overtaken]
        taken += _each(due, now)
        if told:
            told(len(ids))
    # What comes of a card decides whether a letter is to be written.
    taken += _each(ask_cards(now), now)
    for organization_id in firms_stopped():
        with db.transaction():
            accounts.lock(organization_id)
            settle(organization_id, at=now)
    return taken


def _each(ids: Iterable[int], now: datetime) -> int:
    """Take what is due about each of these bills; one that fails, whatever the reason, keeps no other waiting."""
    taken = 0
    for id in ids:
        try:
            taken += _take_due(id, now)
        except Exception:
            log.exception("dunning_step_not_taken", bill=id)
    return taken


def turns(ids: Sequence[int], now: datetime) -> dict[int, Turn]:
    """What is due about each of these bills; nothing is changed."""
    bills = db.session.scalars(select(Bill).where(Bill.id.in_(ids)).order_by(Bill.id)).all()
    found = cases.cases_of(bills, now)
    return {bill.id: course.turn(found[bill.id], now) for bill in bills}


def ask_cards(now: datetime) -> list[int]:
    """Ask the gateway about charges that are written down; returns whose bills they are.

    It knows one that was asked before by its key, so a crash between the two is mended by asking again. While somebody
    may be paying the bill the charge waits; a gateway that does not answer is left alone until the next turn: letters
    wait for no card.
    """
    bills = []
    for id, bill in pending_charges():
        try:
            asked = payments.charge_saved(bill, key=f"dunning-{id}", at=now)
        except payments.BeingPaid as waits:
            if waits.unanswered:
                break
            continue
        except Exception:
            log.exception("dunning_card_not_asked", bill=bill.id)
            continue
        with db.transaction():
            step = db.session.get_one(Step, id)
            db.lock(step)
            if step.outcome is Outcome.PENDING:
                step.outcome = Outcome.ASKED if asked else Outcome.NO_CARD
        bills.append(bill.id)
        if asked and payments.unanswered(asked):
            break
    return bills


def advance(bill: Bill, *, user: User, by: audit.Actor, at: datetime, key: str | None = None) -> Step:
    """Take the next step now; with `key` only if that is the one. What stops services keeps the day that was named.

    Raises NothingToTake, StepTaken, StepWaits, TooEarly.
    """
    case = _take_bill(bill, at)
    found = course.upcoming(case, at) if case else None
    if case is None or found is None:
        raise refusals.NothingToTake
    if key is not None and found.planned.key != key:
        raise refusals.StepTaken
    stern = found.planned.kind is not Kind.REMINDER
    if why := case.waiting if stern else case.halted:
        raise refusals.StepWaits(why=WAITS[why])
    if stern and found.planned.kind is not Kind.LAST_NOTICE and course.day_of(at) < found.on:
        raise refusals.TooEarly(day=found.on.isoformat())
    return _take(bill, case, found.planned, by=by, at=at, user=user)


def settle(organization_id: int, *, at: datetime) -> int:
    """Bring a firm's services in line: stopped while a bill that has come so far is owed, else going on.

    Returns how many go on now.
    """
    by = audit.system("dunning", organization_id=organization_id)
    if bill := _keeps(organization_id):
        for subscription in suspensions.stoppable(organization_id):
            suspensions.suspend(subscription, cause=Cause.UNPAID, reason=str(bill), by=by, at=at)
        return 0
    stopped = suspensions.stopped(organization_id, Cause.UNPAID)
    count = sum(
        suspensions.reinstate(each.subscription, cause=Cause.UNPAID, by=by, at=at) for each in stopped
    )
    if count:
        signals.reinstated.send(db.session.get_one(Organization, organization_id), count=count, at=at)
    return count


def _keeps(organization_id: int) -> Bill | None:
    """A bill whose day of suspension has come and that is still owed, but for a small rest."""
    query = select(Bill).join(Step, Step.bill_id == Bill.id).where(
        Bill.organization_id == organization_id, Bill.status.in_(billing.DUE),
        Step.kind == Kind.SUSPENSION, Step.settled_at.is_(None),
    )  # fmt: skip
    owed = db.session.scalars(query.order_by(Bill.id)).all()
    return next((bill for bill in owed if bill.issued_at and bill.owed_fen >= cases.sequence_at(bill.issued_at).floor_fen), None)


def _take_due(id: int, now: datetime) -> int:
    with db.transaction():
        bill = db.session.get_one(Bill, id)
        case = _take_bill(bill, now)
        if case is None:
            return 0
        found = course.turn(case, now)
        for planned in found.overtaken:
            _write(bill, case, planned, Outcome.OVERTAKEN, at=now)
        taken = 0
        for planned in found.take:
            step = _take(bill, case, planned, by=_system(bill), at=now)
            taken += 1
            if step.outcome is Outcome.PENDING:
                break
        return taken


def _take_bill(bill: Bill, at: datetime) -> Case | None:
    """Hold the bill and see how it stands; None when nothing is owed."""
    accounts.lock(bill.organization_id)
    db.lock(bill)
    return cases.case_of(bill, at) if bill.status in billing.DUE and bill.due_at else None


def _take(
    bill: Bill, case: Case, planned: Planned, *, by: audit.Actor, at: datetime, user: User | None = None
) -> Step:
    outcome = _act(bill, case, planned, by=by, at=at)
    step = _write(bill, case, planned, outcome, at=at, user=user)
    audit.record(
        _VERBS[planned.kind], bill, by=by, at=at, organization_id=bill.organization_id,
        after={"step": step.key, "owed_fen": step.owed_fen, "outcome": outcome.value}
        | ({"on": step.names_on.isoformat()} if step.names_on else {}),
    )  # fmt: skip
    if outcome in (Outcome.WRITTEN, Outcome.STOPPED):
        stops_on = step.names_on or course.stops_on(case, at)
        signals.step_taken.send(step, bill=bill, stops_on=stops_on, at=at)
    return step


def _write(
    bill: Bill, case: Case, planned: Planned, outcome: Outcome, *, at: datetime, user: User | None = None
) -> Step:
    """The step's row: the database takes it once."""
    step = Step(
        bill_id=bill.id, key=planned.key, kind=planned.kind, planned_on=case.due_on + timedelta(days=planned.offset), at=at,
        outcome=outcome, names_on=course.named_by(planned, case, at) if outcome is not Outcome.OVERTAKEN else None,
        owed_fen=bill.owed_fen, taken_by_id=user.id if user else None,
    )  # fmt: skip
    db.session.add(step)
    db.session.flush()
    return step


def _act(bill: Bill, case: Case, planned: Planned, *, by: audit.Actor, at: datetime) -> Outcome:
    if planned.kind is Kind.CHARGE:
        return Outcome.PENDING
    if planned.kind is Kind.SUSPENSION:
        found = suspensions.stoppable(bill.organization_id)
        stopped = [suspensions.suspend(each, cause=Cause.UNPAID, reason=str(bill), by=by, at=at) for each in found]
        return Outcome.STOPPED if any(stopped) else Outcome.NOTHING_TO_STOP
    if planned.kind is Kind.END_NOTICE:
        last_day = course.named_by(planned, case, at)
        assert last_day is not None
        end = periods.local_midnight(last_day + timedelta(days=1))
        stopped_now = suspensions.stopped(bill.organization_id, Cause.UNPAID)
        ending = [suspensions.plan_end(each, end, by=by, at=at) for each in stopped_now]
        return Outcome.WRITTEN if any(ending) else Outcome.NOTHING_TO_STOP
    return Outcome.WRITTEN


def _system(bill: Bill) -> audit.Actor:
    return audit.system("dunning", organization_id=bill.organization_id)


def _settled(bill: Bill, *, at: datetime, **_: Any) -> None:
    """A bill is paid: its sequence is over, and services go on at once unless another bill has come as far."""
    open_steps = db.session.scalars(select(Step).where(Step.bill_id == bill.id, Step.settled_at.is_(None))).all()
    for step in open_steps:
        step.settled_at = at
    if any(step.kind is Kind.SUSPENSION for step in open_steps):
        db.session.flush()
        settle(bill.organization_id, at=at)


def _credited(note: CreditNote, *, at: datetime, **_: Any) -> None:
    """A credit note settles a bill too that it leaves nothing of."""
    bill = db.session.get_one(Bill, note.bill_id)
    if bill.status is BillStatus.PAID:
        _settled(bill, at=at)


def _ordering(organization: Organization, **_: Any) -> None:
    """What is not paid for is not sold on, not even until the next sweep would stop it."""
    if bill := _keeps(organization.id):
        raise refusals.UnpaidFirst(bill=str(bill), owed=money.text(bill.owed_fen))


# Whoever can pay goes on, and may order again: part of dunning itself, not news for somebody else.
billing.bill_paid.connect(_settled)
credit_notes.credit_note_issued.connect(_credited)
subscriptions.ordering.connect(_ordering)
