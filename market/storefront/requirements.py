"""`/requirements/new`: saying what one needs and has not found, and `/requirements/<token>`: what came of it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField

from market import catalog, quality, resources
from market.errors import MarketError
from market.storefront import visitors
from market.storefront.cards import cards
from market.storefront.visitors import Answer, VisitorForm
from market.web import formats, login, proof

bp = Blueprint("requirements", __name__, url_prefix="/requirements")

ABOUT = "requirement"
#: As much of a search as is taken over into the form.
LONGEST_QUERY = 100


class RequirementForm(VisitorForm):
    """What is to be done, what kind of service that may be, and where to write."""

    text = TextAreaField(_l("您要做什么事"))
    category = RadioField(_l("大概是哪一类"), validate_choice=False)

    def offer(self) -> None:
        """The four kinds of service, and not knowing which."""
        kinds = [one for one in catalog.category_names().values() if one.parent_slug is None]
        kinds.sort(key=lambda one: (one.position, one.slug))
        self.category.choices = [*((one.slug, formats.local(one, "name")) for one in kinds), ("", _("说不清"))]


@bp.get("/new")
def new() -> str:
    """The form; what was searched for in vain stands in it, and the address of whoever is signed in."""
    viewer, words = login.viewer(), " ".join(request.args.get("q", "").split())[:LONGEST_QUERY]
    text = _("我搜过“%(words)s”，没有找到合适的。我想……", words=words) if words else ""
    category = request.args.get("category", "")
    form = RequirementForm(formdata=None, email=viewer.email if viewer else "", text=text, category=category)
    return _page(form)


@bp.post("/new")
def send() -> Answer:
    """Hand it to the administrators and show the link under which the answer will stand."""
    form, now = RequirementForm(), resources.clock.now()
    if not form.by_a_person(ABOUT):
        return _page(form), 422
    try:
        proof.take(ABOUT)
        viewer = login.viewer()
        _made, word = quality.post_requirement(
            text=form.text.data or "", category=form.category.data or "", email=form.email.data or "",
            locale=formats.language(), user=viewer, by=visitors.actor(viewer), at=now,
        )  # fmt: skip
    except MarketError as refusal:
        return visitors.refused(form, refusal, lambda: _page(form))
    return redirect(url_for(".show", token=word), 303)


@bp.get("/<token>")
def show(token: str) -> Response:
    """What was asked for and what came of it, for whoever has the link; with what can still be bought of the services named."""
    requirement = visitors.by_link(quality.requirement_by_token, token)
    named = catalog.offerings_by_slugs(requirement.suggested)
    offered = [named[slug] for slug in requirement.suggested if slug in named and catalog.can_be_bought(named[slug])]
    html = render_template(
        "storefront/requirements/show.html", requirement=requirement, cards=cards(offered), due_on=quality.due_on(requirement)
    )
    return visitors.unlisted(html)


def _page(form: RequirementForm) -> str:
    form.open(ABOUT)
    form.offer()
    return render_template(
        "storefront/requirements/new.html", form=form, longest=quality.LONGEST_REPORT, days=quality.REPLY_DAYS
    )
