"""`/console/balance`: what a firm has to its credit, every movement of it, and asking for it back."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from market import billing, resources
from market.billing import credit_notes
from market.errors import MarketError
from market.web import credits as words
from market.web import formats, forms, guards, mailing, paging

bp = Blueprint("balance", __name__, url_prefix="/balance")

Answer = Response | str | tuple[str, int]


class RefundForm(forms.MarketForm):
    """How much of the balance is to be paid back."""

    request_key = forms.TokenField()
    amount_fen = forms.MoneyField(_l("退多少"), [forms.Filled(_l("填写要退的金额"))])


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """The balance, its movements, and refunds."""
    form = RefundForm(formdata=None)
    form.amount_fen.data = credit_notes.balance(g.organization) or None
    return _page(form)


@bp.post("/refunds")
@guards.require("bills.pay")
def ask() -> Answer:
    """Ask for it back."""
    form = RefundForm()
    if not form.validate():
        return _page(form), 422
    try:
        request = credit_notes.ask(
            g.organization, form.amount_fen.data or 0, request_key=form.request_key.data or "", by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(form), refusal.status
    flash(mailing.with_news(_("已申请退款 %(amount)s。退到原来的付款账户。", amount=formats.money(request.amount_fen))), "ok")
    return redirect(url_for(".index"), 303)


@bp.post("/bills/<int:id>")
@guards.require("bills.pay")
def use(id: int) -> Answer:
    """Pay a bill out of the balance, as far as it goes."""
    bill = billing.head_of(g.organization, id)
    part = credit_notes.use_balance(bill, at=resources.clock.now(), by=g.actor)
    if part:
        flash(_("已用余额付了 %(amount)s。", amount=formats.money(part)), "ok")
    else:
        flash(_("没有用到余额：账单已经付清，或者余额已经用完。"), "info")
    return redirect(url_for("console.bills.show", id=bill.id), 303)


def _page(form: RefundForm) -> str:
    return render_template(
        "console/balance/index.html", form=form, page=paging.page_of(credit_notes.entries(g.organization)),
        balance_fen=credit_notes.balance(g.organization), refunds=credit_notes.refunds_of(g.organization), words=words,
        owed=billing.due_bills_of(g.organization),
    )  # fmt: skip
