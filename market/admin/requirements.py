"""`/admin/requirements`: what visitors need and have not found, and the answers."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import catalog, quality, resources
from market.errors import MarketError
from market.kit.period import local_day
from market.quality import Requirement
from market.web import forms, guards, paging

bp = Blueprint("requirements", __name__, url_prefix="/requirements")

Answer = Response | str | tuple[str, int]


class AnswerForm(forms.MarketForm):
    """What there is, in words and as services on sale."""

    text = TextAreaField(_l("答复"))
    suggested = TextAreaField(_l("合适的服务"))

    def slugs(self) -> list[str]:
        """The services named: one a line, as the address of the page or the end of it."""
        lines = (line.strip() for line in (self.suggested.data or "").splitlines())
        return [unquote(urlsplit(line).path).rstrip("/").rpartition("/")[2] for line in lines if line]


@bp.get("/")
@guards.require("feedback.read")
def index() -> str:
    """What waits for an answer, the oldest first; or everything."""
    every = request.args.get("all") == "1"
    page = paging.page_of(quality.requirements(every=every))
    return render_template(
        "admin/requirements/index.html", page=page, every=every, waiting=quality.waiting_requirements(),
        due_on=quality.due_on, today=local_day(resources.clock.now()), days=quality.REPLY_DAYS,
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("feedback.read")
def show(id: int) -> str:
    """One requirement."""
    return _page(quality.requirement_by_id(id), AnswerForm(formdata=None))


@bp.post("/<int:id>/answer")
@guards.require("feedback.decide")
def answer(id: int) -> Answer:
    """Tell whoever wrote it what there is."""
    requirement, form = quality.requirement_by_id(id), AnswerForm()
    try:
        quality.answer_requirement(
            requirement, text=form.text.data or "", suggested=form.slugs(), user=g.user, by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(requirement, form), refusal.status
    flash(_("已答复。"), "ok")
    return redirect(url_for(".index"), 303)


def _page(requirement: Requirement, form: AnswerForm) -> str:
    return render_template(
        "admin/requirements/show.html", requirement=requirement, form=form, due_on=quality.due_on(requirement),
        today=local_day(resources.clock.now()), named=catalog.offerings_by_slugs(requirement.suggested), most=quality.MOST_SUGGESTED,
    )  # fmt: skip
