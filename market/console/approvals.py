"""`/console/approvals`: orders above the firm's limit, waiting for somebody to approve them; and the limit itself."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import TextAreaField
from wtforms.validators import ValidationError

from market import accounts, audit, billing, resources, subscriptions
from market.errors import MarketError
from market.kit import quantity
from market.subscriptions import Order, OrderStatus
from market.web import agreements, formats, forms, guards, paging, trail

bp = Blueprint("approvals", __name__, url_prefix="/approvals")

Answer = Response | str | tuple[str, int]

#: What the page of an order is called, by how far it is.
HEADINGS = {
    OrderStatus.AWAITING_APPROVAL: _l("等老板批准：%(name)s"),
    OrderStatus.REFUSED: _l("没有批准：%(name)s"),
    OrderStatus.CANCELED: _l("已取消的订单：%(name)s"),
    OrderStatus.EXPIRED: _l("已过期的订单：%(name)s"),
}


class RefusalForm(forms.MarketForm):
    """Why an order is not approved."""

    reason = TextAreaField(
        _l("不批准的原因"), [forms.Filled(_l("写明原因，下单的人会看到")), forms.NotLongerThan(500)]
    )


class LimitForm(forms.MarketForm):
    """From which amount on orders wait."""

    limit_fen = forms.MoneyField(_l("超过多少钱要审批（第一个整月，含税）"))

    def validate_limit_fen(self, field: forms.MoneyField) -> None:
        """An amount is not negative."""
        if field.data is not None and field.data < 0:
            raise ValidationError(_("填 0 或更大的金额"))


@bp.get("/")
@guards.require("orders.read")
def index() -> str:
    """What waits, the oldest first, and what came of the rest."""
    return render_template(
        "console/approvals/index.html",
        waiting=subscriptions.orders_to_approve(g.organization),
        page=paging.page_of(subscriptions.orders_decided(g.organization)),
        limit_fen=g.organization.approval_above_fen,
    )


@bp.get("/<int:id>")
@guards.require("orders.read")
def show(id: int) -> str:
    """One order: what it costs, who wants it, how far it is, and what one may do about it."""
    order = subscriptions.order_of(g.organization, id)
    form = RefusalForm(formdata=None)
    if order.status is OrderStatus.AWAITING_APPROVAL and subscriptions.outdated(order):
        form.reason.data = _("下单以后，价格或条款变了。请看过新的内容，再下一次单。")
    return _page(order, form)


@bp.post("/<int:id>/approve")
@guards.require("orders.approve")
def approve(id: int) -> Answer:
    """Place the order as it stands."""
    order = subscriptions.order_of(g.organization, id)
    try:
        subscriptions.approve(order, user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(id, refusal)
    flash(_("已批准，已通知服务商开通。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/refuse")
@guards.require("orders.approve")
def refuse(id: int) -> Answer:
    """Send it back with a reason."""
    order, form = subscriptions.order_of(g.organization, id), RefusalForm()
    if order.status is OrderStatus.AWAITING_APPROVAL and not form.validate_on_submit():
        return _page(order, form), 422
    try:
        subscriptions.refuse(order, reason=form.reason.data or "", user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(id, refusal)
    flash(_("已告诉下单的人没有批准。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/cancel")
@guards.require("subscriptions.order")
def cancel(id: int) -> Answer:
    """Its own buyer takes it back."""
    order = subscriptions.order_of(g.organization, id)
    try:
        subscriptions.withdraw(order, user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(id, refusal)
    flash(_("订单已取消，没有产生费用。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.route("/settings", methods=["GET", "POST"])
@guards.require("orders.limit")
@guards.fresh
def settings() -> Answer:
    """From which amount on orders wait; empty means that none does."""
    form = LimitForm(data={"limit_fen": g.organization.approval_above_fen})
    if not form.is_submitted():
        return render_template("console/approvals/settings.html", form=form)
    if not form.validate():
        return render_template("console/approvals/settings.html", form=form), 422
    accounts.set_approval_limit(g.organization, form.limit_fen.data, by=g.actor, at=resources.clock.now())
    limit = form.limit_fen.data
    told = _("已保存：第一个整月预计超过 %(amount)s 的订单要审批。", amount=formats.money(limit)) if limit is not None else _("已保存：订单不用审批。")
    flash(told, "ok")
    return redirect(url_for(".index"), 303)


def _refused(id: int, refusal: MarketError) -> Answer:
    """The order as it is by now, with the refusal above it."""
    form = RefusalForm(formdata=None)
    form.refuse(refusal)
    return _page(subscriptions.order_of(g.organization, id), form), refusal.status


def _page(order: Order, form: RefusalForm) -> str:
    waits = order.status is OrderStatus.AWAITING_APPROVAL
    name = formats.local(order.revision.facts, "name")
    guesses = {slug: quantity.parse(guess) for slug, guess in order.estimate.items()}
    return render_template(
        "console/approvals/show.html",
        order=order,
        form=form,
        name=name,
        heading=str(HEADINGS.get(order.status, _l("订单：%(name)s"))) % {"name": name},
        waits=waits,
        outdated=waits and subscriptions.outdated(order),
        mine=order.ordered_by_id == g.user.id,
        estimate=billing.estimate(order.plan, guesses),
        guesses=guesses,
        prices=agreements.prices(order.plan),
        again=_again(order),
        story=_story(order),
    )


def _again(order: Order) -> str:
    """The check page with the same plan and guesses, for ordering anew."""
    offering = order.plan.offering
    return f"{url_for('storefront.subscribe.show', slug=offering.slug)}?{urlencode({'plan': order.plan.slug} | order.estimate)}"


def _story(order: Order) -> list[dict[str, object]]:
    """What happened to it, newest first."""
    return [
        {"at": event.at, "title": trail.title(event), "actor": trail.actor(event), "reason": event.reason,
         "tone": "bad" if event.action == "order.refused" else ""}
        for event in audit.history(order)
    ]  # fmt: skip
