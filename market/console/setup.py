"""`/console/setup`: how far a subscription's set-up is, in steps, and what to do when it did not come about."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from market import resources, subscriptions
from market.web import guards, htmx
from market.web.setting_up import progress

bp = Blueprint("setup", __name__, url_prefix="/setup")


@bp.get("/<int:id>")
@guards.require("subscriptions.read")
def show(id: int) -> str | Response:
    """The steps alone, for the page that asks again; once there is more to see, the whole page is fetched anew."""
    subscription = subscriptions.subscription_of(g.organization, id)
    found = progress(subscription, resources.clock.now())
    if found is not None:
        return render_template("console/setup/show.html", progress=found, subscription=subscription)
    if htmx.is_fragment():
        return Response("", headers={"HX-Refresh": "true"})
    return redirect(url_for("console.subscriptions.show", id=id), 303)
