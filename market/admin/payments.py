"""`/admin/payments`: transfers that are awaited, and booking one that has arrived."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField

from market import payments, resources
from market.admin import menu, parts
from market.audit import history
from market.errors import Invalid
from market.kit.period import local_day
from market.payments import Payment
from market.web import formats, forms, guards, paging, uploads

bp = Blueprint("payments", __name__, url_prefix="/payments")

Answer = Response | str | tuple[str, int]


class ArrivalForm(forms.MarketForm):
    """What the bank's slip says."""

    amount_fen = forms.MoneyField(_l("到账金额"), [forms.Filled(_l("填写到账金额，和银行回单上一致"))])
    payer_name = StringField(_l("付款户名"), [forms.Filled(_l("填写付款户名，和银行回单上一致")), forms.NotLongerThan(100)])
    bank_reference = StringField(_l("银行流水号"), [forms.Filled(_l("填写银行流水号，和银行回单上一致")), forms.NotLongerThan(64)])
    arrived_on = forms.DayField(_l("到账日期"), [forms.Filled(_l("填写到账日期"))])
    partial = BooleanField(_l("按部分付款入账"))
    surplus = BooleanField(_l("多出的部分记入客户余额"))
    note = StringField(_l("备注"), [forms.NotLongerThan(200)])


@bp.get("/")
@guards.require("payments.read")
def index() -> str:
    """Transfers that are awaited, announced ones first; or those that have arrived."""
    arrived, code = request.args.get("show") == "arrived", request.args.get("code", "").strip()
    query = payments.settled() if arrived else payments.awaiting(code)
    return render_template(
        "admin/payments/index.html",
        page=paging.page_of(query),
        arrived=arrived,
        code=code,
        work=menu.payments_waiting(),
        age=lambda at: parts.age(at, resources.clock.now()),
    )


@bp.get("/<int:id>")
@guards.require("payments.read")
def show(id: int) -> Answer:
    """One transfer: what is awaited, and the form to book it; a payment through a gateway has a page of its own."""
    payment = payments.payment_by_id(id)
    if payment.gateway != payments.BankTransfer.name:
        return redirect(url_for("admin.payments.gateway_payments.show", id=id))
    payment, form = payments.transfer_by_id(id), ArrivalForm()
    form.arrived_on.data = local_day(resources.clock.now())
    return _page(payment, form)


@bp.post("/<int:id>")
@guards.require("payments.confirm")
def confirm(id: int) -> Answer:
    """Book what has arrived; a refusal keeps what was typed."""
    payment, form, now = payments.transfer_by_id(id), ArrivalForm(), resources.clock.now()
    if not form.validate_on_submit():
        return _page(payment, form), 422
    try:
        arrival = payments.confirm_arrival(
            payment, amount_fen=form.amount_fen.data, payer_name=form.payer_name.data,
            bank_reference=form.bank_reference.data, arrived_on=form.arrived_on.data or local_day(now),
            partial=form.partial.data, surplus=form.surplus.data, note=form.note.data or "", user=g.user, by=g.actor, at=now,
        )  # fmt: skip
    except Invalid as refusal:
        form.refuse(refusal)
        return _page(payment, form), 422
    flash(_("已入账 %(amount)s。", amount=formats.money(arrival.amount_fen)), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/<int:id>/proofs/<int:proof_id>/document")
@guards.require("payments.read")
def proof(id: int, proof_id: int) -> Response:
    """A slip that the buyer has sent in."""
    found = payments.proof_of(payments.payment_by_id(id), proof_id)
    return uploads.answer(found.document)


def _page(payment: Payment, form: ArrivalForm) -> str:
    waiting = payment.status in payments.OPEN
    return render_template(
        "admin/payments/show.html",
        payment=payment,
        bill=payment.bill,
        buyer=payment.organization,
        form=form if waiting and g.can("payments.confirm") else None,
        first_day=payments.arrival_days(payment, resources.clock.now())[0],
        owed=f"{Decimal(payment.of_bill.owed_fen).scaleb(-2):.2f}",
        rest=None if waiting else payments.open_payment_of(payment.of_bill, payment.gateway),
        proofs=payments.proofs_of(payment),
        story=parts.timeline(history(payment)),
    )
