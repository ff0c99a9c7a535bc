"""`/forgot-password` and what the links in letters open: `/reset-password`, `/confirm-email`, `/change-email`, `/undo-email`.

A link's word goes into the session at once and out of the address, so that no log, history or Referer keeps it.
Opening a link changes nothing (mail programs open them too); a button does.
"""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField

from market import accounts, credentials, resources
from market.credentials import Purpose, recovery, tokens
from market.errors import Invalid, MarketError
from market.web import devices, forms, locale, login, proof
from market.web.errors import translate

bp = Blueprint("recovery", __name__)

Answer = Response | str
LINK = "link"


class ForgotForm(forms.MarketForm):
    """Only the address."""

    email = EmailField(
        _l("邮箱"), [forms.Filled(_l("填写注册时用的邮箱"))], render_kw={"autocomplete": "username"}
    )


class ResetForm(forms.MarketForm):
    """The new password; it may be pasted and shown."""

    password = PasswordField(
        _l("新密码"), [forms.Filled(_l("设一个密码，至少 10 个字符"))], render_kw={"autocomplete": "new-password"}
    )


@bp.after_request
def tell_nobody(response: Response) -> Response:
    """The addresses of these pages are passed on to no other page, and no cache keeps them."""
    if "token" in (request.view_args or {}):
        response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/forgot-password")
def forgot() -> Answer:
    """Ask for the address."""
    return render_template("storefront/recovery/forgot.html", form=ForgotForm())


@bp.post("/forgot-password")
def forgot_post() -> Answer:
    """The same answer, after the same work, whether anybody has this address or not."""
    form = ForgotForm()
    try:
        if form.validate_on_submit():
            email = accounts.emails.normal(form.email.data)
            if wrong := accounts.emails.problem(email):
                raise Invalid(fields={"email": wrong})
            proof.take("letter", account=email)
            recovery.request_link(
                Purpose.RESET_PASSWORD, email=email, locale=locale.chosen_language(), address=request.remote_addr or "",
                at=resources.clock.now(),
            )  # fmt: skip
            return redirect(url_for(".sent"), 303)
    except MarketError as refusal:
        form.refuse(refusal)
        return _again("storefront/recovery/forgot.html", form, refusal)
    return _again("storefront/recovery/forgot.html", form)


@bp.get("/forgot-password/sent")
def sent() -> str:
    """Look into your mailbox; and honestly, whether mail leaves this place at the moment."""
    return render_template("storefront/recovery/sent.html")


@bp.get("/reset-password/<token>")
def open_reset(token: str) -> Response:
    """The link of a letter."""
    return _open(Purpose.RESET_PASSWORD, token)


@bp.get("/reset-password")
def reset() -> Answer:
    """Ask for the new password."""
    if _kept(Purpose.RESET_PASSWORD) is None:
        return redirect(url_for(".forgot"), 303)
    try:
        link = _link(Purpose.RESET_PASSWORD)
    except tokens.LinkGone as refusal:
        return _gone(Purpose.RESET_PASSWORD, refusal)
    return render_template("storefront/recovery/reset.html", form=ResetForm(), email=link.user.email)


@bp.post("/reset-password")
def reset_post() -> Answer:
    """Set it; she is signed out everywhere, and signs in with it next."""
    form, at = ResetForm(), resources.clock.now()
    try:
        link = _link(Purpose.RESET_PASSWORD)
        if not form.validate_on_submit():
            return _again("storefront/recovery/reset.html", form, email=link.user.email)
        recovery.check_new_password(form.password.data, email=link.user.email, name=link.user.name)
        # The slow hash is computed while no transaction is open, so the link is looked up once more.
        hashed = proof.hashed(form.password.data)
        user = recovery.reset_password(_link(Purpose.RESET_PASSWORD), hashed, address=request.remote_addr or "", at=at)
    except tokens.LinkGone as refusal:
        return _gone(Purpose.RESET_PASSWORD, refusal)
    except Invalid as refusal:
        form.refuse(refusal)
        return _again("storefront/recovery/reset.html", form, email=link.user.email)
    session.pop(LINK, None)
    login.sign_out()
    devices.remember(user.email)
    flash(_("新密码已生效，其他电脑和手机上的登录都已结束。请用新密码登录。"), "ok")
    return redirect(url_for("storefront.auth.sign_in"), 303)


@bp.get("/confirm-email/<token>")
def open_confirmation(token: str) -> Response:
    """The link of a letter."""
    return _open(Purpose.CONFIRM_EMAIL, token)


@bp.get("/confirm-email")
def confirm() -> Answer:
    """A button, because mail programs open links by themselves."""
    return _question(Purpose.CONFIRM_EMAIL)


@bp.post("/confirm-email")
def confirm_post() -> Answer:
    """The address is hers."""
    try:
        at = resources.clock.now()
        recovery.confirm_email(_link(Purpose.CONFIRM_EMAIL), address=request.remote_addr or "", at=at)
    except tokens.LinkGone as refusal:
        return _gone(Purpose.CONFIRM_EMAIL, refusal)
    return _done(_("邮箱已确认。"))


@bp.get("/change-email/<token>")
def open_change(token: str) -> Response:
    """The link of a letter."""
    return _open(Purpose.CHANGE_EMAIL, token)


@bp.get("/change-email")
def change() -> Answer:
    """A button, because mail programs open links by themselves."""
    return _question(Purpose.CHANGE_EMAIL)


@bp.post("/change-email")
def change_post() -> Answer:
    """From now on she signs in with the new address."""
    try:
        at = resources.clock.now()
        user = recovery.change_email(_link(Purpose.CHANGE_EMAIL), address=request.remote_addr or "", at=at)
    except MarketError as refusal:
        return _gone(Purpose.CHANGE_EMAIL, refusal)
    devices.remember(user.email)
    return _done(_("登录邮箱已换成 %(email)s。", email=user.email))


@bp.get("/undo-email/<token>")
def open_undo(token: str) -> Response:
    """The link of a letter."""
    return _open(Purpose.UNDO_EMAIL, token)


@bp.get("/undo-email")
def undo() -> Answer:
    """A button, because mail programs open links by themselves."""
    return _question(Purpose.UNDO_EMAIL)


@bp.post("/undo-email")
def undo_post() -> Answer:
    """The old address is back, everybody is signed out; next is a new password."""
    try:
        at = resources.clock.now()
        word = recovery.undo_email(_link(Purpose.UNDO_EMAIL), address=request.remote_addr or "", at=at)
    except MarketError as refusal:
        return _gone(Purpose.UNDO_EMAIL, refusal)
    login.sign_out()
    session[LINK] = [Purpose.RESET_PASSWORD.value, word]
    flash(_("邮箱已换回，所有登录都已结束。请设一个新密码。"), "ok")
    return redirect(url_for(".reset"), 303)


def _open(purpose: Purpose, token: str) -> Response:
    try:
        tokens.find(purpose, token, at=resources.clock.now())
    except tokens.LinkGone as refusal:
        if isinstance(refusal, tokens.LinkUnknown):
            proof.take("link")  # who tries out words is slowed down
        return _gone(purpose, refusal)
    session[LINK] = [purpose.value, token]
    return redirect(url_for(f".{_PAGES[purpose]}"), 303)


def _kept(purpose: Purpose) -> str | None:
    """The word of the link that was opened in this browser."""
    kept = session.get(LINK)
    return str(kept[1]) if isinstance(kept, list) and kept[0] == purpose.value else None


def _link(purpose: Purpose) -> credentials.Token:
    """The link that was opened in this browser. Raises LinkGone."""
    return tokens.find(purpose, _kept(purpose) or "", at=resources.clock.now())


def _question(purpose: Purpose) -> Answer:
    if _kept(purpose) is None:
        return redirect(url_for("storefront.auth.sign_in"), 303)
    try:
        link = _link(purpose)
    except tokens.LinkGone as refusal:
        return _gone(purpose, refusal)
    return render_template("storefront/recovery/question.html", purpose=purpose.value, link=link)


def _done(words: str) -> Response:
    session.pop(LINK, None)
    flash(words, "ok")
    here = "account.email.show" if login.viewer() is not None else "storefront.auth.sign_in"
    return redirect(url_for(here), 303)


def _gone(purpose: Purpose, refusal: MarketError) -> Response:
    """Why the link does not work, and the way on."""
    facts = {"title": _(refusal.title or "这个链接现在不能用"), "text": translate(refusal), "purpose": purpose.value}
    return make_response(render_template("storefront/recovery/gone.html", **facts), refusal.status)


def _again(template: str, form: forms.MarketForm, refusal: MarketError | None = None, **facts: str) -> Response:
    answer = make_response(render_template(template, form=form, **facts), refusal.status if refusal else 422)
    if isinstance(refusal, credentials.TooManyAttempts):
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


_PAGES = {
    Purpose.RESET_PASSWORD: "reset",
    Purpose.CONFIRM_EMAIL: "confirm",
    Purpose.CHANGE_EMAIL: "change",
    Purpose.UNDO_EMAIL: "undo",
}
