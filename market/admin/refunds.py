"""`/admin/credit-notes/refunds`: money that is to go back to buyers, and what the bank made of it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from market import payments, resources
from market.admin import menu, parts
from market.audit import history
from market.billing import credit_notes
from market.billing.credit_notes import RefundRequest
from market.errors import MarketError
from market.kit.period import local_day
from market.payments import Payment, statements
from market.web import formats, forms, guards, paging, row_numbers

bp = Blueprint("refunds", __name__, url_prefix="/refunds")

Answer = Response | str | tuple[str, int]


class PaidForm(forms.MarketForm):
    """What the bank's slip says."""

    bank_reference = StringField(_l("银行流水号"), [forms.Filled(_l("填写银行流水号，和银行回单上一致")), forms.NotLongerThan(64)])
    paid_on = forms.DayField(_l("退款日期"), [forms.Filled(_l("填写退款日期"))])


class FailedForm(forms.MarketForm):
    """Why the bank has not taken it."""

    failure = TextAreaField(_l("为什么没有办成"), [forms.Filled(_l("写明银行为什么没有办成，客户会看到")), forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("credits.read")
def index() -> str:
    """What is still to be paid back, the longest waiting first; or all of it."""
    everything = request.args.get("show") == "all"
    query = credit_notes.every_refund(() if everything else credit_notes.OPEN_REFUNDS)
    return render_template(
        "admin/refunds/index.html", page=paging.page_of(query), everything=everything, work=menu.credits_waiting()
    )


@bp.get("/<int:id>")
@guards.require("credits.read")
def show(id: int) -> str:
    """One refund, and the forms for what the bank made of it; with the line of the statement that was chosen."""
    refund, form, chosen = credit_notes.refund_by_id(id), _paid_form(), row_numbers.found_in(request.args.get("line"))
    for line in statements.lines_for(refund) if chosen else ():
        if line.id == chosen:
            form.bank_reference.data, form.paid_on.data = statements.reference_of(line), line.booked_on
    return _page(refund, form, FailedForm(formdata=None))


@bp.post("/<int:id>/paid")
@guards.require("refunds.settle")
def paid(id: int) -> Answer:
    """The bank has taken it."""
    refund, form, now = credit_notes.refund_by_id(id), PaidForm(), resources.clock.now()
    failed = FailedForm(formdata=None)
    form.validate()
    first, last = local_day(refund.asked_at), local_day(now)
    if form.paid_on.data and not first <= form.paid_on.data <= last:
        form.paid_on.errors = [_("退款日期要在 %(first)s 到 %(last)s 之间", first=first, last=last)]
    if form.has_errors:
        return _page(refund, form, failed), 422
    try:
        credit_notes.pay(
            refund, bank_reference=form.bank_reference.data or "", paid_on=form.paid_on.data or local_day(now), user=g.user,
            by=g.actor, at=now,
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(refund, form, failed), refusal.status
    statements.note_refund(refund)
    flash(_("退款已登记，会通知客户。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/gateway")
@guards.require("refunds.settle")
def through_gateway(id: int) -> Answer:
    """Send it back the way it came."""

    def start(refund: RefundRequest) -> None:
        source = payments.source_of(refund)
        if source is None:
            raise payments.NotRefundable
        payments.refund(
            source, amount_fen=refund.amount_fen, reason="", request_key=f"refund-request-{refund.id}-{refund.version}", by=g.actor,
            at=resources.clock.now(), request=refund,
        )  # fmt: skip

    return _do(id, start, _("已交给原付款渠道退款。办好后状态会自己更新。"))


@bp.post("/<int:id>/failed")
@guards.require("refunds.settle")
def failed(id: int) -> Answer:
    """The bank has not taken it."""
    refund, form, now = credit_notes.refund_by_id(id), FailedForm(), resources.clock.now()
    paid_form = _paid_form()
    if not form.validate():
        return _page(refund, paid_form, form), 422
    try:
        credit_notes.fail(refund, failure=form.failure.data or "", user=g.user, by=g.actor, at=now)
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(refund, paid_form, form), refusal.status
    flash(_("已记下没有办成，会通知客户。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/retry")
@guards.require("refunds.settle")
def retry(id: int) -> Answer:
    """Try once more."""
    return _do(id, lambda refund: credit_notes.retry(refund, by=g.actor, at=resources.clock.now()), _("请再到银行办一次。"))


@bp.post("/<int:id>/call-off")
@guards.require("refunds.settle")
def call_off(id: int) -> Answer:
    """Balance instead of a transfer."""
    return _do(id, lambda refund: credit_notes.call_off(refund, by=g.actor, at=resources.clock.now()), _("不再退款，金额已记回客户的余额。"))


def _do(id: int, act: Callable[[RefundRequest], None], done: str) -> Answer:
    refund = credit_notes.refund_by_id(id)
    try:
        act(refund)
    except MarketError as refusal:
        form = _paid_form()
        form.refuse(refusal)
        return _page(refund, form, FailedForm(formdata=None)), refusal.status
    flash(done, "ok")
    return redirect(url_for(".show", id=id), 303)


def _source(refund: RefundRequest) -> tuple[Payment, int] | None:
    """The payment it can go back through, and how much that still takes."""
    payment = payments.source_of(refund)
    return None if payment is None else (payment, payments.refundable_fen(payment))


def _paid_form() -> PaidForm:
    """Empty but for the day, which is today as a rule."""
    form = PaidForm(formdata=None)
    form.paid_on.data = local_day(resources.clock.now())
    return form


def _page(refund: RefundRequest, form: PaidForm, failed: FailedForm) -> str:
    open_ = refund.status in credit_notes.OPEN_REFUNDS
    held_back = open_ and credit_notes.held_back(refund)
    if (not open_ or held_back) and (form.has_errors or failed.has_errors):
        # The boxes are gone with the request, so the summary alone says it.
        form, failed = PaidForm(formdata=None), FailedForm(formdata=None)
        form.refuse(credit_notes.RefundWaits() if held_back else credit_notes.RefundClosed())
    return render_template(
        "admin/refunds/show.html", refund=refund, form=form, failed=failed, open=open_,
        held_back=held_back, arrivals=payments.last_arrivals(refund.organization) if open_ else (), story=parts.timeline(history(refund)),
        source=_source(refund), way=lambda payment: payments.way_of(payment, formats.language()), lines=statements.lines_for(refund)[:3] if open_ else (), line=statements.line_of(refund),
    )  # fmt: skip
