"""`/account/confirm`: proving once more who one is, before something dangerous."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from market import credentials
from market.web import forms, login, proof

bp = Blueprint("confirm", __name__, url_prefix="/confirm")

Answer = Response | str


class ConfirmForm(forms.MarketForm):
    """The password, once more."""

    password = PasswordField(
        _l("密码"), [forms.Filled(_l("填写密码"))], render_kw={"autocomplete": "current-password"}
    )


@bp.get("")
def show() -> Answer:
    """Ask for the password."""
    return _page(ConfirmForm())


@bp.post("")
def confirm() -> Answer:
    """Go on to what she was about to do; a wrong password changes nothing."""
    form = ConfirmForm()
    if not form.validate_on_submit():
        return make_response(_page(form), 422)
    try:
        right = proof.once_more(form.password.data).user is not None
    except credentials.TooManyAttempts as refusal:
        form.refuse(refusal)
        return make_response(_page(form), 429, {"Retry-After": str(refusal.retry_after)})
    if not right:
        form.password.errors = [_("密码不对。请检查后再试，密码区分大小写。")]
        return make_response(_page(form), 422)
    login.prove()
    return redirect(login.safe_next(url_for("account.profile.show")), 303)


def _page(form: ConfirmForm) -> str:
    return render_template("account/confirm/show.html", form=form)
