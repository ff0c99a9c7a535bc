"""`/vendor/fapiao`: the fapiao that customers ask for, by due date; recording them, and red letters."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as Redirect
from wtforms import RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from market import resources
from market.billing import fapiao
from market.billing.fapiao import Fapiao, FapiaoRequest, FapiaoStatus, Paper, RefusalReason, View
from market.errors import MarketError
from market.kit.period import local_day
from market.web import fapiao as words
from market.web import forms, guards, paging, uploads
from market.web.fapiao import PaperForm
from market.web.security import largest_body

bp = Blueprint("fapiao", __name__, url_prefix="/fapiao")

Answer = Redirect | str | tuple[str, int]

SIZE = 30
VIEWS = {View.OPEN: _l("要开的"), View.LATE: _l("已超时"), View.RED: _l("要开红字的"), View.CLOSED: _l("已办完")}


class RefuseForm(forms.MarketForm):
    """Why there will be none; the customer reads both."""

    reason = RadioField(
        _l("原因"), choices=[SelectChoice(each.value, words.REASONS[each]) for each in fapiao.REASONS], validate_choice=False
    )
    explanation = TextAreaField(_l("给客户的说明"), [forms.Filled(_l("写明哪里不对、怎么改，客户会原样看到")), forms.NotLongerThan(fapiao.LONGEST_WORDS)])

    def chosen(self) -> RefusalReason | None:
        """The reason, or None with words at the field."""
        found = next((each for each in fapiao.REASONS if each.value == self.reason.data), None)
        if found is None:
            self.reason.errors = [_("选择一个原因，客户会看到该怎么办。")]
        return found


class TakeBackForm(PaperForm):
    """A red letter for what the provider itself got wrong."""

    explanation = TextAreaField(_l("为什么红冲"), [forms.NotLongerThan(fapiao.LONGEST_WORDS)])


class MendForm(forms.MarketForm):
    """What was mistyped when a paper was recorded; its amount was checked then."""

    number = StringField(_l("发票号码"), [forms.NotLongerThan(40)], render_kw={"inputmode": "numeric", "autocomplete": "off"})
    issued_on = forms.DayField(_l("开票日期"))
    document = uploads.FapiaoField(_l("发票文件"))
    explanation = TextAreaField(_l("为什么改"), [forms.NotLongerThan(fapiao.LONGEST_WORDS)])

    def paper(self) -> Paper:
        """What was filled in and sent along."""
        filename, data = self.document.sent()
        return Paper(self.number.data or "", self.issued_on.data, None, filename, data)


@bp.get("/")
@guards.require("fapiao.read")
def index() -> str:
    """What is to be issued, by due date; what is late, waits for a red letter or is done on pages of their own."""
    now = resources.clock.now()
    view = next((each for each in View if each.value == request.args.get("view")), View.OPEN)
    return render_template(
        "vendor/fapiao/index.html",
        page=paging.page_of(fapiao.worklist(g.provider, view, now), size=SIZE),
        view=view, views=VIEWS, counts=fapiao.counts(g.provider, now), words=words, today=local_day(now),
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("fapiao.read")
def show(id: int) -> str:
    """One request: whom it is for, what it has to say, and the ways to answer it."""
    return _page(_request(id), PaperForm(formdata=None), RefuseForm(formdata=None))


@bp.post("/<int:id>/take")
@guards.require("fapiao.issue")
def take(id: int) -> Redirect:
    """Begin: the customer sees it, and cannot take the question back any more."""
    fapiao.take_up(_request(id), by=g.actor, at=resources.clock.now())
    flash(_("已开始办理，客户会看到“开票中”。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/issue")
@guards.require("fapiao.issue")
@largest_body(uploads.ROOM)
def issue(id: int) -> Answer:
    """Record the fapiao with its file."""
    found, form = _request(id), PaperForm()
    try:
        if not form.validate():
            return _page(found, form, RefuseForm(formdata=None)), 422
        fapiao.issue(found, form.paper(), by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(_request(id), form, RefuseForm(formdata=None)), refusal.status
    flash(_("发票已登记，客户收到通知，可以下载。"), "ok")
    return _next(found)


@bp.post("/<int:id>/refuse")
@guards.require("fapiao.issue")
def refuse(id: int) -> Answer:
    """Say why there will be none."""
    found, form = _request(id), RefuseForm()
    valid, reason = form.validate(), form.chosen()
    if not valid or reason is None:
        return _page(found, PaperForm(formdata=None), form), 422
    try:
        fapiao.refuse(found, reason=reason, words=form.explanation.data or "", by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(_request(id), PaperForm(formdata=None), form), refusal.status
    flash(_("已告诉客户原因和该怎么办。"), "ok")
    return _next(found)


@bp.get("/<int:id>/reds/<int:red_id>")
@guards.require("fapiao.read")
def red(id: int, red_id: int) -> str:
    """A red letter that a credit note waits for."""
    return _red_page(fapiao.red_at(g.provider, id, red_id), PaperForm(formdata=None))


@bp.post("/<int:id>/reds/<int:red_id>")
@guards.require("fapiao.issue")
@largest_body(uploads.ROOM)
def record(id: int, red_id: int) -> Answer:
    """Record its number; the credit note goes on."""
    found, form = fapiao.red_at(g.provider, id, red_id), PaperForm()
    try:
        if not form.validate():
            return _red_page(found, form), 422
        fapiao.record_red(found, form.paper(), by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _red_page(fapiao.red_at(g.provider, id, red_id), form), refusal.status
    flash(_("红字发票已登记，冲减单可以结清了。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/<int:id>/take-back")
@guards.require("fapiao.issue")
def take_back(id: int) -> str:
    """A fapiao that was wrong: take it back, so that the customer can ask anew."""
    return _back_page(_request(id), TakeBackForm(formdata=None))


@bp.post("/<int:id>/take-back")
@guards.require("fapiao.issue")
@largest_body(uploads.ROOM)
def take_it_back(id: int) -> Answer:
    """Record the red letter for what is left of it."""
    found, form = _request(id), TakeBackForm()
    try:
        if not form.validate():
            return _back_page(found, form), 422
        fapiao.take_back(
            found, form.paper(), words=form.explanation.data or "", by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _back_page(_request(id), form), refusal.status
    flash(_("红字发票已登记，客户可以重新申请。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/<int:id>/papers/<int:paper_id>/mend")
@guards.require("fapiao.issue")
def mend(id: int, paper_id: int) -> str:
    """A paper whose number or day was typed wrongly: put the record right."""
    found = _request(id)
    paper = fapiao.paper_of(found, paper_id)
    return _mend_page(found, paper, MendForm(formdata=None, number=paper.number, issued_on=paper.issued_on))


@bp.post("/<int:id>/papers/<int:paper_id>/mend")
@guards.require("fapiao.issue")
@largest_body(uploads.ROOM)
def save(id: int, paper_id: int) -> Answer:
    """Put it right; the customer reads both."""
    found, form = _request(id), MendForm()
    paper = fapiao.paper_of(found, paper_id)
    try:
        if not form.validate():
            return _mend_page(found, paper, form), 422
        fapiao.mend(found, paper_id, form.paper(), words=form.explanation.data or "", by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        form.refuse(refusal)
        return _mend_page(_request(id), paper, form), refusal.status
    flash(_("已改正，客户收到通知。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/<int:id>/papers/<int:paper_id>/document")
@guards.require("fapiao.read")
def document(id: int, paper_id: int) -> Response:
    """The file of a fapiao or of a red letter."""
    return uploads.answer(fapiao.document_of(_request(id), paper_id))


def _request(id: int) -> FapiaoRequest:
    return fapiao.request_at(g.provider, id)


def _next(found: FapiaoRequest) -> Redirect:
    """The queue while there is more to do, else what was just done."""
    if fapiao.waiting(g.provider):
        return redirect(url_for(".index"), 303)
    return redirect(url_for(".show", id=found.id), 303)


def _page(found: FapiaoRequest, form: PaperForm, refusal: RefuseForm) -> str:
    if found.status not in fapiao.OPEN and (form.has_errors or refusal.has_errors):
        # The boxes are gone with the request, so the summary alone says it.
        form, refusal = PaperForm(formdata=None), RefuseForm(formdata=None)
        form.refuse(fapiao.NotOpen())
    return render_template(
        "vendor/fapiao/show.html",
        found=found,
        lines=fapiao.lines_of(found),
        paper=form,
        refusal=refusal,
        form=refusal if refusal.has_errors else form,
        open=found.status in fapiao.OPEN,
        mendable=[paper for paper in found.papers if fapiao.mendable(found, paper)],
        can_take_back=found.status is FapiaoStatus.ISSUED and not found.awaited,
        words=words,
        today=local_day(resources.clock.now()),
    )


def _red_page(found: Fapiao, form: PaperForm) -> str:
    if found.number and form.has_errors:
        form = PaperForm(formdata=None)
        form.refuse(fapiao.RedAlready())
    return render_template("vendor/fapiao/red.html", red=found, found=found.request, form=form, words=words)


def _mend_page(found: FapiaoRequest, paper: Fapiao, form: MendForm) -> str:
    can_mend = fapiao.mendable(found, paper)
    if form.has_errors and not can_mend:
        form = MendForm(formdata=None)
        form.refuse(fapiao.NotMendable())
    return render_template("vendor/fapiao/mend.html", found=found, paper=paper, form=form, can_mend=can_mend)


def _back_page(found: FapiaoRequest, form: TakeBackForm) -> str:
    if form.has_errors and (found.status is not FapiaoStatus.ISSUED or found.awaited):
        form = TakeBackForm(formdata=None)
        form.refuse(fapiao.RedAwaited() if found.awaited else fapiao.NotIssued())
    return render_template("vendor/fapiao/take_back.html", found=found, form=form, words=words)
