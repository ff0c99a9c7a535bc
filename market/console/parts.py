"""What several console pages say about a subscription: its state, its cost, its story."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from market import audit, billing, subscriptions
from market.subscriptions import Subscription
from market.web import agreements, changing, formats, subjects, trail


def named(subscription: Subscription, mine: Iterable[Subscription]) -> str:
    """What a firm calls one of its subscriptions: the service, and the end of its number where it has several of it."""
    name = formats.local(subscription.revision.facts, "name")
    alike = [one for one in mine if one.plan.offering_id == subscription.plan.offering_id and one.started_at]
    return name if len(alike) < 2 else _("%(name)s（编号末四位 %(end)s）", name=name, end=subscription.public_id[-4:])


def costs(lines: Iterable[billing.LineDraft]) -> dict[int, int]:
    """What each subscription comes to on the running bill, in fen."""
    totals: dict[int, int] = {}
    for line in lines:
        totals[line.subscription_id] = totals.get(line.subscription_id, 0) + line.gross_fen
    return totals


def story(subscription: Subscription, events: Sequence[audit.AuditEvent]) -> list[dict[str, Any]]:
    """The state timeline: who did what, when and why, newest first."""
    who = actor([subscription])
    return [
        {
            "at": event.at,
            "title": trail.title(event),
            "text": _detail(event, subscription),
            "actor": who(event),
            "reason": trail.reason(event.reason),
            "tone": _tone(event, first=position == 0, subscription=subscription),
        }
        for position, event in enumerate(events)
    ]


def _detail(event: audit.AuditEvent, subscription: Subscription) -> str:
    if planned_end := event.after.get("cancel_at"):
        last = agreements.last_day(datetime.fromisoformat(planned_end))
        return _("用到 %(date)s", date=formats.date(last))
    return changing.told(event, subscription)


def about(mine: Sequence[Subscription], events: Sequence[audit.AuditEvent]) -> Callable[[audit.AuditEvent], str]:
    """What an event is about, in words: services by their names, refunds by their amounts, not by numbers."""
    names = {("Subscription", one.id): formats.local(one.revision.facts, "name") for one in mine}
    for kind in ("Order", "RefundRequest"):
        if ids := {event.subject_id for event in events if event.subject_type == kind and event.subject_id}:
            names |= {(kind, id): name for id, name in subjects.LOOKUPS[kind](ids).items()}

    def name(event: audit.AuditEvent) -> str:
        return names.get((event.subject_type, event.subject_id or 0)) or trail.subject(event)

    return name


def actor(mine: Sequence[Subscription]) -> Callable[[audit.AuditEvent], str]:
    """Who acted; whoever acted for a provider is named as the provider, not by the label of a key."""
    providers = {one.id: formats.local(one.provider, "name") for one in mine}

    def name(event: audit.AuditEvent) -> str:
        if event.action in trail.BY_PROVIDER and event.subject_id in providers:
            return providers[event.subject_id]
        return trail.actor(event)

    return name


def _tone(event: audit.AuditEvent, *, first: bool, subscription: Subscription) -> str:
    if event.action in trail.BAD:
        return "bad"
    return "now" if first and subscription.status in subscriptions.LIVE else ""
