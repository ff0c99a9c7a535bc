"""`/sign-in`, `/sign-out`: coming in and leaving."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, PasswordField

from market import accounts
from market.web import forms, guards, login

bp = Blueprint("auth", __name__)

Answer = Response | str | tuple[str, int]


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
        return redirect(login.safe_next(_home()), 303)
    return render_template("storefront/auth/sign_in.html", form=SignInForm())


@bp.post("/sign-in")
def sign_in_post() -> Answer:
    """One sentence for a wrong address and a wrong password alike, so that neither is given away."""
    form = SignInForm()
    if form.validate_on_submit():
        user = accounts.authenticate(form.email.data, form.password.data)
        if user is not None:
            login.sign_in(user, remember=form.remember.data)
            return redirect(login.safe_next(_home()), 303)
        form.form_errors.append(_("邮箱或密码不对。请检查后再试，密码区分大小写。"))
    return render_template("storefront/auth/sign_in.html", form=form), 422


@bp.post("/sign-out")
def sign_out() -> Response:
    """Leave; the session is gone from this browser."""
    login.sign_out()
    return redirect(url_for("storefront.home.index"), 303)


def _home() -> str:
    """The first page of the side this person belongs to."""
    faces = guards.faces()
    return url_for(guards.home_endpoint(faces[0])) if faces else url_for("storefront.home.index")
