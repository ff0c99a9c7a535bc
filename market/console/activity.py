"""`/console/activity`: who did what in the firm's name, newest first."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask_babel import gettext as _

from market import audit, subscriptions
from market.console import parts
from market.web import guards, paging, trail

bp = Blueprint("activity", __name__, url_prefix="/activity")


@bp.get("/")
@guards.require("audit.read")
def index() -> str:
    """The trail of the organization, narrowed to one kind of thing by `?about=`."""
    kinds = {"subscription": _("订阅"), "bill": _("账单"), "payment": _("付款"), "organization": _("企业")}
    about = request.args.get("about", "")
    about = about if about in kinds else ""
    mine = subscriptions.subscriptions_of(g.organization)
    query = audit.events(organization_id=g.organization.id, action=f"{about}." if about else "")
    return render_template(
        "console/activity/index.html",
        events=paging.page_of(query, size=30),
        kinds=kinds,
        about=about,
        about_event=parts.about(mine),
        actor=parts.actor(mine),
        trail=trail,
    )
