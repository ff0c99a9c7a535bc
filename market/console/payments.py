"""`/console/payments`: all payments of a firm, and one from its beginning to the money's arrival."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as Redirect

from market import audit, documents, payments, resources
from market.errors import MarketError
from market.payments import Payment, statements
from market.web import forms, guards, mailing, paging, trail, transactions, uploads, ways
from market.web.security import largest_body

bp = Blueprint("payments", __name__, url_prefix="/payments")

Answer = Response | Redirect | str | tuple[str, int]
#: So often, and after so many seconds each, a page that waits for Stripe looks again by itself.
_LOOKS, _PAUSE = 6, 5


class ProofForm(forms.MarketForm):
    """The bank's slip; the money is looked for without it too."""

    document = uploads.DocumentField(_l("转账凭证"))


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """Every payment, newest first, and the cards that may be charged."""
    page = paging.page_of(payments.payments_of(g.organization))
    return render_template(
        "console/payments/index.html", page=page, words=ways, cards=payments.saved_cards(g.organization),
        disputed=payments.disputed_among(page.items),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("bills.read")
def show(id: int) -> Answer:
    """Where to pay what, and how far it has come."""
    payment = payments.payment_of(g.organization, id)
    if payment.gateway == payments.BankTransfer.name and payment.bill_id is None:
        return redirect(url_for("console.receipts.show", id=id))  # it came of itself: nobody was told where to pay
    if payment.gateway == payments.BankTransfer.name:
        return _page(payment, ProofForm(formdata=None))
    return _gateway_page(payment)


@bp.get("/<int:id>/back")
@guards.require("bills.read")
def back(id: int) -> Redirect:
    """Where Stripe sends her back to. Nothing that the address says is believed: Stripe is asked."""
    payment, now = payments.payment_of(g.organization, id), resources.clock.now()
    if payment.ask_at is not None:
        with transactions.apart():
            payments.ask_soon(id, at=now)
    return redirect(url_for(".show", id=id, look=_LOOKS, back=1), 303)


@bp.post("/<int:id>/announce")
@guards.require("bills.pay")
@largest_body(uploads.ROOM)
def announce(id: int) -> Answer:
    """我已转账: tell the administrators to look for the money, with the slip if she has one."""
    payment, form, now = payments.transfer_of(g.organization, id), ProofForm(), resources.clock.now()
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


@bp.post("/cards/<int:card_id>/remove")
@guards.require("bills.pay")
def remove_card(card_id: int) -> Redirect:
    """Charge a saved card no more."""
    payments.remove_card(payments.card_of(g.organization, card_id), by=g.actor, at=resources.clock.now())
    flash(_("已移除。以后不会再从这张卡扣款。"), "ok")
    return redirect(url_for(".index"), 303)


def _gateway_page(payment: Payment) -> Response:
    waits = payment.status in payments.OPEN and not payment.held
    look = min(request.args.get("look", 0, type=int), _LOOKS)
    answer = make_response(
        render_template(
            "console/payments/gateway.html", payment=payment, bill=payment.bill, words=ways, waits=waits, looking="back" in request.args,
            refunds=payments.refunds_of(payment), disputes=payments.disputes_of(payment), story=_story(payment),
            deposit_fen=payments.deposited_fen(payment),
        )  # fmt: skip
    )
    if waits and look > 0 and ("back" in request.args or not payment.page_url):
        # Without script too; a few times only, so that nobody who reads on is disturbed for ever.
        answer.headers["Refresh"] = f"{_PAUSE}; url={url_for('.show', id=payment.id, look=look - 1 or None, back=request.args.get('back'))}"
    return answer


def _story(payment: Payment) -> list[dict[str, object]]:
    return [{"at": event.at, "title": trail.title(event), "actor": trail.actor(event)} for event in audit.history(payment)]


def _page(payment: Payment, form: ProofForm) -> str:
    bill = payment.of_bill
    return render_template(
        "console/payments/show.html",
        payment=payment,
        bill=bill,
        details=payments.instructions(payment),
        waiting=payment.status in payments.OPEN,
        rest=payments.open_payment_of(bill, payment.gateway),
        form=form,
        proofs=payments.proofs_of(payment),
        arrivals=payments.arrivals_of(bill),
        transfers=statements.transfers_of(g.organization),
        ways=payments.ways(bill.owed_fen),
        megabytes=documents.LARGEST // 1024**2,
        most=payments.MOST_PROOFS,
    )
