"""Small choices a visitor makes on any page: the organization she acts for."""

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from market.errors import NotFound
from market.web import guards, login

bp = Blueprint("web", __name__)
bp.before_request(guards.signed_in)


def init_app(app: Flask) -> None:
    """Serve the choices."""
    app.register_blueprint(bp)


@bp.post("/act-for")
def act_for() -> Response:
    """Act for another of one's organizations; a stranger's does not exist."""
    wanted = request.form.get("organization", "")
    membership = next((m for m in login.memberships() if str(m.organization_id) == wanted), None)
    if membership is None:
        raise NotFound
    login.act_for(membership)
    return redirect(url_for(guards.home_endpoint(membership)), 303)
