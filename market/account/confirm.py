"""`/account/confirm`: proving once more who one is, before something dangerous."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from market import accounts
from market.web import forms, login

bp = Blueprint("confirm", __name__, url_prefix="/confirm")

Answer = Response | str | tuple[str, int]


class ConfirmForm(forms.MarketForm):
    """The password, once more."""

    password = PasswordField(
        _l("密码"), [forms.Filled(_l("填写密码"))], render_kw={"autocomplete": "current-password"}
    )


@bp.get("")
def show() -> Answer:
    """Ask for the password."""
    return render_template("account/confirm/show.html", form=ConfirmForm())


@bp.post("")
def confirm() -> Answer:
    """Go on to what she was about to do; a wrong password changes nothing."""
    form = ConfirmForm()
    if form.validate_on_submit():
        if accounts.authenticate(g.user.email, form.password.data) is not None:
            login.prove()
            return redirect(login.safe_next(url_for("account.profile.show")), 303)
        form.password.errors = [_("密码不对。请检查后再试，密码区分大小写")]
    return render_template("account/confirm/show.html", form=form), 422
