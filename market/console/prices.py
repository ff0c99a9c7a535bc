"""`/console/prices/<id>`: a provider has announced a new price for one subscription: what differs, accept or leave."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import resources
from market.subscriptions import prices
from market.web import agreements, formats, guards, repricing

bp = Blueprint("prices", __name__, url_prefix="/prices")


@bp.get("/<int:id>")
@guards.require("subscriptions.read")
def show(id: int) -> str:
    """Old and new price side by side, and what last month would have cost."""
    notice = prices.notice_of(g.organization, id)
    change, now = notice.price_change, resources.clock.now()
    return render_template(
        "console/prices/show.html",
        notice=notice,
        change=change,
        subscription=notice.subscription,
        old=agreements.prices(change.from_plan),
        new=agreements.prices(change.to_plan),
        effect=_effect(notice),
        is_open=change.status is prices.PriceChangeStatus.ANNOUNCED and change.effective_at > now,
        leaving=agreements.leaving(notice.subscription.revision.facts, change.effective_at),
        last_day=agreements.last_day(change.effective_at),
        reason=formats.local({"reason_zh": change.reason_zh, "reason_en": change.reason_en}, "reason"),
    )


def _effect(notice: prices.PriceNotice) -> repricing.Effect:
    change, subscription = notice.price_change, notice.subscription
    found = repricing.effects([subscription], change.from_plan, change.to_plan, resources.clock.now())
    return found[subscription.id]


@bp.post("/<int:id>/accept")
@guards.require("subscriptions.order")
def accept(id: int) -> Response:
    """Go on at the new price."""
    notice = prices.notice_of(g.organization, id)
    prices.accept(notice, user=g.user, by=g.actor, at=resources.clock.now())
    flash(_("已接受新价格，到生效那天才变。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/leave")
@guards.require("subscriptions.end")
def leave(id: int) -> Response:
    """End on the day it would take effect."""
    notice = prices.notice_of(g.organization, id)
    prices.leave(notice, user=g.user, by=g.actor, at=resources.clock.now())
    last = formats.date(agreements.last_day(notice.price_change.effective_at))
    flash(_("已安排停用：用到 %(date)s，之后不再收费。", date=last), "ok")
    return redirect(url_for(".show", id=id), 303)
