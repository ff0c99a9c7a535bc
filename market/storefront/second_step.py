"""`/sign-in/second-step`: after the password, a code, a recovery code or a passkey."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import Field, StringField

from market import audit, credentials, resources
from market.credentials import Ceremony
from market.web import forms, guards, login, passkeys, transactions
from market.web.second_step import CodeForm, sample_code

bp = Blueprint("second_step", __name__, url_prefix="/sign-in/second-step")

Answer = Response | str | tuple[str, int]
#: What is said beside a box whose content is not right.
WRONG = {
    "code": credentials.authenticators.WrongCode.message,
    "recovery_code": "这个恢复码不对，或已经用过。每个恢复码只能用一次。",
}


class RecoveryForm(forms.MarketForm):
    """One of the words on paper."""

    recovery_code = StringField(
        _l("一个没用过的恢复码"),
        [forms.Filled(_l("填写一个还没用过的恢复码"))],
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "maxlength": 40},
    )


@bp.before_request
def only_who_has_to() -> Response | None:
    """Who gave the right password a moment ago, or came in with it alone before she had a second step."""
    user = login.pending_user()
    if user is None and (here := login.current_session()) is not None and here.second_step_at is None:
        user = here.user
    if user is None or not credentials.second_step_due(user):
        return redirect(url_for(login.SIGN_IN, next=request.values.get("next") or None), 303)
    g.asked = user
    return None


@bp.get("")
def show() -> Answer:
    """Ask for the second step."""
    return _page(CodeForm())


@bp.post("")
def take() -> Answer:
    """A code of the app, or a recovery code."""
    at, by = resources.clock.now(), _actor()
    if "recovery_code" in request.form:
        paper = RecoveryForm()
        return _judge(paper, paper.recovery_code, lambda: credentials.recovery_codes.take(g.asked, paper.recovery_code.data, by=by, at=at))
    form = CodeForm()
    return _judge(form, form.code, lambda: credentials.authenticators.verify(g.asked, form.code.data, at=at))


@bp.post("/passkey/options")
def passkey_options() -> Response:
    """What the browser asks her devices for."""
    return passkeys.options(Ceremony.SECOND_STEP, g.asked)


@bp.post("/passkey")
def passkey() -> Answer:
    """One of her devices has signed."""
    form = CodeForm(formdata=None)
    try:
        attempt = _attempt()
    except credentials.TooManyAttempts as refusal:
        return _too_many(form, refusal)
    if passkeys.proved(Ceremony.SECOND_STEP, g.asked) is None:
        form.form_errors.append(_(credentials.passkeys.PasskeyRefused.message))
        return _in_vain(form, attempt)
    return _enter(attempt)


def _judge(form: forms.MarketForm, field: Field, right: Callable[[], bool]) -> Answer:
    """Count the try, then look whether it is right: an empty box is none."""
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        attempt = _attempt()
    except credentials.TooManyAttempts as refusal:
        return _too_many(form, refusal)
    if right():
        return _enter(attempt)
    field.errors = [_(WRONG[field.name])]
    return _in_vain(form, attempt)


def _attempt() -> credentials.Attempt:
    address = request.remote_addr or ""
    return credentials.attempt("second_step", account=g.asked.id, address=address, at=resources.clock.now())


def _in_vain(form: forms.MarketForm, attempt: credentials.Attempt) -> Answer:
    """The page stays, and the try stays counted."""
    by = audit.Actor("system", None, "sign-in", None, request.remote_addr or "")
    credentials.record_failure(attempt, account=g.asked.email, by=by, at=resources.clock.now())
    transactions.keep()
    return _page(form), 422


def _too_many(form: forms.MarketForm, refusal: credentials.TooManyAttempts) -> Answer:
    form.refuse(refusal)
    answer = Response(_page(form), 429, mimetype="text/html")
    answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer


def _enter(attempt: credentials.Attempt) -> Response:
    """She is in: with a session of her own, or with the one she had, which now counts for more."""
    credentials.succeeded(attempt)
    here = login.current_session()
    if login.pending_user() is None and here is not None:
        credentials.take_second_step(here, by=_actor(), at=resources.clock.now())
    else:
        login.sign_in(g.asked, remember=login.pending_remember(), second_step=True)
    return redirect(login.safe_next(guards.home()), 303)


def _page(form: forms.MarketForm) -> str:
    """The form that was sent keeps its words; the other one is empty."""
    means = credentials.means_of(g.asked)
    return render_template(
        "storefront/second_step/show.html",
        form=form,
        code_form=form if isinstance(form, CodeForm) else CodeForm(formdata=None),
        recovery_form=form if isinstance(form, RecoveryForm) else RecoveryForm(formdata=None),
        person=g.asked,
        means=means,
        sample_code=sample_code(g.asked),
    )


def _actor() -> audit.Actor:
    return audit.Actor("user", g.asked.id, g.asked.name, None, request.remote_addr or "")
