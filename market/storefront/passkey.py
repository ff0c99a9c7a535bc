"""`/sign-in/passkey`: signing in without a password; the key itself says whose it is."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import credentials
from market.credentials import Ceremony
from market.storefront.auth import SignInForm
from market.web import guards, login, passkeys

bp = Blueprint("passkey", __name__, url_prefix="/sign-in/passkey")


@bp.post("/options")
def options() -> Response:
    """What the browser asks its devices for: any key of ours."""
    return passkeys.options(Ceremony.SIGN_IN, None)


@bp.post("")
def sign_in() -> Response | tuple[str, int]:
    """A device has signed, and has asked for a finger or a PIN: that is two steps in one."""
    user = passkeys.proved(Ceremony.SIGN_IN, None)
    if user is None:
        form = SignInForm(formdata=None)
        form.form_errors.append(_(credentials.passkeys.PasskeyRefused.message))
        return render_template("storefront/auth/sign_in.html", form=form), 422
    login.sign_in(user, remember=bool(request.form.get("remember")), second_step=True)
    return redirect(login.safe_next(guards.home()), 303)
