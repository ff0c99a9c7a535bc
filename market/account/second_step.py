"""`/account/second-step`: an authenticator app and recovery codes, set up, replaced, removed."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import credentials, resources
from market.errors import MarketError
from market.web import guards, login, pictures
from market.web.locale import site_name
from market.web.second_step import CodeForm, is_sample

bp = Blueprint("second_step", __name__, url_prefix="/second-step")
bp.before_request(guards.second_step)

Answer = Response | str | tuple[str, int]


@bp.get("")
def show() -> str:
    """What she has, what she must have, and what she can do."""
    required = credentials.second_step_required(g.user)
    return render_template("account/second_step/show.html", means=credentials.means_of(g.user), required=required)


@bp.post("/begin")
@guards.fresh
def begin() -> Response:
    """A secret for a new app; what is in force stays so for now."""
    credentials.authenticators.begin(g.user, by=g.actor, at=resources.clock.now())
    return redirect(url_for(".authenticator", next=request.values.get("next") or None), 303)


@bp.get("/authenticator")
@guards.fresh
def authenticator() -> Answer:
    """The picture to scan, and the box for the first code."""
    return _setting_up(CodeForm())


@bp.post("/authenticator")
@guards.fresh
def confirm() -> Answer:
    """The first code: from now on the app counts, and this browser has taken the second step."""
    form, at = CodeForm(), resources.clock.now()
    if not form.validate_on_submit():
        return _setting_up(form)
    try:
        credentials.authenticators.confirm(g.user, form.code.data, by=g.actor, at=at)
    except MarketError as refusal:
        form.refuse(refusal)
        return _setting_up(form)
    _taken()
    if credentials.recovery_codes.left(g.user):
        flash(_("验证器应用已添加。"), "ok")
        return redirect(login.safe_next(url_for(".show")), 303)
    return _new_codes(first=True)


@bp.get("/remove")
@guards.fresh
def remove() -> Answer:
    """What it means to do without the app."""
    means = credentials.means_of(g.user)
    if means.authenticator is None:
        return redirect(url_for(".show"), 303)
    last = not means.passkeys
    obstacle = credentials.LastSecondStep.message if last and credentials.second_step_required(g.user) else ""
    return render_template("account/second_step/remove.html", last=last, obstacle=_(obstacle) if obstacle else "")


@bp.post("/remove")
@guards.fresh
def remove_now() -> Response:
    """The app's codes count no longer."""
    credentials.authenticators.remove(g.user, by=g.actor, at=resources.clock.now())
    flash(_("验证器应用已移除。"), "ok")
    return redirect(url_for(".show"), 303)


@bp.get("/recovery-codes")
@guards.fresh
def recovery_codes() -> str:
    """What new codes do to the old ones."""
    onward = login.safe_next(url_for(".show"))
    return render_template("account/second_step/recovery_codes.html", means=credentials.means_of(g.user), onward=onward)


@bp.post("/recovery-codes")
@guards.fresh
def make_recovery_codes() -> Answer:
    """Ten new codes, in this answer and nowhere else."""
    if not credentials.second_step_due(g.user):
        return redirect(url_for(".show"), 303)
    return _new_codes(first=False)


def _setting_up(form: CodeForm) -> Answer:
    pending = credentials.authenticators.pending_of(g.user, at=resources.clock.now())
    if pending is None:
        if form.has_errors:
            flash(_(credentials.authenticators.NothingPending.message), "warn")
        return redirect(url_for(".show"), 303)
    secret = credentials.authenticators.secret_of(pending)
    address = credentials.authenticators.address_of(pending, g.user, issuer=site_name())
    page = render_template(
        "account/second_step/authenticator.html",
        form=form, picture=pictures.qr(address), address=address,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        sample_code=credentials.authenticators.code_at(secret, resources.clock.now()) if is_sample(g.user) else None,
    )  # fmt: skip
    return (page, 422) if form.has_errors else page


def _taken() -> None:
    here = login.current_session()
    if here is not None:
        credentials.take_second_step(here, by=g.actor, at=resources.clock.now())


def _new_codes(*, first: bool) -> str:
    codes = credentials.recovery_codes.make(g.user, by=g.actor, at=resources.clock.now())
    onward = login.safe_next(url_for(".show"))
    return render_template("account/second_step/codes.html", codes=codes, first=first, onward=onward)
