"""`/vendor/activity`: who did what in the provider's name, newest first."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _

from market import audit, catalog
from market.audit import AuditEvent
from market.web import guards, paging, trail

bp = Blueprint("activity", __name__, url_prefix="/activity")


@bp.get("/")
@guards.require("audit.read")
def index() -> str:
    """The trail of the provider, narrowed to one kind of thing by `?about=`."""
    kinds = {
        "offering": _("服务"), "revision": _("内容和审核"), "plan": _("套餐"), "meter": _("计量项"),
        "subscription": _("订阅"), "api_key": _("密钥"), "provider": _("资料"),
    }  # fmt: skip
    about = request.args.get("about", "")
    about = about if about in kinds else ""
    query = audit.events(organization_id=g.organization.id, action=f"{about}." if about else "")
    mine = {offering.id for offering in catalog.offerings_of(g.provider)}
    return render_template(
        "vendor/activity/index.html",
        events=paging.page_of(query, size=30),
        kinds=kinds,
        about=about,
        link=lambda event: _link(event, mine),
        actor=trail.actor,
        trail=trail,
    )


def _link(event: AuditEvent, mine: set[int]) -> str:
    """Where the thing can be seen; empty when it has no page here."""
    if event.subject_type == "Offering" and event.subject_id in mine:
        return url_for("vendor.offerings.show", id=event.subject_id)
    if event.subject_type == "Subscription":
        return url_for("vendor.customers.show", id=event.subject_id)
    return ""
