"""Which charges of a subscription fall in a billing period, over which days and for which share of it.

Pure: subscription, its changes, plans and charges are loaded, nothing is asked. The rules:

* A trial is free; its days stand on the bill as one line of ¥0.00.
* A monthly fee and what the plan includes count by days in the period that are paid, segment by segment where plan or
  quantity change; what goes on at the same terms is one line.
* A yearly fee is due in full, in advance, in the month in which a year of the paid subscription begins; what changes
  in a paid year is due or given back for its whole days still to come (`years.py`).
* A one-off fee is due once, in the month in which it is first held.
* Usage charges are rated over the paid days of the period; on whole paused days without what the plan includes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from market import rating, subscriptions
from market.billing import years
from market.billing.dues import Due as Due
from market.billing.models import LineKind
from market.billing.tracks import Piece, merged, tracks
from market.kit import period as periods
from market.kit.period import Period
from market.subscriptions import Course, Segment, Subscription, day_after

_FREE = rating.Flat(Decimal("0.00"), "once")


def all_due(subscribed: Iterable[Subscription], period: Period) -> list[Due]:
    """The charges of many subscriptions in a billing period, one subscription after the other.

    What simply goes on at one plan is worked out once for all that hold it in the same number on the same days.
    """
    known: dict[Hashable, list[Due]] = {}
    found: list[Due] = []
    for one in subscribed:
        key = _going_on(one, period)
        if key is None:
            found += due_in(one, period)
            continue
        if key not in known:
            known[key] = due_in(one, period)
        found += [due.of(one) for due in known[key]]
    return found


def _going_on(subscription: Subscription, period: Period) -> Hashable | None:
    """What its charges depend on, where that is only its plan, the number and the paid days of the period.

    None where dates outside of the period matter: trials, one-off and yearly fees, and where something changes.
    """
    span = subscriptions.paid_span(subscription)
    if span is None or subscription.changes or subscription.trial_ends_at is not None:
        return None
    if any(charge.terms.get("interval") in ("once", "year") for charge in subscription.plan.charges):
        return None
    paid = span.clip(period)
    return None if paid is None else (subscription.plan_id, subscription.quantity, paid.start, paid.end)


def due_in(subscription: Subscription, period: Period, course: Course | None = None) -> list[Due]:
    """The charges of one subscription in a billing period: segment by segment, money back first, in the plan's order.

    Its `course` is given by who asks for more than one period.
    """
    course = course or subscriptions.course_of(subscription)
    segments = course.segments(period)
    starts = [segment.period.start for segment in segments]
    found = [(one.service.start, one) for one in by_the_month(subscription, period, segments)]
    if course.has("once"):
        found += [(one.service.start, one) for one in once(subscription, period, course)]
    found += years.by_the_year(subscription, period, course)

    def place(one: tuple[datetime, Due]) -> tuple[datetime, bool, int, datetime]:
        at, due = one
        start = max((start for start in starts if start <= at), default=at)
        return start, due.kind is not LineKind.CREDIT, due.charge.position, at

    return [*free_in(subscription, period), *(due for _, due in sorted(found, key=place))]


def free_in(subscription: Subscription, period: Period) -> Iterator[Due]:
    """The trial's days of a billing period."""
    free = trial_in(subscription, period)
    if free and subscription.plan.charges:
        yield Due(subscription, subscription.plan, subscription.plan.charges[0], _FREE, free, trial=True)


def by_the_month(subscription: Subscription, period: Period, segments: Iterable[Segment]) -> Iterator[Due]:
    """Monthly fees and usage in a billing period, segment by segment."""
    found = tracks(segments, _monthly)
    for number, track in enumerate(found):
        for piece in merged(piece for piece in track if not _rests(piece)):
            yield Due(
                subscription, piece.plan, piece.charge, piece.terms, piece.period,
                rating.share(period, piece.period), units=piece.units, paused=piece.paused, track=("month", number),
            )  # fmt: skip


def once(subscription: Subscription, period: Period, course: Course) -> Iterator[Due]:
    """One-off fees that are first held in a billing period; one that was held before is not due again."""
    start = course.paid_from
    if start is None or start >= period.end:
        return
    known: set[str] = set()
    for segment in course.segments(Period(start, period.end)):
        for charge in segment.plan.charges:
            terms = rating.parse(charge.terms)
            if not isinstance(terms, rating.Flat) or terms.interval != "once" or charge.slug in known:
                continue
            known.add(charge.slug)
            part = segment.period.clip(period)
            if part and period.contains(segment.period.start):
                yield Due(subscription, segment.plan, charge, terms, part)


def trial_in(subscription: Subscription, period: Period) -> Period | None:
    """The days of the period that are free."""
    started_at, paid_from = subscription.started_at, subscriptions.paid_from(subscription)
    if started_at is None or paid_from is None:
        return None
    last = min(paid_from, day_after(subscription.ended_at) if subscription.ended_at else paid_from)
    first = periods.local_midnight(periods.local_day(started_at))
    return Period(first, last).clip(period) if first < last else None


def _monthly(terms: rating.Terms) -> bool:
    return not isinstance(terms, rating.Flat) or terms.interval == "month"


def _rests(piece: Piece) -> bool:
    """Recurring fees do not run on paused days."""
    return piece.paused and isinstance(piece.terms, rating.Flat)
