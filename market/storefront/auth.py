"""`/sign-in`, `/sign-out`: coming in and leaving."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, PasswordField

from market import accounts, credentials
from market.web import forms, guards, login, proof

bp = Blueprint("auth", __name__)

Answer = Response | str


class SignInForm(forms.MarketForm):
    """Address and password."""

    email = EmailField(
        _l("邮箱"), [forms.Filled(_l("填写注册时用的邮箱"))], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        _l("密码"), [forms.Filled(_l("填写密码"))], render_kw={"autocomplete": "current-password"}
    )
    remember = BooleanField(_l("在这台电脑上保持登录"))


@bp.get("/sign-in")
def sign_in() -> Answer:
    """The sign-in page; somebody already signed in goes on to where she wanted to go."""
    if login.viewer() is not None:
        return redirect(login.safe_next(guards.home()), 303)
    return render_template("storefront/auth/sign_in.html", form=SignInForm())


@bp.post("/sign-in")
def sign_in_post() -> Answer:
    """One sentence for a wrong address and a wrong password alike, so that neither is given away."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _again(form, 422)
    try:
        user = proof.by_password(form.email.data, form.password.data).user
    except credentials.TooManyAttempts as refusal:
        form.refuse(refusal)
        return _again(form, 429, {"Retry-After": str(refusal.retry_after)})
    if user is None:
        form.form_errors.append(_("邮箱或密码不对。请检查后再试，密码区分大小写。"))
        return _again(form, 422)
    return _enter(user, remember=form.remember.data)


@bp.post("/sign-out")
def sign_out() -> Response:
    """Leave; the session is gone from this browser."""
    login.sign_out()
    return redirect(url_for("storefront.home.index"), 303)


def _enter(user: accounts.User, *, remember: bool) -> Response:
    if credentials.second_step_due(user):
        return login.await_second_step(user, remember=remember)
    login.sign_in(user, remember=remember)
    return redirect(login.safe_next(guards.home()), 303)


def _again(form: SignInForm, status: int, headers: dict[str, str] | None = None) -> Response:
    return make_response(render_template("storefront/auth/sign_in.html", form=form), status, headers or {})
