"""`/account/profile`: who one is."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

bp = Blueprint("profile", __name__)


@bp.get("/")
def index() -> Response:
    """The first of the settings."""
    return redirect(url_for(".show"), 303)


@bp.get("/profile")
def show() -> str:
    """Name, address and language, and where one belongs."""
    return render_template("account/profile/show.html", user=g.user)
