"""`/admin/reports`: what visitors report about pages of services, and the answers."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import quality, resources
from market.errors import MarketError
from market.quality import ProblemReport
from market.web import forms, guards, paging
from market.web.problems import KINDS

bp = Blueprint("reports", __name__, url_prefix="/reports")

Answer = Response | str | tuple[str, int]


class AnswerForm(forms.MarketForm):
    """What came of it."""

    text = TextAreaField(_l("答复"))


@bp.get("/")
@guards.require("feedback.read")
def index() -> str:
    """What waits for an answer, the oldest first; or everything."""
    every = request.args.get("all") == "1"
    page = paging.page_of(quality.reports(every=every))
    return render_template("admin/reports/index.html", page=page, every=every, waiting=quality.waiting_reports(), kinds=KINDS)


@bp.get("/<int:id>")
@guards.require("feedback.read")
def show(id: int) -> str:
    """One report."""
    return _page(quality.report_by_id(id), AnswerForm(formdata=None))


@bp.post("/<int:id>/answer")
@guards.require("feedback.decide")
def answer(id: int) -> Answer:
    """Tell whoever reported it what came of it."""
    report, form = quality.report_by_id(id), AnswerForm()
    try:
        quality.answer(report, text=form.text.data or "", user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(report, form), refusal.status
    flash(_("已答复。"), "ok")
    return redirect(url_for(".index"), 303)


def _page(report: ProblemReport, form: AnswerForm) -> str:
    return render_template("admin/reports/show.html", report=report, form=form, kinds=KINDS)
