"""What changes a subscription, in words: what is planned, and what a row of its trail says about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from flask_babel import gettext as _

from market.audit import AuditEvent
from market.subscriptions import LIVE, ChangeKind, ChangeStatus, Subscription, SubscriptionChange
from market.web import formats, trail


class Planned(NamedTuple):
    """A change to come: from when, what, why, and whether whoever bought it can take it back."""

    id: int
    at: datetime
    words: str
    reason: str
    can_go: bool


def planned_of(subscription: Subscription) -> list[Planned]:
    """What is to come, the next first; nothing where it is over."""
    coming = [one for one in subscription.changes if one.status is ChangeStatus.PLANNED and subscription.status in LIVE]
    return [
        Planned(one.id, one.effective_at, words_of(one), trail.reason(one.reason), one.kind is not ChangeKind.PRICE)
        for one in coming
    ]


def words_of(change: SubscriptionChange) -> str:
    """换成“专业版”, 数量改为 12, 暂停, 恢复使用."""
    plan = change.plan
    return _words(change.kind, formats.local(plan, "name") if plan else "", change.quantity if not plan or plan.quantity_unit_zh else None)


def told(event: AuditEvent, subscription: Subscription) -> str:
    """What a row of the trail is about in particular: from what to what, from which day; empty where its title says it."""
    before, after = event.before or {}, event.after or {}
    if event.action in ("subscription.change_planned", "subscription.change_withdrawn"):
        what = _words(ChangeKind(after["change"]), _plan(after, subscription), after.get("quantity"))
        return _("%(date)s 起%(what)s", date=_day(after), what=what)
    if event.action in ("subscription.plan_changed", "subscription.price_changed"):
        return _("“%(before)s” → “%(after)s”", before=_named(before, subscription), after=_named(after, subscription))
    if event.action == "subscription.quantity_changed":
        return _("%(before)s → %(after)s", before=before.get("quantity", ""), after=after.get("quantity", ""))
    if event.action in ("subscription.paused", "subscription.resumed"):
        return _("%(date)s 起", date=_day(after))
    return ""


def _words(kind: ChangeKind, plan: str, quantity: int | None) -> str:
    match kind:
        case ChangeKind.PAUSE:
            return _("暂停")
        case ChangeKind.RESUME:
            return _("恢复使用")
        case ChangeKind.PRICE:
            return _("按新价格计费")
        case ChangeKind.QUANTITY:
            return _("数量改为 %(quantity)s", quantity=quantity)
    if quantity is None:
        return _("换成“%(plan)s”", plan=plan)
    return _("换成“%(plan)s”，数量 %(quantity)s", plan=plan, quantity=quantity)


def _plan(said: Mapping[str, Any], subscription: Subscription) -> str:
    """The name of a plan by its slug, as far as the subscription has had it."""
    plans = [subscription.plan, *(plan for one in subscription.changes for plan in (one.plan, one.before_plan) if plan)]
    named = {plan.slug: formats.local(plan, "name") for plan in plans}
    slug = said.get("plan", "")
    return named.get(slug, slug)


def _named(said: Mapping[str, Any], subscription: Subscription) -> str:
    return _("%(plan)s，第 %(version)s 版", plan=_plan(said, subscription), version=said.get("version", ""))


def _day(said: Mapping[str, Any]) -> str:
    return formats.date(datetime.fromisoformat(said["on"]))
