"""`/admin/credit-notes/proposals`: crediting a bill, and the second person's look at a large one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import billing, resources
from market.admin import menu, parts, second_look
from market.admin.second_look import RejectForm
from market.audit import history
from market.billing import Bill, credit_notes
from market.billing.credit_notes import (
    CreditNote,
    CreditProposal,
    CreditReason,
    Destination,
    ProposalStatus,
)
from market.errors import MarketError
from market.kit import money
from market.kit.refusal import Refusal
from market.web import credits as words
from market.web import forms, guards, paging

bp = Blueprint("proposals", __name__, url_prefix="/proposals")

Answer = Response | str | tuple[str, int]
#: So many lines of a long bill can be credited one by one.
MOST_LINES = 200


class CreditForm(forms.MarketForm):
    """What is given back, why, and where it goes."""

    request_key = forms.TokenField()
    what = RadioField(
        _l("冲减多少"), [forms.Filled(_l("选择冲减多少"))], default="amount",
        choices=[SelectChoice("amount", _l("一笔金额，按比例分到各行")), SelectChoice("lines", _l("按行，每行写金额")), SelectChoice("whole", _l("整张账单剩下的全部"))],
    )  # fmt: skip
    amount_fen = forms.MoneyField(_l("金额（含税）"))
    reason = SelectField(
        _l("为什么冲减"), [forms.Filled(_l("选择为什么冲减"))],
        choices=[SelectChoice("", _l("选择…")), *(SelectChoice(each.value, words.REASONS[each]) for each in credit_notes.REASONS)],
    )  # fmt: skip
    note = TextAreaField(_l("说明"), [forms.Filled(_l("写明为什么冲减，客户会看到")), forms.NotLongerThan(credit_notes.NOTE_LIMIT)])
    destination = RadioField(
        _l("已经付过的部分"), [forms.Filled(_l("选择钱退到哪里"))], default="balance",
        choices=[SelectChoice(each.value, label) for each, label in words.DESTINATIONS.items()],
    )  # fmt: skip


@bp.get("/")
@guards.require("credits.read")
def index() -> str:
    """Credits that administrators have asked for, those that wait first of all."""
    waiting = request.args.get("show") != "all"
    return render_template(
        "admin/credit_proposals/index.html", page=paging.page_of(credit_notes.every_proposal(waiting=waiting)), waiting=waiting,
        work=menu.credits_waiting(), limits=resources.settings, words=words,
    )  # fmt: skip


@bp.get("/of/<int:bill_id>")
@guards.require("credits.propose")
def new(bill_id: int) -> Answer:
    """A bill, what of it may still be credited, and the form."""
    return _form(billing.bill_by_id(bill_id), CreditForm(formdata=None), {})


@bp.post("/of/<int:bill_id>")
@guards.require("credits.propose")
def create(bill_id: int) -> Answer:
    """Credit it, or ask a colleague to agree."""
    bill, form = billing.bill_by_id(bill_id), CreditForm()
    form.validate()
    if form.what.data == "amount" and form.amount_fen.data is None and not form.amount_fen.errors:
        form.amount_fen.errors = [_("填写要冲减的金额")]
    typed = {name.removeprefix("line-"): text.strip() for name, text in request.form.items() if name.startswith("line-")}
    if form.has_errors:
        return _form(bill, form, typed), 422
    try:
        proposal = credit_notes.credit(
            bill, _what(form, typed), reason=CreditReason(form.reason.data), note=form.note.data or "",
            destination=Destination(form.destination.data), request_key=form.request_key.data or "", user=g.user,
            by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        if refusal.field == "amount_fen" and form.what.data != "amount":
            refusal.field = "what"
        form.refuse(refusal)
        return _form(bill, form, typed), refusal.status
    if proposal.credit_note is not None:
        return _issued(proposal.credit_note)
    flash(_("已提出，要另一位同事复核后才生效。"), "info")
    return redirect(url_for(".show", id=proposal.id), 303)


@bp.get("/<int:id>")
@guards.require("credits.read")
def show(id: int) -> str:
    """One proposal: what, why, who."""
    return _page(credit_notes.proposal_by_id(id), RejectForm(formdata=None))


@bp.post("/<int:id>/approve")
@guards.require("credits.approve")
def approve(id: int) -> Answer:
    """The second person agrees: the note is issued."""
    proposal = credit_notes.proposal_by_id(id)
    try:
        return _issued(credit_notes.approve(proposal, user=g.user, by=g.actor, at=resources.clock.now()))
    except MarketError as refusal:
        return second_look.refused(refusal, partial(_page, proposal))


@bp.post("/<int:id>/reject")
@guards.require("credits.approve")
def reject(id: int) -> Answer:
    """Not like this; or the author takes it back."""
    proposal, form = credit_notes.proposal_by_id(id), RejectForm()
    if proposal.status is ProposalStatus.PROPOSED and not form.validate():
        return _page(proposal, form), 422
    try:
        credit_notes.reject(proposal, answer=form.answer.data or "—", user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return second_look.refused(refusal, partial(_page, proposal), form)
    flash(_("已撤回，账单不变。") if proposal.asked_by_id == g.user.id else _("没有同意，账单不变。"), "ok")
    return redirect(url_for(".show", id=id), 303)


def _issued(note: CreditNote) -> Response:
    flash(_("冲减单 %(number)s 已开出，会通知客户。", number=note.number), "ok")
    return redirect(url_for("admin.credit_notes.show", id=note.id), 303)


def _what(form: CreditForm, typed: Mapping[str, str]) -> credit_notes.What:
    """What was chosen. Raises CreditInvalid where it cannot be read."""
    if form.what.data == "whole":
        return credit_notes.Whole()
    if form.what.data == "amount":
        return credit_notes.Amount(form.amount_fen.data or 0)
    try:
        return credit_notes.Lines({int(id): money.parse_yuan(text) for id, text in typed.items() if text and id.isdecimal()})
    except Refusal as refusal:
        raise credit_notes.CreditInvalid(fields={"what": refusal}) from refusal


def _form(bill: Bill, form: CreditForm, typed: Mapping[str, str]) -> str:
    stands = credit_notes.standing(bill)
    left_of = stands.by_line()
    lines = [(line, left_of.get(line.id, 0)) for line in bill.lines]
    open_lines = [(line, left) for line, left in lines if left]
    return render_template(
        "admin/credit_proposals/new.html", bill=bill, form=form, typed=typed, stands=stands, lines=open_lines[:MOST_LINES],
        more=max(len(open_lines) - MOST_LINES, 0), limits=resources.settings, waiting=credit_notes.proposals_for(bill),
    )  # fmt: skip


def _page(proposal: CreditProposal, form: RejectForm) -> str:
    own = proposal.asked_by_id == g.user.id
    return render_template(
        "admin/credit_proposals/show.html", proposal=proposal, form=form, own=own, words=words,
        waiting=proposal.status is ProposalStatus.PROPOSED, lines=credit_notes.lines_of(proposal), story=parts.timeline(history(proposal)),
    )  # fmt: skip
