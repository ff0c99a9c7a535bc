"""`/account/password`: another password."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from market import credentials, resources
from market.credentials import recovery
from market.errors import Invalid, MarketError
from market.web import forms, login, proof

bp = Blueprint("password", __name__, url_prefix="/password")

Answer = Response | str


class PasswordForm(forms.MarketForm):
    """The old one and the new one; both may be pasted."""

    current = PasswordField(
        _l("现在的密码"), [forms.Filled(_l("填写现在的密码"))], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField(
        _l("新密码"), [forms.Filled(_l("设一个密码，至少 10 个字符"))], render_kw={"autocomplete": "new-password"}
    )


@bp.get("")
def edit() -> Answer:
    """The form."""
    return _page(PasswordForm())


@bp.post("")
def change() -> Answer:
    """Every other session ends, and this one gets another word in its cookie."""
    form = PasswordForm()
    try:
        if not form.validate_on_submit():
            return make_response(_page(form), 422)
        recovery.check_new_password(form.password.data, email=g.user.email, name=g.user.name)
        hashed = proof.hashed(form.password.data)
        user = proof.once_more(form.current.data).user
        if user is None:
            raise Invalid(fields={"current": "密码不对。请检查后再试，密码区分大小写。"})
    except MarketError as refusal:
        return _refused(form, refusal)
    here = login.renew()
    recovery.change_password(user, hashed, here=here, by=g.actor, at=resources.clock.now())
    flash(_("新密码已生效，其他电脑和手机上的登录都已结束。"), "ok")
    return redirect(url_for(".edit"), 303)


def _refused(form: PasswordForm, refusal: MarketError) -> Response:
    form.refuse(refusal)
    answer = make_response(_page(form), refusal.status)
    if isinstance(refusal, credentials.TooManyAttempts):
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


def _page(form: PasswordForm) -> str:
    return render_template("account/password/edit.html", form=form)
