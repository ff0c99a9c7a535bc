"""`/admin/payments/gateway`: payments by card, Alipay and WeChat Pay: what waits for a person, their course, refunds."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField

from market import payments, resources
from market.admin import menu, parts
from market.audit import history
from market.billing import credit_notes
from market.errors import MarketError
from market.payments import Payment
from market.web import formats, forms, guards, paging, ways

bp = Blueprint("gateway_payments", __name__, url_prefix="/gateway")

Answer = Response | str | tuple[str, int]
VIEWS = ("held", "open", "failed", "done")


class RefundForm(forms.MarketForm):
    """How much goes back out of the firm's balance, and why."""

    request_key = forms.TokenField()
    amount_fen = forms.MoneyField(_l("退多少"), [forms.Filled(_l("填写要退的金额"))])
    reason = StringField(_l("为什么退"), [forms.Filled(_l("写明为什么退，客户会看到")), forms.NotLongerThan(200)])


class HeldForm(forms.MarketForm):
    """What was found out about money that is not what was asked for."""

    note = StringField(_l("核对结果"), [forms.Filled(_l("写明核对结果；已退回的，写 Stripe 的退款编号")), forms.NotLongerThan(200)])


@bp.get("/")
@guards.require("payments.read")
def index() -> str:
    """All of them, or those that wait for a person, are open, did not work, have come."""
    view = request.args.get("show", "")
    view = view if view in VIEWS else ""
    page = paging.page_of(payments.gateway_payments(view))
    return render_template(
        "admin/gateway_payments/index.html", page=page, view=view, words=ways, disputed=payments.disputed_among(page.items),
        work=menu.payments_waiting(), ready=bool(payments.ways()),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("payments.read")
def show(id: int) -> str:
    """One payment with its course, what Stripe told of it, refunds and disputes."""
    return _page(payments.gateway_payment(id))


@bp.post("/<int:id>/refunds")
@guards.require("refunds.settle")
def refund(id: int) -> Answer:
    """Pay (part of) it back out of the firm's balance."""
    payment, form = payments.gateway_payment(id), RefundForm()
    if not form.validate():
        return _page(payment, refund=form), 422
    try:
        payments.refund(
            payment, amount_fen=form.amount_fen.data or 0, reason=form.reason.data or "", request_key=form.request_key.data or "",
            by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(payment, refund=form), refusal.status
    flash(_("已交给 Stripe 退 %(amount)s。", amount=formats.money(form.amount_fen.data or 0)), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/accept")
@guards.require("payments.confirm")
def accept(id: int) -> Answer:
    """Book what came although it is not what was asked for."""
    return _decide(id, lambda payment, note: payments.accept_held(payment, note=note, by=g.actor, at=resources.clock.now()))


@bp.post("/<int:id>/sent-back")
@guards.require("payments.confirm")
def sent_back(id: int) -> Answer:
    """It was paid back in Stripe's own pages."""
    return _decide(id, lambda payment, note: payments.send_held_back(payment, reference=note, by=g.actor, at=resources.clock.now()))


@bp.post("/<int:id>/ask")
@guards.require("payments.confirm")
def ask(id: int) -> Response:
    """Ask Stripe again with the next turn of the sweep, whatever it said before."""
    payments.ask_again(payments.gateway_payment(id), by=g.actor, at=resources.clock.now())
    flash(_("几秒后会再问一次 Stripe。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _decide(id: int, act: parts.Decision) -> Answer:
    payment, form = payments.gateway_payment(id), HeldForm()
    if not form.validate():
        return _page(payment, held=form), 422
    try:
        act(payment, form.note.data or "")
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(payments.gateway_payment(id), held=form), refusal.status
    flash(_("已记下。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _page(payment: Payment, *, refund: RefundForm | None = None, held: HeldForm | None = None) -> str:
    left = payments.refundable_fen(payment)
    most = min(left, credit_notes.purchased(payment.organization))
    if refund is None:
        refund = RefundForm(formdata=None)
        refund.amount_fen.data = most or None
    return render_template(
        "admin/gateway_payments/show.html", payment=payment, bill=payment.bill, words=ways, refund_form=refund, left=left, most=most,
        held_form=held or HeldForm(formdata=None), wrong=held or refund, refunds=payments.refunds_of(payment),
        disputes=payments.disputes_of(payment), events=payments.events_of(payment), story=parts.timeline(history(payment)),
        deposit_fen=payments.deposited_fen(payment),
    )  # fmt: skip
