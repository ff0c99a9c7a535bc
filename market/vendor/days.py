"""`/vendor/days`: the days of usage to which customers object, and the provider's answers."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import metering, resources
from market.errors import MarketError
from market.kit.period import days
from market.metering import completeness, reconciliation
from market.metering.reconciliation import DayStatus, ReconciledDay
from market.web import forms, guards, paging

bp = Blueprint("days", __name__, url_prefix="/days")

Answer = Response | str | tuple[str, int]


class AnswerForm(forms.MarketForm):
    """What came of looking into it."""

    reason = TextAreaField(_l("核对的结果"), [forms.Filled(_l("写明核对的结果，客户会看到")), forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("days.read")
def index() -> str:
    """The objections, and the meters that have fallen silent."""
    every = request.args.get("all") == "1"
    return render_template(
        "vendor/days/index.html",
        found=paging.page_of(reconciliation.days_of(g.provider, disputed=not every)),
        every=every,
        silences=completeness.silences_of(g.provider),
        objection_days=resources.settings.objection_days,
    )


@bp.get("/<int:id>")
@guards.require("days.read")
def show(id: int) -> str:
    """One day of one customer: what she says, what was counted, the answer."""
    found = reconciliation.day_of_provider(g.provider, id)
    return _page(found, AnswerForm(formdata=None, reason=found.answer))


@bp.post("/<int:id>/answer")
@guards.require("days.answer")
def answer(id: int) -> Answer:
    """Tell the customer what came of it."""
    found, form = reconciliation.day_of_provider(g.provider, id), AnswerForm()
    if found.status is DayStatus.DISPUTED and not form.validate():
        return _page(found, form), 422
    try:
        reconciliation.answer(found, text=form.reason.data or "", user=g.user, by=g.actor, now=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(found, form), refusal.status
    flash(_("已回复客户。客户没有别的意见的话，%(days)s 天后算作解决。", days=resources.settings.objection_days), "ok")
    return redirect(url_for(".show", id=id), 303)


def _page(found: ReconciledDay, form: AnswerForm) -> str:
    span = days(found.day, found.day)
    used = metering.daily(found.subscription, found.meter, span, until=resources.clock.now())
    return render_template(
        "vendor/days/show.html", found=found, form=form, used=used[0][1], disputed=found.status is DayStatus.DISPUTED
    )
