"""`/console/usage`: what this month costs so far, where it is going, why it changed, and each figure's working."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _

from market import billing, budgets, resources, subscriptions
from market.console import drivers, rhythm, spending
from market.console.scope import Scope
from market.console.spending import Month
from market.kit import period as periods
from market.kit.period import Period, local_day
from market.subscriptions import Subscription
from market.web import charts, completeness, formats, guards, paging, sheets

bp = Blueprint("usage", __name__, url_prefix="/usage")

#: Bills listed beside the figures.
BILLS = 3


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a month, what to narrow it to, and how to spread it over time."""

    now: datetime
    period: Period
    mine: Sequence[Subscription]
    scope: Scope
    by: str

    @classmethod
    def here(cls) -> Asked:
        """From this request. InvalidMonth and NotFound for what there is not."""
        now, mine = resources.clock.now(), subscriptions.subscriptions_of(g.organization)
        label, by = request.args.get("month", ""), request.args.get("by", "")
        # A billing month that begins on another day than the first is named after the month it begins in.
        at = periods.month(label[:7]).end - timedelta(microseconds=1) if label else now
        scope = Scope.asked(request.args.get("of", ""), mine)
        return cls(now, billing.period_of(g.organization, at), mine, scope, by if by in rhythm.BY else "day")

    @cached_property
    def month(self) -> Month:
        """The month's figures."""
        return spending.month_of(g.organization, self.period, self.scope, now=self.now)

    @property
    def last_day(self) -> date:
        """The last day there can be something to see on."""
        return max(min(self.period.last_day, local_day(self.now)), self.period.first_day)

    @property
    def day(self) -> date:
        """The day whose hours are shown: the one asked for, if the month has come to it, else the last."""
        try:
            day = date.fromisoformat(request.args.get("day", ""))
        except ValueError:
            return self.last_day
        return day if self.period.first_day <= day <= self.last_day else self.last_day

    @property
    def rhythm(self) -> rhythm.Rhythm:
        """The month by hour, day or month."""
        month = self.month
        if self.by == "hour":
            return rhythm.by_hour(month.course, self.scope, self.day, now=self.now)
        if self.by == "month":
            return rhythm.by_month(g.organization, self.scope, [month.now, *([month.before] if month.before else [])])
        return rhythm.by_day(month.course, self.scope, month.remarks, now=self.now)

    def where(self, **changes: str) -> dict[str, Any]:
        """The words of an address that shows the same, but for these; empty ones are left out."""
        words = {"month": self.period.label[:7], "of": self.scope.of, "by": "" if self.by == "day" else self.by} | changes
        return {name: word for name, word in words.items() if word}


@bp.get("/")
@guards.require("usage.read")
def index() -> str:
    """A month: so far, forecast, why it changed, its course, every line with its working, and its days."""
    asked = Asked.here()
    offered = spending.periods_of(g.organization, asked.mine, now=asked.now)
    budget = _budget(asked)
    return render_template(
        "console/usage/index.html",
        asked=asked,
        month=asked.month,
        budget=budget,
        chart=_limited(asked.month.chart, budget),
        reached_on=budgets.reached_on(asked.month.course, budget.amount_fen) if budget and budget.amount_fen else None,
        rhythm=asked.rhythm,
        split=rhythm.split(asked.scope, asked.month.course, request.args.get("split", ""), asked.period, until=asked.month.cutoff),
        offered=offered,
        months=_switch(asked, offered),
        views=_views(asked),
        days=_days_beside(asked),
        bills=_bills(),
        taken=f"{formats.date(asked.month.cutoff, short=True)} {formats.clock(asked.month.cutoff)}",
        course_words=_told(asked.month),
        signed=drivers.signed,
        final_at=billing.final_at(asked.period),
        complete=completeness.told(asked.scope.shown) if asked.month.running else [],
        missing=completeness.missing(asked.scope.ids) if asked.month.running else [],
    )


@bp.get("/lines.csv")
@guards.require("usage.read")
def lines() -> Response:
    """The month's lines as they are shown, as a file that spreadsheets open."""
    asked = Asked.here()
    priced = g.can("money.read")
    head = [_("服务"), _("套餐"), _("项目"), _("已用"), _("套餐包含"), _("超出部分"), _("单位")]
    head += [_("单价"), _("算式"), _("费用（¥）")] if priced else []
    rows = []
    for service in asked.month.services:
        for item in service.items:
            row = [service.name, service.plan, f"{item.name} {item.note}".strip()]
            row += [f"{number:f}" if item.metered else "" for number in (item.used, item.included, item.over)] + [item.unit]
            row += ["; ".join(item.price), "; ".join(item.working), _yuan(item.fen)] if priced else []
            rows.append(row)
    return sheets.sheet(f"usage-{asked.period.first_day:%Y-%m}.csv", head, rows)


@bp.get("/table.csv")
@guards.require("usage.read")
def table() -> Response:
    """The hours, days or months that are shown, every metered item in a column of its own."""
    asked = Asked.here()
    shown = asked.rhythm
    priced = g.can("money.read") and shown.priced
    head = [{"hour": _("小时"), "month": _("月份")}.get(shown.by, _("日期")), *([_("费用（¥）")] if priced else [])]
    head += [_("%(name)s（%(unit)s）", name=f"{each.service} {each.name}", unit=each.unit) for each in shown.heads] + [_("备注")]
    rows = [
        [
            row.iso[:7] if shown.by == "month" else row.iso,
            *([_yuan(row.fen or 0)] if priced else []),
            *("" if used is None else f"{used:f}" for used in row.used),
            row.note,
        ]
        for row in shown.rows
    ]
    return sheets.sheet(f"usage-{asked.period.first_day:%Y-%m}-{shown.by}.csv", head, rows)


def _switch(asked: Asked, offered: Sequence[Period]) -> list[tuple[str, str, bool]]:
    """The last months, and the one that is shown if it is older."""
    shown = list(offered[: spending.SWITCHED])
    if asked.period not in shown:
        shown.append(asked.period)
    return [
        (formats.month(each), url_for(".index", **asked.where(month=each.label[:7])), each == asked.period)
        for each in sorted(shown, key=lambda one: one.start)
    ]


def _views(asked: Asked) -> list[tuple[str, str, bool]]:
    names = {"hour": _("按小时"), "day": _("按天"), "month": _("按月")}
    return [
        (name, url_for(".index", **asked.where(by="" if by == "day" else by), _anchor="rhythm"), by == asked.by)
        for by, name in names.items()
    ]


def _days_beside(asked: Asked) -> list[tuple[str, str]]:
    """The days before and after the one whose hours are shown."""
    near = [(_("前一天"), asked.day - timedelta(days=1)), (_("后一天"), asked.day + timedelta(days=1))]
    return [
        (name, url_for(".index", **asked.where(by="hour", day=day.isoformat()), _anchor="rhythm"))
        for name, day in near
        if asked.period.first_day <= day <= asked.last_day
    ]


def _told(month: Month) -> str:
    """The course in a sentence, for who cannot see the drawing."""
    course = month.course
    if not course.days:
        return ""
    day, fen = course.days[-1]
    told = [_("到 %(day)s累计 %(amount)s", day=formats.date(day, short=True), amount=formats.money(fen))]
    if course.expected_fen is not None:
        told.append(_("月底预计 %(amount)s", amount=formats.money(course.expected_fen)))
    if month.before:
        told.append(_("%(month)s一共 %(amount)s", month=formats.month(month.before.period), amount=formats.money(month.before.course.total_fen)))
    return _("，").join(told)


def _budget(asked: Asked) -> budgets.Standing | None:
    """What the firm has set for the running month; it says nothing of a part of it, nor of another month."""
    if not asked.period.contains(asked.now) or asked.scope.narrowed or not g.can("budget.read"):
        return None
    return budgets.standing(g.organization, asked.now)


def _limited(chart: charts.Cumulative, budget: budgets.Standing | None) -> charts.Cumulative:
    """With its lines, where there is one."""
    return replace(chart, cap_fen=budget.amount_fen, alerts_fen=budget.alerts_fen()) if budget else chart


def _bills() -> Sequence[billing.Bill]:
    if not g.can("bills.read"):
        return []
    return paging.first_of(billing.bills_of(g.organization), BILLS)


def _yuan(fen: int) -> str:
    return f"{Decimal(fen).scaleb(-2):.2f}"
