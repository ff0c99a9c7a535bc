"""`/admin/opinions`: customers' reviews; none is ever deleted, words that break the law are hidden with a reason."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import audit, quality, resources
from market.errors import MarketError
from market.quality import Review, ReviewReply, ReviewWording
from market.web import guards, opinions, paging
from market.web.opinions import HideForm, Writers

bp = Blueprint("opinions", __name__, url_prefix="/opinions")

Answer = Response | str | tuple[str, int]


@bp.get("/")
@guards.require("feedback.read")
def index() -> str:
    """Every review, the newest first."""
    page = paging.page_of(quality.all_reviews())
    return render_template("admin/opinions/index.html", page=page, writers=Writers())


@bp.get("/<int:id>")
@guards.require("feedback.read")
def show(id: int) -> str:
    """One review with every wording and every reply it ever had."""
    return _page(quality.review_by_id(id), HideForm(formdata=None))


@bp.post("/<int:id>/hide")
@guards.require("feedback.decide")
def hide(id: int) -> Answer:
    """Take words that break the law out of sight; the stars stay."""
    review, form = quality.review_by_id(id), HideForm()
    words = opinions.said(review, form.which.data or "")
    try:
        quality.hide(words, reason=form.reason.data or "", user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(review, form), refusal.status
    flash(_("文字已隐藏，理由所有人都能看到。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/show-again")
@guards.require("feedback.decide")
def show_again(id: int) -> Answer:
    """The hiding was a mistake."""
    review, form = quality.review_by_id(id), HideForm()
    words = opinions.said(review, form.which.data or "")
    try:
        quality.show_again(words, reason=form.reason.data or "", by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(review, form), refusal.status
    flash(_("文字已重新显示。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _page(review: Review, form: HideForm) -> str:
    said: list[tuple[str, ReviewWording | ReviewReply]] = [*(("wording", each) for each in review.wordings), *(("reply", each) for each in review.replies)]
    said.sort(key=lambda pair: pair[1].written_at, reverse=True)
    return render_template(
        "admin/opinions/show.html", review=review, form=form, said=said, writers=Writers(), history=audit.history(review)
    )
