"""`/admin/payments/news`: the inbox of what Stripe tells: what came, what became of it, handling it again."""

from __future__ import annotations

import json

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import payments, resources
from market.admin import menu
from market.payments import EventStatus, GatewayEvent, PaymentStatus
from market.web import guards, paging
from market.web.states import state_of

bp = Blueprint("gateway_news", __name__, url_prefix="/news")


@bp.get("/")
@guards.require("payments.read")
def index() -> str:
    """All news, newest first, or those in one state."""
    shown = request.args.get("show", "")
    view = EventStatus(shown) if shown in set(EventStatus) else None
    return render_template(
        "admin/gateway_news/index.html", page=paging.page_of(payments.gateway_events(view)), view=view, counts=payments.event_counts(),
        work=menu.payments_waiting(), outcome=_outcome, set_up=bool(resources.settings.stripe_webhook_secret),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("payments.read")
def show(id: int) -> str:
    """One piece of news as it came."""
    event = payments.event_by_id(id)
    return render_template("admin/gateway_news/show.html", event=event, outcome=_outcome, body=_pretty(str(event.body.get("text", ""))))


@bp.post("/<int:id>/again")
@guards.require("payments.confirm")
def again(id: int) -> Response:
    """Handle it (once more)."""
    payments.handle_again(payments.event_by_id(id), by=g.actor, at=resources.clock.now())
    flash(_("已重新处理。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _outcome(event: GatewayEvent) -> str:
    """What came of it: the state of a payment in words, what a person has to know, or what the program said itself."""
    if event.outcome in set(PaymentStatus):
        return _("付款：%(state)s", state=state_of("payment", event.outcome).label)
    if not event.outcome:
        return "—"
    return _("技术信息：%(text)s", text=event.outcome) if event.outcome.isascii() else _(event.outcome)


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
