"""`/console/payments`: one bank transfer, from the account details to the money's arrival."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from market import documents, payments, resources
from market.errors import MarketError
from market.payments import Payment, statements
from market.web import forms, guards, mailing, uploads
from market.web.security import largest_body

bp = Blueprint("payments", __name__, url_prefix="/payments")

Answer = Response | str | tuple[str, int]


class ProofForm(forms.MarketForm):
    """The bank's slip; the money is looked for without it too."""

    document = uploads.DocumentField(_l("转账凭证"))


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> str:
    """Where to transfer what, with which code, and how far it has come."""
    return _page(payments.payment_of(g.organization, id), ProofForm(formdata=None))


@bp.post("/<int:id>/announce")
@guards.require("bills.pay")
@largest_body(uploads.ROOM)
def announce(id: int) -> Answer:
    """我已转账: tell the administrators to look for the money, with the slip if she has one."""
    payment, form, now = payments.payment_of(g.organization, id), ProofForm(), resources.clock.now()
    filename, data = form.document.sent()
    valid = form.validate()
    if "more" in request.form and not data:
        form.document.errors = [_("选择凭证的照片或 PDF")]
    try:
        if valid and not form.has_errors:
            if data:
                payments.add_proof(payment, filename=filename, data=data, user=g.user, by=g.actor, at=now)
            payments.announce(payment, by=g.actor, at=now)
            flash(mailing.with_news(_("已记下。到账后会把账单标为已付清。")), "ok")
            return redirect(url_for(".show", id=id), 303)
    except documents.Unusable as refusal:
        form.refuse(refusal)
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(payment, form), refusal.status
    return _page(payment, form), 422


@bp.get("/<int:id>/proofs/<int:proof_id>/document")
@guards.require("bills.read")
def proof(id: int, proof_id: int) -> Response:
    """A slip that the firm has sent in."""
    found = payments.proof_of(payments.payment_of(g.organization, id), proof_id)
    return uploads.answer(found.document)


def _page(payment: Payment, form: ProofForm) -> str:
    return render_template(
        "console/payments/show.html",
        payment=payment,
        bill=payment.bill,
        details=payments.instructions(payment),
        waiting=payment.status in payments.OPEN,
        rest=payments.open_payment_of(payment.of_bill, payment.gateway),
        form=form,
        proofs=payments.proofs_of(payment),
        arrivals=payments.arrivals_of(payment.of_bill),
        transfers=statements.transfers_of(g.organization),
        megabytes=documents.LARGEST // 1024**2,
        most=payments.MOST_PROOFS,
    )
