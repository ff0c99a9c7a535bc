"""`/console/reviews`: what the firm says of the services it uses."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import quality, resources
from market.errors import MarketError
from market.quality import Use
from market.web import forms, guards
from market.web.opinions import STARS, Writers

bp = Blueprint("reviews", __name__, url_prefix="/reviews")

Answer = Response | str | tuple[str, int]


class ReviewForm(forms.MarketForm):
    """Stars, words, and whether the firm's name may stand beside them; the rules live in `quality`."""

    stars = RadioField(_l("打几颗星"), choices=[SelectChoice(str(stars), label) for stars, label in STARS.items()], validate_choice=False)
    text = TextAreaField(_l("用下来怎么样"))
    named = BooleanField(_l("显示企业名称"))


@bp.get("/")
@guards.require("reviews.write")
def index() -> str:
    """The services in use, each with what the firm says of it or from when it may."""
    uses = quality.uses_of(g.organization, at=resources.clock.now())
    return render_template("console/reviews/index.html", uses=uses, least=quality.LEAST_DAYS)


@bp.get("/<int:id>")
@guards.require("reviews.write")
def edit(id: int) -> str:
    """Write about one service, or write anew."""
    use = quality.use_of(g.organization, id, at=resources.clock.now())
    form = ReviewForm(formdata=None)
    if use.review is not None:
        form.stars.data, form.text.data = str(use.review.stars), use.review.wording.text
        form.named.data = use.review.named
    return _page(use, form)


@bp.post("/<int:id>")
@guards.require("reviews.write")
def save(id: int) -> Answer:
    """Publish it at once."""
    use, form = quality.use_of(g.organization, id, at=resources.clock.now()), ReviewForm()
    stars = form.stars.data or ""
    try:
        quality.write(
            use, g.organization, stars=int(stars) if stars in {str(each) for each in STARS} else None, text=form.text.data or "",
            named=form.named.data, user=g.user, by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(use, form), refusal.status
    flash(_("评价已发布，所有人都能看到。"), "ok")
    return redirect(url_for(".edit", id=id), 303)


def _page(use: Use, form: ReviewForm) -> str:
    return render_template(
        "console/reviews/edit.html", use=use, form=form, writers=Writers(), least=quality.LEAST_DAYS,
        longest=quality.LONGEST_TEXT, firm=g.organization,
    )  # fmt: skip
