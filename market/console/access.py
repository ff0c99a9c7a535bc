"""`/console/access`: having the access details of a subscription replaced, and who asked for it when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import resources, subscriptions
from market.console import parts
from market.errors import NotFound
from market.subscriptions import (
    LIVE,
    OPEN_REQUESTS,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
)
from market.web import guards, mailing, trail

bp = Blueprint("access", __name__, url_prefix="/access")

#: What happened to the details, without ever saying what they are.
ABOUT = frozenset(
    {"subscription.activated", "subscription.rotation_asked", "subscription.access_rotated", "subscription.rotate_failed"}
)


@dataclass(frozen=True)
class Rotation:
    """Whether the details can be replaced, and whether that is under way."""

    possible: bool
    waiting: ProvisioningRequest | None
    failure: str
    changed_at: datetime | None


def rotation(subscription: Subscription) -> Rotation:
    """How replacing the details stands."""
    request = subscriptions.requests_about(subscription).get(RequestKind.ROTATE)
    waiting = request if request is not None and request.status in OPEN_REQUESTS else None
    failed = request is not None and request.status is RequestStatus.FAILED
    return Rotation(
        subscription.status in LIVE and waiting is None,
        waiting,
        trail.reason(request.last_error) if request is not None and failed else "",
        subscriptions.access_changed_at(subscription),
    )


@bp.get("/<int:id>")
@guards.require("access.rotate")
def show(id: int) -> str:
    """What replacing means, before it is asked for, and what happened before."""
    subscription = _mine(id)
    who = parts.actor([subscription])
    story = [
        {"at": each.at, "title": trail.title(each), "actor": who(each), "reason": trail.reason(each.reason)}
        for each in subscriptions.timeline(subscription)
        if each.action in ABOUT
    ]
    return render_template(
        "console/access/show.html",
        subscription=subscription,
        rotation=rotation(subscription),
        story=story,
        now_at=resources.clock.now(),
    )


@bp.post("/<int:id>")
@guards.require("access.rotate")
def rotate(id: int) -> Response:
    """Ask the provider for new ones."""
    subscriptions.rotate(_mine(id), by=g.actor, at=resources.clock.now())
    flash(mailing.with_news(_("已请服务商更换登录信息。换好后旧的不再显示。")), "ok")
    return redirect(url_for(".show", id=id), 303)


def _mine(id: int) -> Subscription:
    subscription = subscriptions.subscription_of(g.organization, id)
    if subscription.started_at is None:
        raise NotFound
    return subscription
