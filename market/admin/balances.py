"""`/admin/credit-notes/balances`: what buyers have to their credit, what they were given, and giving it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import resources
from market.accounts import Organization
from market.admin import menu, parts, second_look
from market.admin.second_look import RejectForm
from market.audit import history
from market.billing import credit_notes
from market.billing.credit_notes import BalanceGrant, GrantReason, ProposalStatus
from market.errors import MarketError, NotFound
from market.payments import statements
from market.web import credits as words
from market.web import forms, guards, paging, row_numbers

bp = Blueprint("balances", __name__, url_prefix="/balances")

Answer = Response | str | tuple[str, int]
#: What ends within so long is listed.
_SOON = timedelta(days=30)
_LISTED = 10


class GrantForm(forms.MarketForm):
    """Who is given how much, why, until when."""

    request_key = forms.TokenField()
    organization_id = HiddenField()
    amount_fen = forms.MoneyField(_l("赠送金额"), [forms.Filled(_l("填写赠送金额"))])
    reason = SelectField(
        _l("为什么赠送"), [forms.Filled(_l("选择为什么赠送"))],
        choices=[SelectChoice("", _l("选择…")), *(SelectChoice(each.value, label) for each, label in words.GRANTS.items())],
    )  # fmt: skip
    expires_on = forms.DayField(_l("最后一天"), [forms.Filled(_l("填写用到哪天为止"))])
    note = TextAreaField(_l("说明"), [forms.Filled(_l("写明为什么赠送，客户会看到")), forms.NotLongerThan(500)])


@bp.get("/")
@guards.require("credits.read")
def index() -> str:
    """What there is in all, what waits, what ends soon, and every grant."""
    waiting, now = request.args.get("show") == "waiting", resources.clock.now()
    states = (ProposalStatus.PROPOSED,) if waiting else ()
    ending = paging.page_of(credit_notes.ending(now, within=_SOON), size=_LISTED)
    return render_template(
        "admin/balances/index.html", page=paging.page_of(credit_notes.grants(*states)), waiting=waiting, totals=credit_notes.totals(),
        ending=ending, words=words, work=menu.credits_waiting(),
    )  # fmt: skip


@bp.get("/new")
@guards.require("credits.propose")
def new() -> str:
    """Choose a firm, then fill the form in."""
    form = GrantForm(formdata=None)
    form.organization_id.data = request.args.get("organization", "")
    return _form(form)


@bp.post("/new")
@guards.require("credits.propose")
def create() -> Answer:
    """Show what would happen; with the button of that, do it."""
    form, now = GrantForm(), resources.clock.now()
    if not form.validate():
        return _form(form), 422
    firm = _firm(form)
    reason, fen, note = GrantReason(form.reason.data), form.amount_fen.data or 0, form.note.data or ""
    try:
        credit_notes.check_grant(fen, reason, note, form.expires_on.data, now)
        if "confirmed" not in request.form:
            return _form(form, looked=True)
        given = credit_notes.grant(
            firm, fen, reason=reason, note=note, expires_on=form.expires_on.data, request_key=form.request_key.data or "",
            user=g.user, by=g.actor, at=now,
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _form(form), refusal.status
    if given.status is ProposalStatus.PROPOSED:
        flash(_("已提出，要另一位同事复核后才生效。"), "info")
    else:
        flash(_("已记入客户的余额，会通知客户。"), "ok")
    return redirect(url_for(".show", id=given.id), 303)


@bp.get("/<int:id>")
@guards.require("credits.read")
def show(id: int) -> str:
    """One grant: how much, why, who, and what is left of it."""
    return _page(credit_notes.grant_by_id(id), RejectForm(formdata=None))


@bp.post("/<int:id>/approve")
@guards.require("credits.approve")
def approve(id: int) -> Answer:
    """The second person agrees."""
    given = credit_notes.grant_by_id(id)
    try:
        credit_notes.approve_grant(given, user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return second_look.refused(refusal, partial(_page, given))
    flash(_("已记入客户的余额，会通知客户。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/reject")
@guards.require("credits.approve")
def reject(id: int) -> Answer:
    """Not like this; or the author takes it back."""
    given, form = credit_notes.grant_by_id(id), RejectForm()
    if given.status is ProposalStatus.PROPOSED and not form.validate():
        return _page(given, form), 422
    try:
        credit_notes.reject_grant(given, answer=form.answer.data or "—", user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return second_look.refused(refusal, partial(_page, given), form)
    flash(_("没有赠送，客户的余额不变。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _firm(form: GrantForm) -> Organization:
    return statements.buyer_by_id(row_numbers.found_in(form.organization_id.data) or 0)


def _form(form: GrantForm, *, looked: bool = False) -> str:
    asked = request.args.get("firm", "").strip()[:60]
    try:
        firm = _firm(form)
    except NotFound:
        firm = None
    fen, now = form.amount_fen.data or 0, resources.clock.now()
    return render_template(
        "admin/balances/new.html", form=form, firm=firm, asked=asked, firms=credit_notes.buyers_like(asked), looked=looked and firm is not None,
        large=bool(looked and firm and credit_notes.is_large(firm, fen, now)), balance_fen=credit_notes.balance(firm) if firm else 0,
        limits=resources.settings, words=words,
    )  # fmt: skip


def _page(given: BalanceGrant, form: RejectForm) -> str:
    return render_template(
        "admin/balances/show.html", grant=given, form=form, own=given.asked_by_id == g.user.id, words=words,
        waiting=given.status is ProposalStatus.PROPOSED, story=parts.timeline(history(given)),
    )  # fmt: skip
