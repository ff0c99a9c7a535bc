"""`/account/confirm`: proving once more who one is, before something dangerous."""

from __future__ import annotations

from flask import Blueprint, g, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from market import credentials
from market.credentials import Ceremony
from market.web import forms, login, passkeys, proof

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
    return _proved()


@bp.post("/passkey/options")
def passkey_options() -> Response:
    """What the browser asks her devices for."""
    return passkeys.options(Ceremony.CONFIRM, g.user)


@bp.post("/passkey")
def passkey() -> Answer:
    """One of her devices has signed, and looked who holds it."""
    if passkeys.proved(Ceremony.CONFIRM, g.user) is None:
        form = ConfirmForm(formdata=None)
        form.form_errors.append(_(credentials.passkeys.PasskeyRefused.message))
        return make_response(_page(form), 422)
    return _proved()


def _proved() -> Response:
    login.prove()
    return redirect(login.safe_next(url_for("account.profile.show")), 303)


def _page(form: ConfirmForm) -> str:
    by_passkey = passkeys.possible() and bool(credentials.passkeys.passkeys_of(g.user))
    return render_template("account/confirm/show.html", form=form, by_passkey=by_passkey)
