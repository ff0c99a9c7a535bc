"""`/console/balance`: what a firm has to its credit and what it is made of, spending it, topping it up and asking for it back."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField

from market import billing, db, payments, resources
from market.billing import credit_notes
from market.errors import MarketError
from market.kit.period import local_day
from market.web import credits as words
from market.web import formats, forms, guards, mailing, paging

bp = Blueprint("balance", __name__, url_prefix="/balance")

Answer = Response | str | tuple[str, int]


class RefundForm(forms.MarketForm):
    """How much of the balance is to be paid back."""

    request_key = forms.TokenField()
    amount_fen = forms.MoneyField(_l("退多少"), [forms.Filled(_l("填写要退的金额"))])


class TopUpForm(forms.MarketForm):
    """How much is to be put in, and how it is paid."""

    request_key = forms.TokenField()
    amount_fen = forms.MoneyField(_l("充值金额"), [forms.Filled(_l("填写要充值的金额"))])
    way = RadioField(_l("付款方式"), validators=[forms.Filled(_l("选择付款方式"))])


class UseForm(forms.MarketForm):
    """How much of the balance goes to one bill; all that it asks for where nothing is said."""

    amount_fen = forms.MoneyField(_l("用多少余额"))


@bp.get("/")
@guards.require("bills.read")
def index() -> str:
    """The balance, what it is made of, its movements, and refunds."""
    now = resources.clock.now()
    page = paging.page_of(credit_notes.entries(g.organization))
    return render_template(
        "console/balance/index.html", page=page, words=words, balance_fen=credit_notes.balance(g.organization),
        purchased_fen=credit_notes.purchased(g.organization), spendable_fen=credit_notes.spendable(g.organization.id, now),
        lots=credit_notes.left_of(g.organization), given=credit_notes.lots_of([entry.id for entry in page]),
        refunds=credit_notes.refunds_of(g.organization), owed=billing.due_bills_of(g.organization), ways=payments.ways(),
        soon=local_day(now + credit_notes.NOTICE), claimed_fen=payments.claimed(g.organization),
    )  # fmt: skip


@bp.get("/refunds")
@guards.require("bills.pay")
def refund() -> str:
    """How much could go back, and which way."""
    form = RefundForm(formdata=None)
    form.amount_fen.data = credit_notes.purchased(g.organization) or None
    return _refund_page(form)


@bp.post("/refunds")
@guards.require("bills.pay")
def ask() -> Answer:
    """Ask for it back, each part the way it came."""
    form = RefundForm()
    if not form.validate():
        return _refund_page(form), 422
    try:
        asked = payments.ask_back(
            g.organization, form.amount_fen.data or 0, request_key=form.request_key.data or "", by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _refund_page(form), refusal.status
    whole = sum(each.amount_fen for each in asked)
    flash(mailing.with_news(_("已申请退款 %(amount)s。退到原来的付款账户。", amount=formats.money(whole))), "ok")
    return redirect(url_for(".index"), 303)


@bp.get("/top-up")
@guards.require("bills.pay")
def top_up() -> str:
    """Putting money in before there is a bill; after a try that failed with what was typed then."""
    form = _top_up_form(fresh=True)
    fen, way = request.args.get("fen", type=int), request.args.get("way")
    if fen is not None and 0 < fen <= payments.MOST_FEN:
        form.amount_fen.data = fen
    if way in payments.ways():
        form.way.data = way
    return _top_up_page(form)


@bp.post("/top-up")
@guards.require("bills.pay")
def begin_top_up() -> Answer:
    """Begin to pay it."""
    form = _top_up_form()
    if not form.validate():
        return _top_up_page(form), 422
    try:
        payment = payments.top_up(
            g.organization, form.amount_fen.data or 0, way=form.way.data or "", request_key=form.request_key.data or "", by=g.actor,
            at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _top_up_page(form), refusal.status
    db.session.flush()
    return redirect(url_for("console.payments.show", id=payment.id), 303)


@bp.get("/bills/<int:id>")
@guards.require("bills.pay")
def part(id: int) -> str:
    """How much of the balance is to go to a bill."""
    bill, form = billing.head_of(g.organization, id), UseForm(formdata=None)
    form.amount_fen.data = min(_spendable(), bill.owed_fen) if bill.status in billing.DUE else None
    return _use_page(bill, form)


@bp.post("/bills/<int:id>")
@guards.require("bills.pay")
def use(id: int) -> Answer:
    """Pay a bill out of the balance, in whole or in part."""
    bill, form = billing.head_of(g.organization, id), UseForm()
    most = form.amount_fen.data if form.validate() else 0
    if most is not None and most <= 0 and not form.has_errors:
        form.amount_fen.errors = [_("金额须大于 0")]
    if form.has_errors:
        return _use_page(bill, form), 422
    used = credit_notes.use_balance(bill, at=resources.clock.now(), by=g.actor, most_fen=most)
    if used:
        flash(_("已用余额付了 %(amount)s。", amount=formats.money(used)), "ok")
    else:
        flash(_("没有用到余额：账单已经付清，或者余额已经用完。"), "info")
    return redirect(url_for("console.bills.show", id=bill.id), 303)


def _spendable() -> int:
    return credit_notes.spendable(g.organization.id, resources.clock.now())


def _top_up_form(*, fresh: bool = False) -> TopUpForm:
    form = TopUpForm(formdata=None) if fresh else TopUpForm()
    form.way.choices = [(way, words.WAYS.get(way, way)) for way in payments.ways()]
    if fresh and form.way.choices:
        form.way.data = form.way.choices[0][0]
    return form


def _top_up_page(form: TopUpForm) -> str:
    return render_template("console/balance/top_up.html", form=form, ways=payments.ways())


def _use_page(bill: billing.Bill, form: UseForm) -> str:
    return render_template(
        "console/balance/use.html", bill=bill, form=form, spendable_fen=_spendable(), payable=bill.status in billing.DUE,
        lots=credit_notes.left_of(g.organization), words=words,
    )  # fmt: skip


def _refund_page(form: RefundForm) -> str:
    purchased = credit_notes.purchased(g.organization)
    if not purchased:  # then there is no box that an error could lead to
        form.form_errors += form.amount_fen.errors
        form.amount_fen.errors = []
    return render_template(
        "console/balance/refund.html", form=form, purchased_fen=purchased, balance_fen=credit_notes.balance(g.organization),
        plan=payments.plan(g.organization, purchased), way_of=lambda payment: payments.way_of(payment, formats.language()),
    )  # fmt: skip
