"""`/console/fapiao/titles`: what stands on the firm's fapiao as the buyer."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField

from market import resources
from market.billing import fapiao
from market.billing.fapiao import FapiaoTitle, Title
from market.errors import MarketError
from market.web import forms, guards, login

bp = Blueprint("titles", __name__, url_prefix="/titles")

Answer = Response | str | tuple[str, int]


class TitleForm(forms.MarketForm):
    """A title; the rules live in `billing.fapiao`."""

    name = StringField(_l("抬头"), render_kw={"autocomplete": "organization"})
    tax_code = StringField(_l("税号"), render_kw={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"})
    address = StringField(_l("注册地址"), render_kw={"autocomplete": "street-address"})
    phone = StringField(_l("注册电话"), render_kw={"autocomplete": "tel", "inputmode": "tel"})
    bank = StringField(_l("开户银行"), render_kw={"autocomplete": "off"})
    account = StringField(_l("银行账号"), render_kw={"autocomplete": "off", "inputmode": "numeric"})
    is_default = BooleanField(_l("设为默认抬头"))

    def fill(self, title: Title) -> None:
        """Put these words into the boxes."""
        for name, value in title.values().items():
            self[name].data = value

    def words(self) -> Title:
        """What was filled in."""
        return Title(**{name: self[name].data or "" for name in Title().values()})


@bp.get("/")
@guards.require("fapiao.read")
def index() -> str:
    """The firm's titles."""
    return render_template(
        "console/fapiao/titles/index.html",
        titles=fapiao.titles_of(g.organization),
        suggested=fapiao.suggested(g.organization),
        most=fapiao.MOST_TITLES,
    )


@bp.get("/new")
@guards.require("fapiao.request")
def new() -> str:
    """A further title; the first one is filled in with what the firm has told already."""
    form = TitleForm(formdata=None)
    if not fapiao.titles_of(g.organization):
        form.fill(fapiao.suggested(g.organization))
        form.is_default.data = True
    return _page(form, None)


@bp.post("/new")
@guards.require("fapiao.request")
def add() -> Answer:
    """Save a further title."""
    form = TitleForm()
    try:
        fapiao.add_title(
            g.organization, form.words(), default=form.is_default.data, by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(form, None), refusal.status
    return _saved()


@bp.get("/<int:id>")
@guards.require("fapiao.request")
def edit(id: int) -> str:
    """One title."""
    title, form = fapiao.title_of(g.organization, id), TitleForm(formdata=None)
    form.fill(fapiao.words_of(title))
    form.is_default.data = title.is_default
    return _page(form, title)


@bp.post("/<int:id>")
@guards.require("fapiao.request")
def save(id: int) -> Answer:
    """Save it; what was requested with it keeps the words it had."""
    title, form = fapiao.title_of(g.organization, id), TitleForm()
    try:
        fapiao.edit_title(
            g.organization, title, form.words(), default=form.is_default.data, by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(form, title), refusal.status
    return _saved()


@bp.post("/<int:id>/prefer")
@guards.require("fapiao.request")
def prefer(id: int) -> Response:
    """Make it the default."""
    fapiao.prefer_title(g.organization, fapiao.title_of(g.organization, id), by=g.actor, at=resources.clock.now())
    flash(_("已设为默认抬头。"), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:id>/remove")
@guards.require("fapiao.request")
def remove(id: int) -> Response:
    """Take it off the list."""
    fapiao.remove_title(g.organization, fapiao.title_of(g.organization, id), by=g.actor, at=resources.clock.now())
    flash(_("抬头已删除。以前申请的发票不受影响。"), "ok")
    return redirect(url_for(".index"), 303)


def _saved() -> Response:
    flash(_("抬头已保存。"), "ok")
    return redirect(login.safe_next(url_for(".index")), 303)


def _page(form: TitleForm, title: FapiaoTitle | None) -> str:
    return render_template("console/fapiao/titles/edit.html", form=form, title=title, next=login.safe_next(""))
