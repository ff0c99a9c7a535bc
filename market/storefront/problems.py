"""`/offerings/<slug>/report`: reporting a problem with a service's page, and `/reports/<token>`: what came of it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import catalog, quality, resources
from market.errors import MarketError
from market.storefront import visitors
from market.storefront.visitors import Answer, VisitorForm
from market.web import login, proof
from market.web.formats import language
from market.web.problems import KINDS

bp = Blueprint("problems", __name__)


class ReportForm(VisitorForm):
    """What is wrong."""

    kind = RadioField(_l("是什么问题"), choices=[SelectChoice(kind, label) for kind, label in KINDS.items()], validate_choice=False)
    text = TextAreaField(_l("哪里不对"))


@bp.get("/offerings/<slug>/report")
def new(slug: str) -> str:
    """The form; the address of whoever is signed in stands in it."""
    return _page(slug)


@bp.post("/offerings/<slug>/report")
def send(slug: str) -> Answer:
    """Hand it to the administrators and show the link under which the answer will stand."""
    form, now = ReportForm(), resources.clock.now()
    if not form.by_a_person(slug):
        return _page(slug, form), 422
    try:
        proof.take("report", account=f"report {slug}")
        viewer = login.viewer()
        _made, word = quality.report(
            catalog.offering_by_slug(slug), kind=form.kind.data or "", text=form.text.data or "", email=form.email.data or "",
            locale=language(), user=viewer, by=visitors.actor(viewer), at=now,
        )  # fmt: skip
    except MarketError as refusal:
        return visitors.refused(form, refusal, lambda: _page(slug, form))
    return redirect(url_for(".show", token=word), 303)


@bp.get("/reports/<token>")
def show(token: str) -> Response:
    """What was reported and what came of it, for whoever has the link."""
    report = visitors.by_link(quality.report_by_token, token)
    return visitors.unlisted(render_template("storefront/problems/show.html", report=report, kinds=KINDS))


def _page(slug: str, form: ReportForm | None = None) -> str:
    # First of all the service: a form leaves a cookie, and a page that does not exist leaves none.
    offering = catalog.offering_by_slug(slug)
    if form is None:
        viewer = login.viewer()
        form = ReportForm(formdata=None, email=viewer.email if viewer else "")
    form.open(slug)
    return render_template(
        "storefront/problems/new.html", offering=offering, facts=catalog.shown_revision(offering).facts, form=form,
        longest=quality.LONGEST_REPORT,
    )  # fmt: skip
