"""`/admin/payments/transfers`: 未识别转账: money that came and is nobody's yet, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, StringField

from market import billing, resources
from market.admin import menu, parts
from market.audit import history
from market.billing import Bill
from market.errors import MarketError
from market.payments import statements
from market.payments.statements import BankLine, LineStatus
from market.web import bank_lines, formats, forms, guards, paging, row_numbers

bp = Blueprint("transfers", __name__, url_prefix="/transfers")

Answer = Response | str | tuple[str, int]
VIEWS = {"unmatched": (LineStatus.UNMATCHED,), "proposed": (LineStatus.PROPOSED,), "done": (LineStatus.BOOKED, LineStatus.RETURNED)}


class FirmForm(forms.MarketForm):
    """Whose transfer it is."""

    organization_id = HiddenField()
    remember = BooleanField(_l("记住这个户名"))


class ReturnForm(forms.MarketForm):
    """What the bank's slip of the money sent back says."""

    reference = StringField(_l("退回的银行流水号"), [forms.Filled(_l("填写退回这笔钱的银行流水号")), forms.NotLongerThan(64)])
    why = StringField(_l("为什么退回"), [forms.Filled(_l("写明为什么退回")), forms.NotLongerThan(200)])


class PartsForm(forms.MarketForm):
    """How much goes to which bill; the rest is balance."""

    note = StringField(_l("备注"), [forms.NotLongerThan(200)])
    #: The line as the writer has seen it: whose it is stands in no box.
    version = HiddenField()


@bp.get("/")
@guards.require("payments.read")
def index() -> str:
    """What waits for a person, the oldest first."""
    view = request.args.get("show", "")
    view = view if view in VIEWS else "unmatched"
    return render_template(
        "admin/transfers/index.html", page=paging.page_of(statements.lines(*VIEWS[view])), view=view, words=bank_lines,
        work=menu.payments_waiting(),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("payments.read")
def show(id: int) -> str:
    """One transfer: what the bank says, whose it may be, what can be done."""
    line = statements.line_by_id(id)
    return _page(line, _parts_form(line, fresh=True), ReturnForm(formdata=None))


@bp.post("/<int:id>/attach")
@guards.require("payments.confirm")
def attach(id: int) -> Answer:
    """It is this firm's."""
    line, form = statements.line_by_id(id), FirmForm()
    firm = statements.buyer_by_id(row_numbers.found_in(form.organization_id.data) or 0)
    try:
        statements.attach(line, firm, remember=bool(form.remember.data), user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(id, refusal)
    flash(_("这笔转账记在“%(name)s”名下，请确认怎么入账。", name=firm.name), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/detach")
@guards.require("payments.confirm")
def detach(id: int) -> Answer:
    """It is not hers after all."""
    try:
        statements.detach(statements.line_by_id(id), by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(id, refusal)
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/book")
@guards.require("payments.confirm")
def book(id: int) -> Answer:
    """Put it on bills and balance."""
    line = statements.line_by_id(id)
    if line.status not in statements.WAITING:
        return _refused(id, statements.LineFinished())
    form = _parts_form(line)
    seen = row_numbers.found_in(form.version.data) or 0
    if seen != line.version or any(name.startswith("bill-") and name not in form for name in request.form):
        return _changed(line, form)
    if not form.validate():
        return _page(line, form, ReturnForm(formdata=None)), 422
    wanted = {int(field.name.removeprefix("bill-")): field.data or 0 for field in form if field.name.startswith("bill-")}
    try:
        statements.allocate(line, wanted, user=g.user, by=g.actor, at=resources.clock.now(), note=form.note.data or "", seen=seen)
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(statements.line_by_id(id), form, ReturnForm(formdata=None)), refusal.status
    flash(_("已入账 %(amount)s。", amount=formats.money(line.amount_fen)), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/return")
@guards.require("payments.confirm")
def give_back(id: int) -> Answer:
    """It was sent back."""
    line, form = statements.line_by_id(id), ReturnForm()
    if line.status not in statements.WAITING:
        return _refused(id, statements.LineFinished())
    if not form.validate():
        return _page(line, _parts_form(line, fresh=True), form), 422
    try:
        statements.give_back(
            line, reference=form.reference.data or "", note=form.why.data or "", user=g.user, by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(statements.line_by_id(id), _parts_form(line, fresh=True), form), refusal.status
    flash(_("已登记退回 %(amount)s。", amount=formats.money(line.amount_fen)), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/names/<int:name_id>/forget")
@guards.require("payments.confirm")
def forget(id: int, name_id: int) -> Answer:
    """Transfers under this name are asked about again."""
    line = statements.line_by_id(id)
    if line.organization is not None:
        name = statements.name_of(line.organization, name_id)
        statements.forget_name(name, by=g.actor, at=resources.clock.now())
        flash(_("不再记住户名“%(name)s”。", name=name.name), "ok")
    return redirect(url_for(".show", id=id), 303)


def _refused(id: int, refusal: MarketError) -> tuple[str, int]:
    line = statements.line_by_id(id)
    form = _parts_form(line, fresh=True)
    form.refuse(refusal)
    return _page(line, form, ReturnForm(formdata=None)), refusal.status


def _changed(line: BankLine, typed: PartsForm) -> tuple[str, int]:
    """The page as it is now, with what was typed into boxes that are still there."""
    refusal, form = statements.LineChanged(), _parts_form(line, fresh=True)
    for field in typed:
        if field.name in request.form and field.name not in ("version", "csrf_token"):
            form[field.name].data = field.data
    form.refuse(refusal)
    return _page(line, form, ReturnForm(formdata=None)), refusal.status


def _owed(line: BankLine) -> Sequence[Bill]:
    open_ = line.status in statements.WAITING and line.organization is not None
    return billing.due_bills_of(line.organization) if open_ and line.organization else []


def _parts_form(line: BankLine, *, fresh: bool = False) -> PartsForm:
    """A box for each bill that the firm owes, filled with the proposal."""

    class OwnParts(PartsForm):
        """The boxes of this transfer."""

    owed = _owed(line)
    for bill in owed:
        setattr(OwnParts, f"bill-{bill.id}", forms.MoneyField(_("账单 %(number)s", number=bill.number)))
    form = OwnParts(formdata=None) if fresh else OwnParts()
    if fresh:
        form.version.data = str(line.version)
        for id, fen in statements.proposal(line, list(owed)).items():
            form[f"bill-{id}"].data = fen
    return form


def _page(line: BankLine, form: PartsForm, back: ReturnForm) -> str:
    asked = request.args.get("firm", "").strip()[:60]
    owed = _owed(line)
    parts_ = statements.proposal(line, list(owed)) if line.status is LineStatus.PROPOSED else {}
    return render_template(
        "admin/transfers/show.html", line=line, form=form, back=back, firm_form=FirmForm(formdata=None), words=bank_lines,
        waiting=line.status in statements.WAITING, may=g.can("payments.confirm"), asked=asked, owed=owed,
        surplus=line.amount_fen - sum(parts_.values()), firms=statements.firms_like(asked or line.payer_name[:4]),
        names=statements.names_of(line.organization) if line.organization else [], story=parts.timeline(history(line)),
        outgoing=line.amount_fen < 0,
    )  # fmt: skip
