"""What was done and what comes next about a bill that is not paid, in words for the console and the administration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Flask, g, request, url_for
from flask_babel import gettext as _

from market import billing, dunning, resources
from market.billing import Bill
from market.dunning import Kind, Outcome, Planned, Standing, Step, Wait
from market.web import formats

#: What nobody has noticed needs no line: there was no card, or a later step took its place.
SILENT = frozenset({Outcome.NO_CARD, Outcome.OVERTAKEN, Outcome.PENDING})

#: Pages that have a button of their own for paying.
PAYING = frozenset(
    f"console.{page}"
    for page in ("bills.choose", "bills.pay", "payments.show", "payments.announce", "balance.part", "balance.use")
)


@dataclass(frozen=True)
class Notice:
    """What stands on top of a firm's pages while something is overdue."""

    title: str
    text: str
    label: str
    url: str


def init_app(app: Flask) -> None:
    """Give the layouts the notice, and the help pages the steps that hold now."""
    app.jinja_env.globals.update(dunning_notice=notice, dunning_sequence=lambda: dunning.sequence_at(resources.clock.now()))


def notice() -> Notice | None:
    """About the oldest bill that is overdue, for whoever may see bills; the overview says it among its tasks."""
    if not g.can("bills.read") or request.endpoint == "console.overview.index":
        return None
    now = resources.clock.now()
    bill = g.overdue_bill if "overdue_bill" in g else dunning.overdue_bill(g.organization, now)
    if bill is None:
        return None
    standing = _standing(bill, now)
    stopped = Kind.SUSPENSION.value in standing.case.done
    days = dunning.days_over(bill.due_at or now, now)
    facts = {"number": bill.number, "money": formats.money(bill.owed_fen), "days": days}
    late = _("账单 %(number)s 已逾期 1 天，还要付 %(money)s") if days == 1 else _("账单 %(number)s 已逾期 %(days)s 天，还要付 %(money)s")
    title = _("服务已停用：账单 %(number)s 还要付 %(money)s") if stopped else late
    # Where she is paying, or money is on its way, nothing should call for paying once more.
    pays = g.can("bills.pay") and standing.case.wait is not Wait.PAYING and request.endpoint not in PAYING
    return Notice(
        title % facts, next_words(standing, now), _("去付款") if pays else _("看账单"),
        url_for("console.bills.show", id=bill.id),
    )  # fmt: skip


def know(owed: Iterable[Bill], now: datetime) -> None:
    """A page that has read all bills on which its firm owes money spares the notice reading them."""
    late = [bill for bill in owed if bill.due_at is not None and bill.due_at < now]
    g.overdue_bill = min(late, key=lambda bill: (bill.due_at, bill.id), default=None)


def about(bill: Bill) -> dict[str, Any]:
    """What the page of a bill says: what comes next once it is overdue, and what was done."""
    now = resources.clock.now()
    late = bill.status in billing.DUE and bill.due_at is not None and bill.due_at < now
    return {
        "dunning_next": next_words(_standing(bill, now), now) if late else "",
        "dunning_steps": told(dunning.steps_of(bill)),
    }


def _standing(bill: Bill, now: datetime) -> Standing:
    """Looked up once for a page, where it stands on top and below."""
    known: dict[int, Standing] = g.setdefault("dunning_standings", {})
    if bill.id not in known:
        known[bill.id] = dunning.standing_of(bill, now)
    return known[bill.id]


def next_words(standing: Standing, now: datetime) -> str:
    """What comes next and when, as its firm reads it."""
    case = standing.case
    if standing.hold is not None and case.wait is Wait.HOLD:
        return _("平台同意暂缓到 %(day)s，到那天为止不催款，也不停用服务。", day=formats.date(standing.hold.until))
    if end := case.done.get(Kind.END_NOTICE.value):
        return _("服务将终止，最后一天是 %(day)s，那天以前不删除数据。付清后立即恢复。", day=formats.date(end.names_on))
    if case.wait is Wait.PAYING:
        return _("付款正在核对，核对期间不催款，也不停用服务。")
    coming = {each.planned.kind: each.on for each in dunning.coming(case, now)}
    if Kind.SUSPENSION not in coming:
        day = formats.date(coming.get(Kind.END_NOTICE))
        return _("付清后立即恢复，不用申请。数据保留；最早 %(day)s 通知终止，通知后至少再留 %(days)s 天。", day=day, days=case.sequence.end_days)
    if case.waiting in (Wait.FAPIAO, Wait.DISPUTE, Wait.PART_PAID, Wait.SMALL):
        return formats.sentences(waits(case.waiting), _("这期间不停用服务。"))
    stop = formats.date(coming[Kind.SUSPENSION])
    if Kind.LAST_NOTICE in coming:
        return _("%(day)s 发最后通知，写明停用日期；最早 %(stop)s 停用服务。数据保留。", day=formats.date(coming[Kind.LAST_NOTICE]), stop=stop)
    return _("到 %(stop)s 还没有付清，那天上午 9 点起停用全部订阅。数据保留，付清后立即恢复。", stop=stop)


def waits(why: Wait) -> str:
    """Why steps wait."""
    return {
        Wait.HOLD: _("已暂缓催款。"),
        Wait.PAYING: _("已通知付款，或正在扣款。"),
        Wait.FAPIAO: _("申请的发票还没有开好。"),
        Wait.DISPUTE: _("账期内的用量有异议，还没有解决。"),
        Wait.PART_PAID: _("最近付了一部分。"),
        Wait.SMALL: _("金额太小。"),
    }[why]


def step_name(planned: Planned) -> str:
    """A step of the sequence."""
    days = abs(planned.offset)
    if planned.kind is Kind.CHARGE:
        return _("从保存的银行卡扣款")
    if planned.kind is not Kind.REMINDER:
        return {Kind.LAST_NOTICE: _("最后通知"), Kind.SUSPENSION: _("停用服务"), Kind.END_NOTICE: _("通知终止")}[planned.kind]
    if planned.offset == 0:
        return _("付款日当天提醒")
    return _("付款日前 %(days)s 天提醒", days=days) if planned.offset < 0 else _("逾期 %(days)s 天提醒", days=days)


def told(steps: Iterable[Step], *, everything: bool = False) -> list[dict[str, Any]]:
    """Steps as the timeline shows them."""
    return [
        {"at": step.at, "title": taken_name(step), "text": _outcome(step), "actor": step.taken_by.name if step.taken_by and everything else ""}
        for step in steps
        if everything or step.outcome not in SILENT
    ]  # fmt: skip


def taken_name(step: Step) -> str:
    """The same of one that was taken."""
    number = step.key.rpartition(".")[2]
    return step_name(Planned(step.kind, int(number) if number.lstrip("-").isdigit() else 0))


def _outcome(step: Step) -> str:
    owed, day = formats.money(step.owed_fen), _day(step.names_on)
    if step.kind is Kind.LAST_NOTICE:
        return _("已发信，还要付 %(owed)s；写明 %(day)s 停用。", owed=owed, day=day)
    if step.kind is Kind.END_NOTICE and step.outcome is Outcome.WRITTEN:
        return _("已发信，最后一天是 %(day)s。", day=day)
    return {
        Outcome.WRITTEN: _("已发信，还要付 %(owed)s。", owed=owed),
        Outcome.PENDING: _("正在安排。"),
        Outcome.ASKED: _("已向银行卡发起 %(owed)s。", owed=owed),
        Outcome.NO_CARD: _("没有可扣的卡，或正在付款。"),
        Outcome.STOPPED: _("订阅已停用，已通知服务商。"),
        Outcome.NOTHING_TO_STOP: _("没有在用的订阅。"),
        Outcome.OVERTAKEN: _("没有发，后面的步骤已经到了。"),
    }[step.outcome]


def _day(day: date | None) -> str:
    return formats.date(day) if day else ""
