"""Another plan as if it had been held over the days compared: paused when the firm paused, as many as the firm held. Pure.

It is a subscription that is never stored, so that what falls due is found by the code of the bill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from market.billing import charging
from market.billing.dues import Due
from market.billing.models import LineKind
from market.billing.uses import Month, Stretch, Usage
from market.catalog import Plan
from market.kit.period import Period
from market.subscriptions import Course, Held, Subscription, paid_from, paid_span
from market.subscriptions.span import fitted


def dues(plan: Plan, usage: Usage, held: int) -> Sequence[Sequence[Due]]:
    """What its bills of the months of a use are made of; `held` is in what number where that did not change."""
    known = usage.dues.get((plan.id, held))
    return _dues(plan, usage, held) if known is None else known


def prepared(usage: Usage, plans: Iterable[Plan]) -> Usage:
    """The same with what is due for these plans, where the use of stretches of days has to be asked for first."""
    if all(len(month.stretches) < 2 for month in usage.months):
        return usage
    numbers = ((plan, fitted(plan, usage.held[0] if _alike(plan, usage) and usage.held else 1)) for plan in plans)
    return replace(usage, dues={(plan.id, held): _dues(plan, usage, held) for plan, held in numbers})


def stretches(usage: Usage) -> dict[Period, Month]:
    """The stretches of days, shorter than a month, over which the use of a prepared plan is charged."""
    return {
        due.service: month
        for known in usage.dues.values()
        for month, those in zip(usage.months, known, strict=True)
        for due in those
        if due.metered and due.service != month.paid
    }


def _dues(plan: Plan, usage: Usage, held: int) -> list[list[Due]]:
    start, end = usage.months[0].paid.start, usage.months[-1].paid.end
    subscription = Subscription(plan=plan, quantity=held, started_at=start, ended_at=end)
    course = Course(tuple(_held(plan, usage, held)), paid_from(subscription), paid_span(subscription))
    # What a year paid in advance would give back when the comparison ends is no part of it.
    return [
        [due for due in charging.due_in(subscription, month.whole, course) if due.kind is not LineKind.CREDIT or due.service.start < end]
        for month in usage.months
    ]


def _alike(plan: Plan, usage: Usage) -> bool:
    """Whether both are sold by the same unit."""
    return usage.held is not None and usage.held[1] == plan.quantity_unit_zh


def numbers_held(plan: Plan, usage: Usage) -> Iterator[tuple[Stretch, int]]:
    """The firm's own numbers, where both plans are sold by the same unit."""
    if usage.held and _alike(plan, usage):
        for month in usage.months:
            yield from ((stretch, stretch.held or usage.held[0]) for stretch in month.stretches)


def _held(plan: Plan, usage: Usage, held: int) -> Iterator[Held]:
    """What held since when: the plan all the time, paused and in numbers as the firm did it."""
    many, numbers = held, {stretch: fitted(plan, number) for stretch, number in numbers_held(plan, usage)}
    before = Held(None, plan, many)
    yield before
    for stretch in (stretch for month in usage.months for stretch in month.stretches):
        many = numbers.get(stretch, many)
        if (stretch.paused, many) != (before.paused, before.quantity):
            before = Held(stretch.days.start, plan, many, stretch.paused)
            yield before
