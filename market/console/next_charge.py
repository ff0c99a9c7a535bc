"""The card that answers "what will I pay next": its title changes with the state of the subscription."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from market import billing, subscriptions
from market.accounts import Organization
from market.catalog import Plan
from market.kit.period import Period
from market.subscriptions import (
    OPENING,
    ChangeKind,
    ChangeStatus,
    Subscription,
    SubscriptionChange,
    SubscriptionStatus,
)
from market.web import agreements, formats


@dataclass(frozen=True)
class Renewal:
    """What is paid in advance for the next year, and from when, unless it ends before."""

    on: datetime
    fen: int


@dataclass(frozen=True)
class NextCharge:
    """What is paid next, when, and why.

    `lines` are [{label, formula, fen}], `fen` their sum, None while nothing is charged. Fees are those of the whole
    month, usage what there is so far.
    """

    title: str
    note: str
    on: datetime | None = None
    lines: Sequence[dict[str, Any]] = ()
    fen: int | None = None
    renewal: Renewal | None = field(default=None)


def next_charge(
    subscription: Subscription, organization: Organization, lines: Sequence[billing.LineDraft], *, now: datetime
) -> NextCharge:
    """The card of one subscription; `lines` are the running bill's about it."""
    match subscription.status:
        case SubscriptionStatus.FAILED:
            return NextCharge(_("没有产生费用"), _("没有开通成功，可以重试或取消。"))
        case status if status in OPENING:
            return NextCharge(_("还没有开始计费"), _("开通成功的当天才开始计费。"))
        case SubscriptionStatus.ENDED:
            return _final(subscription, organization, lines, now)
        case SubscriptionStatus.TRIALING:
            return _after_trial(subscription, organization, now)
        case SubscriptionStatus.PAUSED if subscription.cancel_at is None:
            return _on_resume(subscription, organization, lines, now)
    month = billing.period_of(organization, now)
    if (end := subscription.cancel_at) is not None:
        if end > month.end:
            note = _("用到 %(date)s，最后一份账单在那之后出。", date=formats.date(agreements.last_day(end)))
            return _running(_("下一份账单"), month, lines, note)
        return _running(_("最后一份账单"), month, lines, _("停用后不再收费。停用前的用量在这份账单里。"))
    note = _("固定费用是整月的，用量截至现在。月底前还会随用量变化，都含税。")
    return _running(_("下一份账单"), month, lines, note, _renewal(subscription, now))


def _running(
    title: str, month: Period, lines: Sequence[billing.LineDraft], note: str, renewal: Renewal | None = None
) -> NextCharge:
    return NextCharge(title, note, month.end, rows(lines), billing.total_fen(lines), renewal)


def _final(
    subscription: Subscription, organization: Organization, lines: Sequence[billing.LineDraft], now: datetime
) -> NextCharge:
    ended, month = subscription.ended_at, billing.period_of(organization, now)
    if subscription.started_at is None:
        return NextCharge(_("没有产生费用"), _("这项订阅没有开通过。"))
    if ended is None or agreements.last_day(ended) < month.start:
        return NextCharge(_("已经停止收费"), _("停用之前的费用在当时的账单里。"))
    return _running(_("最后一份账单"), month, lines, _("停用前的用量在这份账单里。之后不再收费。"))


def _after_trial(subscription: Subscription, organization: Organization, now: datetime) -> NextCharge:
    """What comes once it is paid for; of a trial that stops by itself, what would come."""
    paid_from = subscription.trial_ends_at or now
    month = billing.period_of(organization, paid_from)
    if subscription.cancel_at is not None:
        note = _("到期自动停止，不会自己转成付费。要继续用，从 %(date)s 起按套餐计费。", date=formats.date(paid_from))
        return NextCharge(_("试用期内不收费"), note)
    drawn = billing.draw_up_one(subscription, month, cutoff=now)
    lines = [line for line in drawn if line.quantity is None and "trial" not in line.label]
    note = _("从 %(date)s 起按套餐计费，这里是那个月的固定费用；用量费用按实际另算。", date=formats.date(paid_from))
    return _running(_("试用之后的第一份账单"), month, lines, note)


def _on_resume(
    subscription: Subscription, organization: Organization, lines: Sequence[billing.LineDraft], now: datetime
) -> NextCharge:
    """What comes once it goes on; while no day for that is set, what there is until then."""
    month, fen = billing.period_of(organization, now), billing.total_fen(lines)
    before = _("暂停前的费用 %(amount)s 在 %(date)s 的账单里。", amount=formats.money(fen), date=formats.date(month.end)) if fen else ""
    resumed = [one.effective_at for one in subscription.changes if _goes_on(one, now)]
    if not resumed:
        note = _("暂停期间不收月费，有用量才计费。恢复那天起照常计费。")
        return _running(_("暂停中的账单"), month, lines, note)
    later = billing.period_of(organization, resumed[0])
    drawn = [line for line in billing.draw_up_one(subscription, later, cutoff=now) if line.quantity is None]
    note = _("从 %(date)s 起照常计费，这里是那个月的固定费用，用量另算。", date=formats.date(resumed[0]))
    return _running(_("恢复后的第一份账单"), later, drawn, note + (before if later != month else ""))


def _goes_on(change: SubscriptionChange, now: datetime) -> bool:
    return (change.kind, change.status) == (ChangeKind.RESUME, ChangeStatus.PLANNED) and change.effective_at > now


def _renewal(subscription: Subscription, now: datetime) -> Renewal | None:
    fen = yearly_fen(subscription.plan)
    return Renewal(subscriptions.period_end(subscription, now), fen) if fen else None


def yearly_fen(plan: Plan) -> int:
    """What a plan costs a year in advance."""
    return billing.estimate(plan, {}).yearly_fen


def rows(lines: Iterable[billing.LineDraft]) -> list[dict[str, Any]]:
    """The lines of a running bill for the component `estimate`."""
    return [
        {"label": _label(line), "formula": _("；").join(_working(line)), "fen": line.gross_fen}
        for line in lines
    ]


def _label(line: billing.LineDraft) -> str:
    return _("免费试用") if "trial" in line.label else formats.local(line.label, "charge")


def _working(line: billing.LineDraft) -> Sequence[str]:
    return billing.working(line, billing.Words(formats.language()))
