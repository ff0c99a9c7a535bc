"""`/console`: what is to be done, what this month costs so far, what runs, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext as _

from market import audit, billing, budgets, dunning, resources, subscriptions
from market.accounts import CheckStatus
from market.billing import Bill
from market.console import parts
from market.subscriptions import LIVE, OPENING, Order, Subscription, SubscriptionStatus, prices
from market.web import agreements, dunning_words, firms, formats, guards, trail
from market.web.navigation import url_if
from market.web.standing import standing

bp = Blueprint("overview", __name__)

#: How many subscriptions and events the overview shows.
MOST = 5
#: How long before its end a trial becomes something to decide.
SOON = timedelta(days=7)
#: From which percentage on a budget is near, where its firm has chosen none.
NEAR = 80

#: One thing to do; `mine` where the reader's role may do it, and not only see that it waits.
Task = dict[str, Any]


@bp.get("/")
@guards.require("overview.read")
def index() -> str:
    """The first page of the console."""
    now = resources.clock.now()
    month = billing.period_of(g.organization, now)
    mine = subscriptions.subscriptions_of(g.organization) if g.can("subscriptions.read") else []
    lines = billing.draw_up(g.organization, month, cutoff=now) if g.can("money.read") else []
    owed = billing.due_bills_of(g.organization) if g.can("bills.read") else []
    orders = subscriptions.orders_to_approve(g.organization) if g.can("orders.read") else []
    running = [one for one in mine if one.status in LIVE | OPENING]
    recent = _recent() if g.can("audit.read") else None
    tasks = _order_tasks(orders) + _price_tasks() + _tasks(owed, mine, now) + _budget_tasks(lines, now) + _check_tasks(now)
    return render_template(
        "console/overview/index.html",
        tasks=[task for task in tasks if task["mine"]],
        others=[task for task in tasks if not task["mine"]],
        month=month,
        so_far_fen=billing.total_fen(lines),
        owed_fen=sum(bill.owed_fen for bill in owed),
        owed=owed,
        running=running,
        shown=(running or mine)[:MOST],
        costs=parts.costs(lines),
        states={one.id: standing(one, now) for one in mine},
        recent=recent,
        any=bool(mine),
        live=sum(one.status in LIVE for one in mine),
        trail=trail,
        about=parts.about(mine, recent or []),
        actor=parts.actor(mine),
        cutoff=now,
        final_at=billing.final_at(month),
    )


def _recent() -> list[audit.AuditEvent]:
    return list(audit.newest(MOST, audit.Narrowed(g.organization.id)))


def _order_tasks(orders: Sequence[Order]) -> list[Task]:
    """Orders that wait: for whoever may approve them, all; for others those they placed themselves."""
    if g.can("orders.approve"):
        return [_order_task(order, _("去审批")) for order in orders]
    return [_order_task(order, _("查看")) for order in orders if order.ordered_by_id == g.user.id]


def _order_task(order: Order, label: str) -> Task:
    name, money = formats.local(order.revision.facts, "name"), formats.money(order.month_fen)
    return {
        "title": _("“%(name)s”的订单等老板批准", name=name),
        "text": _("%(who)s 下的单，第一个整月预计 %(money)s。", who=order.ordered_by.name, money=money),
        "label": label,
        "url": url_for("console.approvals.show", id=order.id),
        "bad": False,
        "mine": g.can("orders.approve"),
    }


def _tasks(owed: Sequence[Bill], mine: Sequence[Subscription], now: datetime) -> list[Task]:
    """What waits for a decision of the firm, the most pressing first."""
    late = any(bill.due_at is not None and bill.due_at < now for bill in owed)
    standings = {each.bill.id: each for each in dunning.overdue_of(g.organization, now)} if late else {}
    tasks = [_bill_task(bill, standings.get(bill.id), now) for bill in owed]
    tasks += [_failed_task(one) for one in mine if one.status is SubscriptionStatus.FAILED]
    for one in mine:
        trial_ends = one.trial_ends_at
        if one.status is SubscriptionStatus.TRIALING and one.cancel_at and trial_ends and trial_ends - now <= SOON:
            tasks.append(_trial_task(one, now))
    return tasks


def _budget_tasks(lines: Sequence[billing.LineDraft], now: datetime) -> list[Task]:
    """A budget that the month is near to, or over."""
    budget = budgets.standing(g.organization, now) if g.can("budget.read") else None
    if budget is None or not budget.amount_fen:
        return []
    spent = billing.total_fen(lines)
    if 100 * spent < min(budget.alerts, default=NEAR) * budget.amount_fen:
        return []
    left, amount = budget.left_fen(spent) or 0, formats.money(budget.amount_fen)
    over = _("本月费用 %(spent)s，先来问的服务商会被拒绝，其余照常计费。", spent=formats.money(spent))
    rest = _("本月费用 %(spent)s，还剩 %(left)s。", spent=formats.money(spent), left=formats.money(left))
    return [
        {
            "title": _("每月预算 %(amount)s 已用完", amount=amount) if left <= 0 else _("快到每月预算 %(amount)s 了", amount=amount),
            "text": over if left <= 0 else rest,
            "label": _("调整预算") if g.can("budget.edit") else _("看预算"),
            "url": url_for("console.budget.show"),
            "bad": left <= 0,
            "mine": g.can("budget.edit"),
        }
    ]


def _price_tasks() -> list[Task]:
    """New prices that are announced and that nobody has answered, for who can decide."""
    if not g.can("subscriptions.order"):
        return []
    told = [one for one in prices.open_notices(g.organization) if one.answer is prices.NoticeAnswer.NONE]
    return [
        {
            "title": _("“%(name)s”宣布改价", name=formats.local(one.subscription.revision.facts, "name")),
            "text": _("%(date)s 起生效。可以接受，也可以在那天退出，不再收费。", date=formats.date(one.price_change.effective_at)),
            "label": _("看改价"),
            "url": url_for("console.prices.show", id=one.id),
            "bad": False,
            "mine": True,
        }
        for one in told
    ]


def _check_tasks(now: datetime) -> list[Task]:
    """A check of the firm that was refused or has run out, for who can do something about it."""
    if not g.can("organization.edit") or g.organization.check_status not in (CheckStatus.REFUSED, CheckStatus.EXPIRED):
        return []
    check = firms.check_view(g.organization, now)
    refused = check.status is CheckStatus.REFUSED
    return [
        {
            "title": _("企业核验没有通过") if refused else _("企业核验已失效"),
            "text": check.text,
            "label": check.action,
            "url": url_for("console.verification.show"),
            "bad": refused,
            "mine": True,
        }
    ]


def _bill_task(bill: Bill, standing: dunning.Standing | None, now: datetime) -> Task:
    """`standing` of one that is past its last day."""
    late = standing is not None
    money = formats.money(bill.owed_fen)
    text = _("账单 %(number)s 已逾期，还欠 %(money)s") if late else _("账单 %(number)s 待付款 %(money)s")
    return {
        "title": text % {"number": bill.number, "money": money},
        "text": dunning_words.next_words(standing, now) if standing else _("最晚 %(date)s 付款", date=formats.date(bill.due_at)),
        "label": _("去付款") if g.can("bills.pay") else _("看账单"),
        "url": url_if("console.bills.show", id=bill.id),
        "bad": late,
        "mine": g.can("bills.pay"),
    }


def _failed_task(subscription: Subscription) -> Task:
    name = formats.local(subscription.revision.facts, "name")
    return {
        "title": _("“%(name)s”没有开通成功", name=name),
        "text": _("没有产生费用。可以重试或取消。"),
        "label": _("查看"),
        "url": url_for("console.subscriptions.show", id=subscription.id),
        "bad": True,
        "mine": g.can("subscriptions.order"),
    }


def _trial_task(subscription: Subscription, now: datetime) -> Task:
    name = formats.local(subscription.revision.facts, "name")
    days = agreements.days_left(subscription.trial_ends_at or now, now)
    return {
        "title": _("“%(name)s”的试用还剩 %(days)s 天", name=name, days=days),
        "text": _("不处理就自动停止，不收费。"),
        "label": _("决定要不要继续") if g.can("subscriptions.order") else _("查看"),
        "url": url_for("console.subscriptions.show", id=subscription.id),
        "bad": False,
        "mine": g.can("subscriptions.order"),
    }
