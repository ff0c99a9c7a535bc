"""`/account/sessions`: where one is signed in."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import credentials, resources
from market.web import login

bp = Blueprint("sessions", __name__, url_prefix="/sessions")


@bp.get("")
def index() -> str:
    """Every browser in which this person is signed in, this one marked."""
    return render_template(
        "account/sessions/index.html",
        sessions=credentials.sessions_of(g.user, at=resources.clock.now()),
        here=login.current_session(),
        words=_words,
        failures=credentials.failures("sign_in", g.user.email),
    )


@bp.post("/<int:id>/end")
def end(id: int) -> Response:
    """Sign one of them out."""
    at = resources.clock.now()
    credentials.end_session(credentials.session_of(g.user, id, at=at), by=g.actor, at=at)
    flash(_("那一处的登录已结束。"), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("/end-others")
def end_others() -> Response:
    """Sign all of them out but this one."""
    number = credentials.end_sessions(g.user, but=login.current_session(), by=g.actor, at=resources.clock.now())
    flash(_("结束了其他 %(number)d 处登录。", number=number), "ok")
    return redirect(url_for(".index"), 303)


def _words(agent: str) -> str:
    """The browser in the visitor's language."""
    return " · ".join(_(part) for part in credentials.browsers.words(agent).split(" · ") if part)
