"""What several console pages say about a subscription: its state, the next charge, its story."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from market import audit, billing, rating, subscriptions
from market.kit import period
from market.subscriptions import Subscription, SubscriptionStatus
from market.web import agreements, formats, subjects, trail


@dataclass(frozen=True)
class NextCharge:
    """What is paid next, when, and why. `fen` is what it comes to so far, None while nothing is charged."""

    title: str
    on: datetime | None
    fen: int | None
    note: str


def next_charge(
    subscription: Subscription, month: period.Period, fen: int, *, now: datetime
) -> NextCharge:
    """The card that answers "what will I pay next"; `fen` is the running bill's part of this month."""
    end = subscription.cancel_at
    match subscription.status:
        case SubscriptionStatus.PENDING | SubscriptionStatus.PROVISIONING:
            return NextCharge(_("还没有开始计费"), None, None, _("开通成功的当天才开始计费。"))
        case SubscriptionStatus.FAILED:
            return NextCharge(_("没有产生费用"), None, None, _("没有开通成功，可以重试或取消。"))
        case SubscriptionStatus.ENDED:
            return _last_charge(subscription, month, fen)
        case SubscriptionStatus.TRIALING if end is not None:
            return NextCharge(_("试用期内不收费"), None, None, _("到期自动停止，不会自己转成付费。"))
        case SubscriptionStatus.TRIALING:
            paid_from = subscription.trial_ends_at or now
            note = _("从 %(date)s 起按套餐计费。", date=formats.date(paid_from))
            return NextCharge(_("试用之后的第一份账单"), period.month_of(paid_from).end, None, note)
    if end is not None:
        note = _("停用后不再收费。停用前的用量在这份账单里。")
        return NextCharge(_("最后一份账单"), max(month.end, end), fen, note)
    return NextCharge(_("下一份账单"), month.end, fen, _("本月到现在，含税和整月的固定费用。月底前还会随用量变化。"))


def _last_charge(subscription: Subscription, month: period.Period, fen: int) -> NextCharge:
    if subscription.started_at is None:
        return NextCharge(_("没有产生费用"), None, None, _("这项订阅没有开通过。"))
    ended = subscription.ended_at
    if ended is None or agreements.last_day(ended) < month.start:
        return NextCharge(_("已经停止收费"), None, None, _("停用之前的费用在当时的账单里。"))
    return NextCharge(_("最后一份账单"), month.end, fen, _("停用前的用量在这份账单里。之后不再收费。"))


def planned(subscription: Subscription, now: datetime) -> str:
    """The date that changes its state, in words: how long the trial lasts, when it ends; else empty."""
    end = subscription.cancel_at
    if subscription.status is SubscriptionStatus.TRIALING and subscription.trial_ends_at is not None:
        return _("还剩 %(days)s 天", days=max(agreements.days_left(subscription.trial_ends_at, now), 0))
    if end is not None and subscription.status in subscriptions.LIVE:
        return _("用到 %(date)s", date=formats.date(agreements.last_day(end), short=True))
    return ""


def working(subscription: Subscription, lines: Iterable[billing.LineDraft]) -> dict[str, tuple[str, ...]]:
    """How this month's amount of each charge comes about so far, by the charge's slug."""
    slugs = {charge.id: charge.slug for charge in subscription.plan.charges}
    return {
        slugs[line.charge_id]: rating.explain(
            rating.load_steps(line.steps), formats.local(line.label, "unit"), formats.language()
        )
        for line in lines
        if line.charge_id in slugs and "trial" not in line.label
    }


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
            "text": _detail(event),
            "actor": who(event),
            "reason": trail.reason(event.reason),
            "tone": _tone(event, first=position == 0, subscription=subscription),
        }
        for position, event in enumerate(events)
    ]


def _detail(event: audit.AuditEvent) -> str:
    if planned_end := event.after.get("cancel_at"):
        last = agreements.last_day(datetime.fromisoformat(planned_end))
        return _("用到 %(date)s", date=formats.date(last))
    return ""


def about(mine: Sequence[Subscription], events: Sequence[audit.AuditEvent]) -> Callable[[audit.AuditEvent], str]:
    """What an event is about, in words: a subscription or an order by the name of its service, not by its number."""
    names = {("Subscription", one.id): formats.local(one.revision.facts, "name") for one in mine}
    if orders := {event.subject_id for event in events if event.subject_type == "Order" and event.subject_id}:
        names |= {("Order", id): name for id, name in subjects.LOOKUPS["Order"](orders).items()}

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
