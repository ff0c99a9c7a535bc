"""Verbs of administrators: put dunning off for a while, go on with it, and change the sequence for bills to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from market import accounts, audit, db
from market.accounts import Organization, User
from market.billing import Bill
from market.dunning import cases, refusals, signals
from market.dunning.models import Hold, SequenceVersion, Step
from market.dunning.sequences import Kind, Sequence
from market.errors import Invalid
from market.kit import working_days
from market.kit.period import local_day, local_midnight
from market.kit.refusal import Refusal
from market.subscriptions import suspensions
from market.subscriptions.suspensions import Cause

LONGEST_REASON = 300
#: Nobody puts anything off for longer at once.
LONGEST_HOLD = timedelta(days=180)
#: A reminder is written so long before the last day for paying at the earliest, and everything is over after so long.
EARLIEST, LATEST = -30, 365
MOST_STEPS = 12


def hold(
    organization: Organization, *, until: date | None, reason: str, bill: Bill | None = None, user: User, by: audit.Actor, at: datetime
) -> Hold:
    """Nothing is done about the bill, or any of the firm's, through a day. What was put off before ends with it.

    A suspension or an end that was announced moves behind it, by the days of notice. Raises Invalid with `fields`.
    """
    _check_hold(until, reason.strip(), at)
    assert until is not None
    accounts.lock(organization.id)
    for earlier in cases.holds_of([organization.id], at):
        if earlier.bill_id == (bill.id if bill else None):
            _lift(earlier, user, at)
    placed = Hold(
        organization=organization, bill_id=bill.id if bill else None, until=until, reason=reason.strip(), placed_by_id=user.id, placed_at=at
    )
    db.session.add(placed)
    db.session.flush()
    _move_days(placed)
    _move_ends(organization, by, at)
    audit.record(
        "dunning_hold.placed", placed, by=by, at=at, reason=placed.reason, organization_id=organization.id,
        after={"until": until.isoformat(), "bill": str(bill) if bill else None},
    )  # fmt: skip
    signals.held.send(placed, at=at)
    return placed


def lift(placed: Hold, *, user: User, by: audit.Actor, at: datetime) -> None:
    """Go on. A suspension that was moved stays where it is. Raises NotHeld."""
    db.lock(placed)
    if placed.lifted_at is not None or placed.until < local_day(at):
        raise refusals.NotHeld
    _lift(placed, user, at)
    audit.record(
        "dunning_hold.lifted", placed, by=by, at=at, organization_id=placed.organization_id, after={"until": placed.until.isoformat()}
    )


@dataclass(frozen=True)
class Wanted:
    """A sequence as somebody typed it; None is what was not typed."""

    reminders: str
    charges: str
    last_notice: int | None
    suspension: int | None
    end_notice: int | None
    notice_days: int | None
    end_days: int | None
    floor_fen: int | None


def change_sequence(wanted: Wanted, *, after: int, reason: str, user: User, by: audit.Actor, at: datetime) -> SequenceVersion:
    """What holds for bills issued from now on; those that are issued keep theirs.

    `after` is the number that the writer has seen. Raises Invalid with `fields`, ChangedMeanwhile.
    """
    db.serialize("dunning sequence")
    before = cases.sequence_at(at)
    if before.number != after:
        raise refusals.ChangedMeanwhile(number=before.number)
    checked = _checked(wanted, reason.strip(), before)
    version = SequenceVersion(
        number=before.number + 1, reminders=list(checked.reminders), charges=list(checked.charges), last_notice=checked.last_notice,
        suspension=checked.suspension, end_notice=checked.end_notice, notice_days=checked.notice_days, end_days=checked.end_days,
        floor_fen=checked.floor_fen, effective_at=at, reason=reason.strip(), changed_by_id=user.id,
    )  # fmt: skip
    db.session.add(version)
    audit.record(
        "dunning_sequence.changed", version, by=by, at=at, reason=version.reason, before=_facts(before), after=_facts(checked)
    )
    return version


def _check_hold(until: date | None, reason: str, at: datetime) -> None:
    wrong: dict[str, str | Refusal] = {}
    today = local_day(at)
    if until is None or not today <= until <= today + LONGEST_HOLD:
        wrong["until"] = Refusal("选从今天到 %(last)s 的一天", last=(today + LONGEST_HOLD).isoformat())
    if not reason:
        wrong["reason"] = "写明为什么暂缓，客户会看到"
    elif len(reason) > LONGEST_REASON:
        wrong["reason"] = "原因最多 300 个字"
    if wrong:
        raise Invalid(fields=wrong)


def _lift(placed: Hold, user: User, at: datetime) -> None:
    placed.lifted_at, placed.lifted_by_id = at, user.id


def _move_days(placed: Hold) -> None:
    """After it the firm has the days of notice again, those of the sequence that its bill keeps."""
    query = select(Step).join(Step.bill).options(contains_eager(Step.bill)).where(
        Bill.organization_id == placed.organization_id, Step.kind.in_([Kind.LAST_NOTICE, Kind.END_NOTICE]), Step.settled_at.is_(None)
    )  # fmt: skip
    if placed.bill_id is not None:
        query = query.where(Bill.id == placed.bill_id)
    versions = cases.versions_of_sequence()
    for step in db.session.scalars(query):
        assert step.bill.issued_at is not None
        sequence = cases.sequence_at(step.bill.issued_at, versions)
        notice = sequence.notice_days if step.kind is Kind.LAST_NOTICE else sequence.end_days
        earliest = working_days.on_or_after(placed.until + timedelta(days=notice))
        if step.names_on and step.names_on < earliest:
            step.names_on = earliest


def _move_ends(organization: Organization, by: audit.Actor, at: datetime) -> None:
    """Services that were to end do so on the first day that is still named."""
    db.session.flush()
    named = select(func.min(Step.names_on)).join(Step.bill).where(
        Bill.organization_id == organization.id, Step.kind == Kind.END_NOTICE, Step.settled_at.is_(None)
    )  # fmt: skip
    last_day = db.session.scalar(named)
    if last_day is not None:
        for stopped in suspensions.stopped(organization.id, Cause.UNPAID):
            suspensions.put_off_end(stopped, local_midnight(last_day + timedelta(days=1)), by=by, at=at)


def _checked(wanted: Wanted, reason: str, before: Sequence) -> Sequence:
    wrong: dict[str, str | Refusal] = {}
    reminders, charges = _days(wanted.reminders, "reminders", wrong), _days(wanted.charges, "charges", wrong)
    numbers = {name: getattr(wanted, name) for name in ("last_notice", "suspension", "end_notice", "notice_days", "end_days", "floor_fen")}
    wrong |= {name: "填写整数" if name != "floor_fen" else "填写金额，例如 1.00" for name, value in numbers.items() if value is None}
    if not reason:
        wrong["reason"] = "写明为什么改"
    elif len(reason) > LONGEST_REASON:
        wrong["reason"] = "原因最多 300 个字"
    if wrong:
        raise Invalid(fields=wrong)
    found = Sequence(before.number + 1, reminders, charges, **numbers)
    if problems := _problems(found):
        raise Invalid(fields=problems)
    return found


def _days(typed: str, name: str, wrong: dict[str, str | Refusal]) -> tuple[int, ...]:
    words = typed.replace("，", " ").replace(",", " ").replace("、", " ").replace("−", "-").replace("+", "").split()
    days = {int(word) for word in words if word.lstrip("-").isascii() and word.lstrip("-").isdigit() and len(word) < 5}
    if len(days) != len(words) or len(days) > MOST_STEPS:
        wrong[name] = "写成用空格分开的整数，每个只写一次，例如 -7 -1 0 3 7"
    return tuple(sorted(days))


def _problems(found: Sequence) -> dict[str, str | Refusal]:
    problems: dict[str, str | Refusal] = {}
    if not all(EARLIEST <= day < found.last_notice for day in found.reminders):
        problems["reminders"] = "提醒要在付款日前 30 天到最后通知之前"
    if not all(0 <= day < found.last_notice for day in found.charges):
        problems["charges"] = "扣款从付款日当天起，在最后通知之前"
    if not 1 <= found.last_notice <= LATEST:
        problems["last_notice"] = "最后通知要在付款日之后，一年之内"
    if not 3 <= found.notice_days <= 60:
        problems["notice_days"] = "至少提前 3 天，最多 60 天"
    if not found.last_notice + found.notice_days <= found.suspension <= LATEST:
        problems["suspension"] = "停用日要在最后通知之后，并留足提前的天数"
    if not found.suspension + 14 <= found.end_notice <= 2 * LATEST:
        problems["end_notice"] = "停用至少 14 天以后才能通知终止"
    if not 15 <= found.end_days <= LATEST:
        problems["end_days"] = "终止至少提前 15 天通知，让客户取回数据"
    if not 0 <= found.floor_fen <= 100_000_00:
        problems["floor_fen"] = "从 0 到 100,000 元"
    return problems


def _facts(sequence: Sequence) -> dict[str, object]:
    return {
        "number": sequence.number, "reminders": list(sequence.reminders), "charges": list(sequence.charges),
        "last_notice": sequence.last_notice, "suspension": sequence.suspension, "end_notice": sequence.end_notice,
        "notice_days": sequence.notice_days, "end_days": sequence.end_days, "floor_fen": sequence.floor_fen,
    }  # fmt: skip
