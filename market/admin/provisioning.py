"""`/admin/provisioning`: what providers have not done in time or could not do, while a customer waits."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from market import resources, subscriptions
from market.web import guards, paging, tasks, trail

bp = Blueprint("provisioning", __name__, url_prefix="/provisioning")

SIZE = 30


@bp.get("/")
@guards.require("provisioning.read")
def index() -> str:
    """The overdue, the longest first, or what has failed; with how to reach the provider."""
    now, failed = resources.clock.now(), request.args.get("show") == "failed"
    return render_template(
        "admin/provisioning/index.html",
        page=paging.page_of(subscriptions.stuck_requests(now, failed=failed), size=SIZE),
        failed=failed,
        far=now - subscriptions.FAR,
        kinds=tasks.KINDS,
        trail=trail,
    )
