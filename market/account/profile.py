"""`/account/profile`: who one is."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TelField
from wtforms.fields.choices import SelectChoice

from market import accounts, resources
from market.errors import MarketError
from market.web import forms, login, roles

bp = Blueprint("profile", __name__)

Answer = Response | str


class ProfileForm(forms.MarketForm):
    """Name, telephone, and the language of letters."""

    name = StringField(
        _l("姓名"),
        [forms.Filled(_l("填写您的姓名，账单和审批记录会用到")), forms.NotLongerThan(60)],
        render_kw={"autocomplete": "name"},
    )
    phone = TelField(_l("电话"), [forms.NotLongerThan(30)], render_kw={"autocomplete": "tel"})
    locale = SelectField(_l("邮件用的语言"), choices=[SelectChoice("zh", "中文"), SelectChoice("en", "English")])


@bp.get("/")
def index() -> Response:
    """The first of the settings."""
    return redirect(url_for(".show"), 303)


@bp.get("/profile")
def show() -> Answer:
    """Name, telephone and language, and where one belongs."""
    return _page(ProfileForm(obj=g.user))


@bp.post("/profile")
def save() -> Answer:
    """Keep what was changed."""
    form = ProfileForm()
    if not form.validate_on_submit():
        return make_response(_page(form), 422)
    try:
        accounts.change_person(
            g.user, name=form.name.data, phone=form.phone.data or "", locale=form.locale.data, by=g.actor,
            at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return make_response(_page(form), 422)
    flash(_("资料已保存。"), "ok")
    return redirect(url_for(".show"), 303)


def _page(form: ProfileForm) -> str:
    places = [(membership.organization.name, str(roles.LABELS[membership.role])) for membership in login.memberships()]
    return render_template("account/profile/show.html", form=form, places=places)
