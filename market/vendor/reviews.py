"""`/vendor/reviews`: what customers say of the provider's services, and its replies."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import quality, resources
from market.errors import MarketError
from market.quality import Review
from market.web import forms, guards, paging
from market.web.opinions import Writers

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

Answer = Response | str | tuple[str, int]


class ReplyForm(forms.MarketForm):
    """What the provider says to it."""

    text = TextAreaField(_l("回复"))


@bp.get("/")
@guards.require("reviews.read")
def index() -> str:
    """All reviews of the provider's services, the newest first."""
    return render_template(
        "vendor/reviews/index.html",
        page=paging.page_of(quality.reviews_of_provider(g.provider)),
        waiting=quality.unanswered(g.provider),
        writers=Writers(),
    )


@bp.get("/<int:id>")
@guards.require("reviews.read")
def show(id: int) -> str:
    """One review, with the reply to write or to write anew."""
    review = quality.review_of_provider(g.provider, id)
    return _page(review, ReplyForm(formdata=None, text=review.reply.text if review.reply else ""))


@bp.post("/<int:id>/reply")
@guards.require("reviews.answer")
def reply(id: int) -> Answer:
    """Publish a reply at once."""
    review, form = quality.review_of_provider(g.provider, id), ReplyForm()
    try:
        quality.reply(review, text=form.text.data or "", user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(review, form), refusal.status
    flash(_("回复已发布，所有人都能看到。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _page(review: Review, form: ReplyForm) -> str:
    return render_template(
        "vendor/reviews/show.html", review=review, form=form, writers=Writers(), longest=quality.LONGEST_TEXT
    )
