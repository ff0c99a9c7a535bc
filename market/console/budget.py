"""`/console/budget`: what a month may come to, how far it is, what happens when it is reached, and who has changed it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice

from market import audit, billing, budgets, resources
from market.errors import MarketError
from market.web import formats, forms, guards, trail

bp = Blueprint("budget", __name__, url_prefix="/budget")

Answer = Response | str | tuple[str, int]

#: What providers hold, and changes, that the page lists.
MOST_HELD, MOST_CHANGES = 20, 12
#: Who has asked since counts among those that ask.
ASKED = timedelta(days=35)
NOW, NEXT = "now", "next"


class BudgetForm(forms.MarketForm):
    """How much a month may come to, from when on, and when to be told."""

    amount_fen = forms.MoneyField(_l("每月预算（含税）"), [forms.Filled(_l("填写每月预算"))])
    starts = RadioField(
        _l("从什么时候起"), default=NOW, choices=[SelectChoice(NOW, _l("本月，马上生效")), SelectChoice(NEXT, _l("下个月 1 日"))]
    )
    alerts = SelectMultipleField(
        _l("费用到预算的百分之多少时发邮件"),
        coerce=int,
        choices=[SelectChoice(each, f"{each}%") for each in budgets.CHOICES],
    )


@bp.get("/")
@guards.require("budget.read")
def show() -> str:
    """The budget and how far the month is."""
    now = resources.clock.now()
    standing = budgets.standing(g.organization, now)
    form = BudgetForm(formdata=None)
    form.amount_fen.data, form.alerts.data = (
        standing.amount_fen,
        list(standing.alerts if standing.amount_fen else budgets.USUAL),
    )
    return _page(form, standing)


@bp.post("/")
@guards.require("budget.edit")
def save() -> Answer:
    """Set it."""
    form, now = BudgetForm(), resources.clock.now()
    try:
        if form.validate():
            budgets.set_amount(
                g.organization,
                form.amount_fen.data or 0,
                form.alerts.data or [],
                next_month=form.starts.data == NEXT,
                by=g.actor,
                at=now,
            )
            flash(_("每月预算已设为 %(amount)s。", amount=formats.money(form.amount_fen.data)), "ok")
            return redirect(url_for(".show"), 303)
        status = 422
    except MarketError as refusal:
        form.refuse(refusal)
        status = refusal.status
    return _page(form, budgets.standing(g.organization, now)), status


@bp.post("/remove")
@guards.require("budget.edit")
def remove() -> Response:
    """Do without one."""
    budgets.remove(g.organization, by=g.actor, at=resources.clock.now())
    flash(_("已取消每月预算。"), "ok")
    return redirect(url_for(".show"), 303)


def _page(form: BudgetForm, standing: budgets.Standing) -> str:
    now = resources.clock.now()
    course = billing.course(
        g.organization, standing.period, billing.draw_up(g.organization, standing.period, cutoff=now), now=now
    )
    return render_template(
        "console/budget/show.html", form=form, standing=standing, course=course, now=now,
        left_fen=standing.left_fen(course.total_fen),
        reached_on=budgets.reached_on(course, standing.amount_fen) if standing.amount_fen else None,
        told=budgets.alerts_of(standing.row), held=budgets.held_of(standing.row, most=MOST_HELD),
        changes=[_change(event) for event in budgets.history(g.organization, most=MOST_CHANGES)],
        every=budgets.EVERY, asking=budgets.asking(g.organization, since=now - ASKED),
    )  # fmt: skip


def _change(event: audit.AuditEvent) -> dict[str, Any]:
    """A line of the history: the amount before and after, and what else was chosen."""
    before, after = event.before.get("amount_fen"), event.after.get("amount_fen")
    amounts = [formats.money(fen) if fen else _("没有预算") for fen in (before, after)]
    text = " → ".join(amounts)
    if after:
        percents = _("、").join(f"{each}%" for each in event.after.get("alerts", [])) or _("不提醒")
        text += _("，从 %(month)s 起，提醒：%(percents)s", month=event.subject_label, percents=percents)
    return {"at": event.at, "title": trail.title(event), "text": text, "actor": trail.actor(event)}
