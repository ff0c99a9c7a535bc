"""When a subscription counts: the days that are paid for, what held on each of them, and where its periods end.

Days are local and whole: the day it starts and the day it ends both count. Trial days are free.
Only dates decide, never a status, so a sweep that runs late changes no bill: a planned change whose midnight has
passed holds like an applied one. Of several changes of one day the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from market import db
from market.accounts.models import Organization
from market.catalog.models import Plan
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions.models import ChangeKind, ChangeStatus, Subscription, SubscriptionChange

#: A change that was withdrawn or superseded never held.
COUNTING = frozenset({ChangeStatus.PLANNED, ChangeStatus.APPLIED})
_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """What holds from a midnight on; `since` is None for what it began with."""

    since: datetime | None
    plan: Plan
    quantity: int
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a period during which one plan version was held in one quantity; bounds on local midnight.

    While it is paused, recurring fees do not run.
    """

    period: Period
    plan: Plan
    quantity: int = 1
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What a subscription held since when, and what is planned, what it began with first; and what of it is paid for.

    `paid_from` and `span` are those of the functions of that name. For whoever asks more than once.
    """

    held: tuple[Held, ...]
    paid_from: datetime | None
    span: Period | None

    def segments(self, period: Period) -> list[Segment]:
        """The paid parts of `period`, in order."""
        paid = self.span.clip(period) if self.span else None
        if paid is None:
            return []
        return [
            Segment(part, held.plan, held.quantity, held.paused)
            for held, stretch in _stretches(self.held, paid)
            if (part := stretch.clip(paid))
        ]

    def yearly_runs(self) -> list[Period]:
        """The stretches during which plans paid by the year were held one after another, paused days included.

        The first day of each is the anchor of its years, however often plans change within it.
        """
        if self.paid_from is None or not self.has("year"):
            return []
        runs: list[Period] = []
        for held, stretch in _stretches(self.held, periods.since(self.paid_from)):
            if not _is_paid(held.plan, "year"):
                continue
            if runs and runs[-1].end == stretch.start:
                runs[-1] = Period(runs[-1].start, stretch.end)
            else:
                runs.append(stretch)
        return runs

    def has(self, interval: str) -> bool:
        """Whether a plan in it has a fee that is paid so: by the `month`, by the `year` or `once`."""
        return any(_is_paid(plan, interval) for plan in dict.fromkeys(held.plan for held in self.held))


def segments(subscription: Subscription, period: Period) -> list[Segment]:
    """The paid parts of `period`, in order; the plan and the changes with theirs are loaded (`with_plan`)."""
    return course_of(subscription).segments(period)


def held_at(subscription: Subscription, at: datetime) -> Held:
    """What holds at an instant."""
    return [held for held in course_of(subscription).held if held.since is None or held.since <= at][-1]


def course_of(subscription: Subscription) -> Course:
    """Its course; plan and changes are loaded, as for `segments`."""
    return Course(tuple(_held(subscription)), paid_from(subscription), paid_span(subscription))


def _held(subscription: Subscription) -> list[Held]:
    changes = sorted((one for one in subscription.changes if one.status in COUNTING), key=_in_order)
    held = _beginning(subscription, changes)
    course = [held]
    for change in changes:
        held = after(held, change)
        if course[-1].since == held.since:
            course[-1] = held
        else:
            course.append(held)
    return course


def after(held: Held, change: SubscriptionChange) -> Held:
    """What holds from the change's midnight on. A new price is one for its own old version and nothing else."""
    if change.kind in (ChangeKind.PAUSE, ChangeKind.RESUME):
        return replace(held, since=change.effective_at, paused=change.kind is ChangeKind.PAUSE)
    if change.kind is ChangeKind.PRICE and change.before_plan_id != held.plan.id:
        return replace(held, since=change.effective_at)
    plan = change.plan or held.plan
    return Held(change.effective_at, plan, fitted(plan, change.quantity or held.quantity), held.paused)


def fitted(plan: Plan, quantity: int) -> int:
    """The nearest number, not below `quantity` if possible, in which a plan is sold; 1 where it is not sold so."""
    if not plan.quantity_unit_zh:
        return 1
    low, high, step = plan.quantity_minimum, most_of(plan), plan.quantity_step
    wanted = low + max(0, -(-(quantity - low) // step)) * step
    return wanted if high is None else min(wanted, high)


def most_of(plan: Plan) -> int | None:
    """The most that can be had of a plan, in its steps; None where there is no limit."""
    low, high, step = plan.quantity_minimum, plan.quantity_maximum, plan.quantity_step
    return None if high is None else low + (high - low) // step * step


def _in_order(change: SubscriptionChange) -> tuple[datetime, float]:
    """By midnight, then as they were asked for; one that is only being considered comes last."""
    return change.effective_at, float("inf") if change.id is None else change.id


def _beginning(subscription: Subscription, changes: list[SubscriptionChange]) -> Held:
    for change in changes:
        if change.status is ChangeStatus.APPLIED and change.before_plan is not None:
            return Held(None, change.before_plan, change.before_quantity or 1)
    return Held(None, subscription.plan, subscription.quantity or 1)


def _stretches(course: Sequence[Held], within: Period) -> Iterator[tuple[Held, Period]]:
    """What was held, each with its time; neighbors that differ in nothing are one."""
    starts = [within.start if held.since is None else max(held.since, within.start) for held in course]
    begun: tuple[Held, datetime] | None = None
    for n, held in enumerate(course):
        end = starts[n + 1] if n + 1 < len(course) else within.end
        if end <= starts[n]:
            continue
        if begun is not None and _same(begun[0], held):
            continue
        if begun is not None:
            yield begun[0], Period(begun[1], starts[n])
        begun = held, starts[n]
    if begun is not None:
        yield begun[0], Period(begun[1], max(begun[1], within.end))


def _same(one: Held, other: Held) -> bool:
    return (one.plan.id, one.quantity, one.paused) == (other.plan.id, other.quantity, other.paused)


# --- the paid span -----------------------------------------------------------------------


def paid_span(subscription: Subscription) -> Period | None:
    """From the first to the last paid day, open-ended while no end is planned; None if nothing is paid for."""
    start = paid_from(subscription)
    if start is None:
        return None
    end = subscription.ended_at or subscription.cancel_at
    if end is None:
        return periods.since(start)
    last = max(day_after(end), periods.local_midnight(periods.local_day(subscription.started_at or end) + _DAY))
    return Period(start, last) if start < last else None


def day_after(end: datetime) -> datetime:
    """The midnight after the last day. An end on midnight belongs to the day it closes, not the one it opens."""
    return periods.local_midnight(periods.local_day(end - _INSTANT) + _DAY)


def paid_from(subscription: Subscription) -> datetime | None:
    """The midnight from which it costs money: of the first day, or of the day after the trial."""
    if subscription.started_at is None:
        return None
    if subscription.trial_ends_at is not None:
        return subscription.trial_ends_at
    return periods.local_midnight(periods.local_day(subscription.started_at))


def trial_end(started_at: datetime, trial_days: int) -> datetime:
    """The midnight that ends a trial: the day it starts is a present, then `trial_days` whole days."""
    return periods.local_midnight(periods.local_day(started_at) + (trial_days + 1) * _DAY)


# --- periods -----------------------------------------------------------------------------


def period_end(subscription: Subscription, at: datetime) -> datetime:
    """When the period ends that `at` lies in: the trial, the paid year, or the billing month.

    Plan and changes are loaded, as for `segments`.
    """
    start = paid_from(subscription)
    if start is not None and at < start:
        return start
    if year := paid_year(subscription, at):
        return year.end
    anchor_day = db.session.get_one(Organization, subscription.organization_id).anchor_day
    return periods.anchored_at(date(2000, 1, anchor_day), at, "month")[1].end


def paid_year(subscription: Subscription, at: datetime) -> Period | None:
    """The year paid in advance that an instant lies in; None while no fee is paid by the year."""
    for run in course_of(subscription).yearly_runs():
        if run.contains(at):
            return periods.anchored_at(run.first_day, at, "year")[1]
    return None


def _is_paid(plan: Plan, interval: str) -> bool:
    """Whether a fee of the plan is paid so; no other kind of charge has an interval."""
    return any(charge.terms.get("interval") == interval for charge in plan.charges)
