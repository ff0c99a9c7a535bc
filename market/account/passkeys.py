"""`/account/passkeys`: the keys in a person's devices, added, named, removed."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from market import credentials, resources
from market.credentials import Ceremony
from market.errors import MarketError
from market.web import forms, guards, login, passkeys, transactions

bp = Blueprint("passkeys", __name__, url_prefix="/passkeys")
bp.before_request(guards.second_step)

Answer = Response | str | tuple[str, int]


class NameForm(forms.MarketForm):
    """What she calls the device."""

    name = StringField(
        _l("名字"),
        [forms.Filled(_l("给这把通行密钥起个名字，例如“办公室电脑”")), forms.NotLongerThan(credentials.passkeys.LONGEST_NAME)],
        render_kw={"autocomplete": "off"},
    )


@bp.get("")
def index() -> str:
    """All of them, and how to add one."""
    return render_template("account/passkeys/index.html", keys=credentials.passkeys.passkeys_of(g.user))


@bp.get("/new")
@guards.fresh
def new() -> str:
    """The name; then the browser asks the device."""
    return render_template("account/passkeys/new.html", form=NameForm())


@bp.post("/options")
@guards.fresh
def options() -> Response:
    """What the browser asks the device for."""
    return passkeys.options(Ceremony.ADD, g.user)


@bp.post("/new")
@guards.fresh
def add() -> Answer:
    """The device has made a key."""
    form, at = NameForm(), resources.clock.now()
    try:
        if not form.validate_on_submit():
            return render_template("account/passkeys/new.html", form=form), 422
        credentials.passkeys.add(
            g.user, request.form.get("answer", ""), passkeys.here(),
            name=form.name.data, browser=passkeys.browser(), by=g.actor, at=at,
        )  # fmt: skip
    except MarketError as refusal:
        transactions.keep()  # the challenge is spent
        form.refuse(refusal)
        return render_template("account/passkeys/new.html", form=form), 422
    if (here := login.current_session()) is not None:
        credentials.take_second_step(here, by=g.actor, at=at)
    flash(_("通行密钥“%(name)s”已添加。下次登录可以不用密码。", name=form.name.data.strip()), "ok")
    if not credentials.recovery_codes.left(g.user):
        return redirect(url_for("account.second_step.recovery_codes", next=request.values.get("next") or None), 303)
    return redirect(login.safe_next(url_for(".index")), 303)


@bp.route("/<int:id>", methods=["GET", "POST"])
@guards.fresh
def edit(id: int) -> Answer:
    """Call it something else."""
    key = credentials.passkeys.passkey_of(g.user, id)
    form = NameForm(obj=key)
    if not form.is_submitted():
        return render_template("account/passkeys/edit.html", form=form, key=key)
    if not form.validate():
        return render_template("account/passkeys/edit.html", form=form, key=key), 422
    credentials.passkeys.rename(g.user, key, form.name.data, by=g.actor, at=resources.clock.now())
    flash(_("名字已改为“%(name)s”。", name=key.name), "ok")
    return redirect(url_for(".index"), 303)


@bp.get("/<int:id>/remove")
@guards.fresh
def remove(id: int) -> str:
    """What it means to do without it."""
    key, means = credentials.passkeys.passkey_of(g.user, id), credentials.means_of(g.user)
    last = means.authenticator is None and len(means.passkeys) == 1
    obstacle = credentials.LastSecondStep.message if last and credentials.second_step_required(g.user) else ""
    return render_template("account/passkeys/remove.html", key=key, last=last, obstacle=_(obstacle) if obstacle else "")


@bp.post("/<int:id>/remove")
@guards.fresh
def remove_now(id: int) -> Response:
    """It opens nothing any more."""
    key = credentials.passkeys.passkey_of(g.user, id)
    credentials.passkeys.remove(g.user, key, by=g.actor, at=resources.clock.now())
    flash(_("通行密钥“%(name)s”已移除。", name=key.name), "ok")
    return redirect(url_for(".index"), 303)
