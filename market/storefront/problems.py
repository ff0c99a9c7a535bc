"""`/offerings/<slug>/report`: reporting a problem with a service's page, and `/reports/<token>`: what came of it.

No sign-in is asked for and no puzzle. Machines are kept out by a box that nobody sees, by a mark that says when the form was
opened, and by a limit for each address; to whom it looks like a machine nothing is lost: the form comes back filled in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import audit, catalog, credentials, quality, resources
from market.accounts import User
from market.catalog import Offering
from market.errors import MarketError, NotFound
from market.web import forms, login, proof
from market.web.formats import language
from market.web.problems import KINDS

bp = Blueprint("problems", __name__)

Answer = Response | str | tuple[str, int]
#: Nobody reads the form and writes ten characters any faster; a form from the day before yesterday is opened anew.
FASTEST, LONGEST = timedelta(seconds=3), timedelta(days=2)


class ReportForm(forms.MarketForm):
    """What is wrong; the rules live in `quality`."""

    kind = RadioField(_l("是什么问题"), choices=[SelectChoice(kind, label) for kind, label in KINDS.items()], validate_choice=False)
    text = TextAreaField(_l("哪里不对"))
    email = StringField(_l("您的邮箱"), render_kw={"type": "email", "autocomplete": "email", "inputmode": "email"})
    website = StringField(_l("请不要填这一格"), render_kw={"autocomplete": "off", "tabindex": "-1"})
    opened = HiddenField()

    def hurried(self, slug: str, now: datetime) -> bool:
        """Whether it looks as if no person had filled it in."""
        if self.website.data:
            return True
        try:
            known, at = _signer().loads(self.opened.data or "")
            age = now - datetime.fromisoformat(at)
        except (BadSignature, ValueError, TypeError):
            return True
        return known != slug or not FASTEST <= age <= LONGEST


@bp.get("/offerings/<slug>/report")
def new(slug: str) -> str:
    """The form; the address of whoever is signed in stands in it."""
    offering, viewer = catalog.offering_by_slug(slug), login.viewer()
    return _page(offering, ReportForm(formdata=None, email=viewer.email if viewer else ""))


@bp.post("/offerings/<slug>/report")
def send(slug: str) -> Answer:
    """Hand it to the administrators and show the link under which the answer will stand."""
    offering, form, now = catalog.offering_by_slug(slug), ReportForm(), resources.clock.now()
    if not form.validate():
        return _page(offering, form), 422
    if form.hurried(slug, now):
        form.form_errors.append(_("这份表单打开得太久或提交得太快。内容还在下面，请看一遍再提交。"))
        return _page(offering, form), 422
    try:
        proof.take("report", account=f"report {slug}")
        offering = catalog.offering_by_slug(slug)
        viewer = login.viewer()
        _made, word = quality.report(
            offering, kind=form.kind.data or "", text=form.text.data or "", email=form.email.data or "",
            locale=language(), user=viewer, by=_actor(viewer), at=now,
        )  # fmt: skip
    except credentials.TooManyAttempts as wait:
        form.refuse(wait)
        return make_response(_page(catalog.offering_by_slug(slug), form), 429, {"Retry-After": str(wait.retry_after)})
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(offering, form), refusal.status
    return redirect(url_for(".show", token=word), 303)


@bp.get("/reports/<token>")
def show(token: str) -> Response:
    """What was reported and what came of it, for whoever has the link."""
    try:
        report = quality.report_by_token(token)
    except NotFound:
        proof.take("link")  # who tries out words is slowed down
        raise
    response = make_response(render_template("storefront/problems/show.html", report=report, kinds=KINDS))
    response.headers["Cache-Control"], response.headers["Referrer-Policy"] = "no-store", "no-referrer"
    return response


def _page(offering: Offering, form: ReportForm) -> str:
    form.opened.data = _signer().dumps([offering.slug, resources.clock.now().isoformat()])
    return render_template(
        "storefront/problems/new.html", offering=offering, facts=catalog.shown_revision(offering).facts, form=form,
        longest=quality.LONGEST_REPORT,
    )  # fmt: skip


def _actor(viewer: User | None) -> audit.Actor:
    address = request.remote_addr or ""
    return audit.Actor("user", viewer.id, viewer.name, None, address) if viewer else audit.Actor("system", None, "visitor", None, address)


def _signer() -> URLSafeSerializer:
    keys = [*resources.settings.old_secret_keys[::-1], resources.settings.secret_key]
    return URLSafeSerializer(keys, salt="market report")
