"""`/account/email`: the address one signs in with."""

from __future__ import annotations

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField

from market import accounts, credentials, resources
from market.credentials import Purpose, recovery
from market.errors import Invalid, MarketError
from market.web import forms, guards, locale, mailing, proof

bp = Blueprint("email", __name__, url_prefix="/email")

Answer = Response | str


class EmailForm(forms.MarketForm):
    """The new address."""

    email = EmailField(_l("新邮箱"), [forms.Filled(_l("填写新邮箱"))], render_kw={"autocomplete": "email"})


@bp.get("")
def show() -> Answer:
    """The address, and whether it is confirmed."""
    return render_template("account/email/show.html", user=g.user)


@bp.get("/change")
@guards.fresh
def edit() -> Answer:
    """The form for another address."""
    return _page(EmailForm())


@bp.post("/change")
@guards.fresh
def change() -> Answer:
    """A link goes to the new address; the same answer whether somebody has it already or not."""
    form = EmailForm()
    try:
        if not form.validate_on_submit():
            return make_response(_page(form), 422)
        email = accounts.emails.normal(form.email.data)
        wrong = "您现在用的就是这个邮箱。" if email == g.user.email else accounts.emails.problem(email)
        if wrong:
            raise Invalid(fields={"email": wrong})
        _ask(Purpose.CHANGE_EMAIL, email)
    except MarketError as refusal:
        return _refused(form, refusal)
    mailing.tell_written(_("点了信里的链接，邮箱才会换。"), email)
    return redirect(url_for(".show"), 303)


@bp.post("/send-again")
def send_again() -> Answer:
    """Another letter for the address she has."""
    try:
        _ask(Purpose.CONFIRM_EMAIL, g.user.email)
    except credentials.TooManyAttempts as refusal:
        return _refused(EmailForm(formdata=None), refusal)  # says so above the form, which stays empty
    mailing.tell_written(_("点了信里的链接，邮箱就确认好了。"), g.user.email)
    return redirect(url_for(".show"), 303)


def _ask(purpose: Purpose, email: str) -> None:
    proof.take("letter", account=f"person {g.user.id}")
    recovery.request_link(
        purpose, email=email, user=g.user, locale=locale.chosen_language(), address=request.remote_addr or "",
        at=resources.clock.now(),
    )  # fmt: skip


def _refused(form: EmailForm, refusal: MarketError) -> Response:
    form.refuse(refusal)
    answer = make_response(_page(form), refusal.status)
    if isinstance(refusal, credentials.TooManyAttempts):
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


def _page(form: EmailForm) -> str:
    return render_template("account/email/edit.html", form=form)

