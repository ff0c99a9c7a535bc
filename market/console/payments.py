"""`/console/payments`: one bank transfer, from the account details to the money's arrival."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from market import payments, resources
from market.web import guards, mailing

bp = Blueprint("payments", __name__, url_prefix="/payments")


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> str:
    """Where to transfer what, with which code, and how far it has come."""
    payment = payments.payment_of(g.organization, id)
    return render_template(
        "console/payments/show.html",
        payment=payment,
        bill=payment.bill,
        details=payments.instructions(payment),
        waiting=payment.status in payments.OPEN,
        rest=payments.open_payment_of(payment.bill, payment.gateway),
    )


@bp.post("/<int:id>/announce")
@guards.require("bills.pay")
def announce(id: int) -> Response:
    """我已转账: tell the administrators to look for the money."""
    payments.announce(payments.payment_of(g.organization, id), by=g.actor, at=resources.clock.now())
    flash(mailing.with_news(_("已记下。到账后会把账单标为已付清。")), "ok")
    return redirect(url_for(".show", id=id), 303)
