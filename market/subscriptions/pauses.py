"""Pausing: recurring fees do not run on whole paused days, and come with nothing included; usage is rated all the same.

A day that has begun is paid for and can be used, so a pause begins on the next midnight at the earliest and a resumed
day counts from its own 00:00.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from market import audit
from market.errors import Invalid
from market.kit import period as periods
from market.subscriptions import changes, effects, refusals, span
from market.subscriptions.changes import When
from market.subscriptions.models import (
    ChangeKind,
    ChangeStatus,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)


def pause(
    subscription: Subscription, *, when: When, by: audit.Actor, at: datetime, reason: str = ""
) -> SubscriptionChange:
    """Let recurring fees rest from a midnight on: the coming one ("now"), the period's end, or a day's.

    Paused at that midnight already, it changes nothing.
    Raises NotRunning, HasEnded, IsSuspended, EndsBefore, TrialNotPaused, AlreadyPaused, Invalid.
    """
    changes.take(subscription, at, by)
    if subscription.status is SubscriptionStatus.TRIALING and subscription.cancel_at is not None:
        raise refusals.TrialNotPaused
    tomorrow = periods.local_day(at) + timedelta(days=1)
    if isinstance(when, date) and not isinstance(when, datetime) and when < tomorrow:
        raise Invalid(fields={"on": "今天已经计费，最早从明天 0 点起暂停。"})
    midnight = changes.effective_at(subscription, tomorrow if when == "now" else when, at)
    first = span.paid_from(subscription)
    if first is None or midnight < first:
        raise refusals.TrialNotPaused
    if span.held_at(subscription, midnight).paused:
        return _same(subscription, ChangeKind.PAUSE, midnight, refusals.AlreadyPaused)
    return _ask(subscription, ChangeKind.PAUSE, midnight, reason=reason, by=by, at=at)


def resume(
    subscription: Subscription, *, when: When = "now", by: audit.Actor, at: datetime, reason: str = ""
) -> SubscriptionChange:
    """Go on from a midnight: today's ("now"), the period's end, or a day's. Going on already, it changes nothing.

    A later day that was planned for the same pause is not needed any more and goes.
    Raises NotRunning, HasEnded, IsSuspended, EndsBefore, NotPaused, Invalid.
    """
    changes.take(subscription, at, by)
    midnight = changes.effective_at(subscription, when, at)
    if not span.held_at(subscription, midnight).paused:
        return _same(subscription, ChangeKind.RESUME, midnight, refusals.NotPaused)
    for later in _overtaken(subscription, midnight):
        effects.supersede(later, at=at)
    return _ask(subscription, ChangeKind.RESUME, midnight, reason=reason, by=by, at=at)


def _overtaken(subscription: Subscription, midnight: datetime) -> list[SubscriptionChange]:
    """Planned ends of the pause that is over at `midnight`."""
    planned = [one for one in subscription.changes if one.status is ChangeStatus.PLANNED and one.effective_at > midnight]
    again = min((one.effective_at for one in planned if one.kind is ChangeKind.PAUSE), default=None)
    return [one for one in planned if one.kind is ChangeKind.RESUME and (again is None or one.effective_at <= again)]


def _ask(
    subscription: Subscription, kind: ChangeKind, midnight: datetime, *, reason: str, by: audit.Actor, at: datetime
) -> SubscriptionChange:
    asked = SubscriptionChange(kind=kind)
    changes.plan_for(subscription, asked, midnight, reason=reason, by=by, at=at)
    return asked


def _same(
    subscription: Subscription, kind: ChangeKind, midnight: datetime, refusal: type[refusals.Refused]
) -> SubscriptionChange:
    """The one that has brought it about, when it was for the same midnight: somebody clicked twice."""
    for one in reversed(subscription.changes):
        if (one.kind, one.effective_at) == (kind, midnight) and one.status in span.COUNTING:
            return one
    raise refusal
