"""`/admin/dunning`: firms that owe, the step they have come to, holds, and the stated sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.widgets import HiddenInput

from market import accounts, billing, dunning, resources
from market.accounts import Organization
from market.dunning import Age, Kind, Standing, Step, Wanted
from market.errors import MarketError
from market.kit import working_days
from market.kit.period import local_day
from market.web import charts, dunning_words, formats, forms, guards, paging

bp = Blueprint("dunning", __name__, url_prefix="/dunning")

Answer = Response | str | tuple[str, int]


@dataclass(frozen=True)
class Row:
    """How one bill stands: days overdue, the last and the next step, and why it waits."""

    days: int
    done: str
    next: str
    key: str
    on: date | None
    waits: str
    askable: bool


class HoldForm(forms.MarketForm):
    """Until when nothing is done, and why."""

    bill = SelectField(_l("暂缓哪些账单"))
    until = forms.DayField(_l("暂缓到哪天（含）"))
    reason = TextAreaField(_l("原因"))


class SequenceForm(forms.MarketForm):
    """The sequence for bills to come; `dunning.change_sequence` checks it."""

    reminders = StringField(_l("提醒"))
    charges = StringField(_l("从保存的银行卡扣款"))
    last_notice = StringField(_l("最后通知"))
    notice_days = StringField(_l("最后通知至少提前"))
    suspension = StringField(_l("停用服务"))
    end_notice = StringField(_l("通知终止"))
    end_days = StringField(_l("终止至少提前"))
    floor_fen = forms.MoneyField(_l("少于这个金额不停用"))
    reason = TextAreaField(_l("为什么改"))
    #: The version that the writer has seen.
    after = IntegerField(widget=HiddenInput())


@bp.get("/")
@guards.require("dunning.read")
def index() -> str:
    """Firms with something overdue, the longest waiting first, and how old the debts are."""
    now = resources.clock.now()
    page = paging.page_of(dunning.firms(now), size=20)
    ages, owed = dunning.ages(now), dunning.overdue_by_firm([firm.id for firm in page], now)
    # The oldest bill speaks for its firm.
    stories = dunning.steps_by_bill([mine[0].bill.id for mine in owed.values()])
    return render_template(
        "admin/dunning/index.html", page=page, ages=ages, owed=owed,
        bars=[charts.Bar(_age(each), each.fen, formats.money(each.fen)) for each in ages],
        total_fen=sum(each.fen for each in ages if each.since), count=sum(each.count for each in ages if each.since),
        stopped=len(dunning.firms_stopped()), sequence=dunning.sequence_at(now), words=_row, stories=stories, now=now,
    )  # fmt: skip


@bp.get("/<int:id>")
@guards.require("dunning.read")
def show(id: int) -> str:
    """One firm: its overdue bills, what was done, what comes next."""
    firm = accounts.organization_by_id(id)
    return _page(firm, _hold_form(firm))


@bp.post("/<int:id>/hold")
@guards.require("dunning.act")
def hold(id: int) -> Answer:
    """Put it off until a day."""
    firm = accounts.organization_by_id(id)
    form = _hold_form(firm, filled=True)
    if not form.validate():
        return _page(firm, form), 422
    bill = billing.bill_of(firm, int(form.bill.data)) if form.bill.data else None
    try:
        placed = dunning.hold(
            firm, until=form.until.data, reason=form.reason.data or "", bill=bill, user=g.user, by=g.actor, at=resources.clock.now()
        )
    except MarketError as refusal:
        form.refuse(refusal)
        return _page(firm, form), refusal.status
    flash(_("已暂缓到 %(day)s，会通知客户。", day=formats.date(placed.until)), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/holds/<int:id>/lift")
@guards.require("dunning.act")
def lift(id: int) -> Answer:
    """Go on."""
    placed = dunning.hold_by_id(id)
    firm = accounts.organization_by_id(placed.organization_id)
    try:
        dunning.lift(placed, user=g.user, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(firm, refusal)
    flash(_("暂缓已结束，催款继续。"), "ok")
    return redirect(url_for(".show", id=firm.id), 303)


@bp.post("/bills/<int:id>/step")
@guards.require("dunning.act")
def step(id: int) -> Answer:
    """Take a bill's next step now."""
    bill = billing.head_by_id(id)
    firm = accounts.organization_by_id(bill.organization_id)
    try:
        key = request.form.get("step", "")
        taken = dunning.advance(bill, user=g.user, by=g.actor, at=resources.clock.now(), key=key)
    except MarketError as refusal:
        return _refused(firm, refusal)
    flash(_("已办：%(step)s。", step=dunning_words.taken_name(taken)), "ok")
    return redirect(url_for(".show", id=firm.id), 303)


@bp.get("/sequence")
@guards.require("dunning.read")
def sequence() -> str:
    """The steps as they hold now, the form for the next version, and all versions."""
    return _sequence_page(_sequence_form())


@bp.post("/sequence")
@guards.require("dunning.edit")
def change_sequence() -> Answer:
    """What holds for bills issued from now on."""
    form, now = SequenceForm(), resources.clock.now()
    if not form.validate():
        return _sequence_page(form), 422
    try:
        version = dunning.change_sequence(
            _wanted(form), after=form.after.data or 0, reason=form.reason.data or "", user=g.user, by=g.actor, at=now
        )
    except MarketError as refusal:
        form.refuse(refusal)
        if isinstance(refusal, dunning.ChangedMeanwhile):
            form.after.raw_data, form.after.data = None, dunning.sequence_at(now).number
        return _sequence_page(form), refusal.status
    flash(_("已保存为第 %(number)d 版，从现在起出的账单按它催款。", number=version.number), "ok")
    return redirect(url_for(".sequence"), 303)


def _wanted(form: SequenceForm) -> Wanted:
    numbers = {name: _whole(form[name].data) for name in ("last_notice", "suspension", "end_notice", "notice_days", "end_days")}
    return Wanted(reminders=form.reminders.data or "", charges=form.charges.data or "", floor_fen=form.floor_fen.data, **numbers)


def _whole(typed: str | None) -> int | None:
    words = (typed or "").strip().removeprefix("+")
    return int(words) if words.isascii() and words.isdigit() and len(words) < 5 else None


def _sequence_form() -> SequenceForm:
    held = dunning.sequence_at(resources.clock.now())
    return SequenceForm(
        formdata=None, reminders=_listed(held.reminders), charges=_listed(held.charges), last_notice=str(held.last_notice),
        notice_days=str(held.notice_days), suspension=str(held.suspension), end_notice=str(held.end_notice),
        end_days=str(held.end_days), floor_fen=held.floor_fen, after=held.number,
    )  # fmt: skip


def _listed(days: tuple[int, ...]) -> str:
    return " ".join(map(str, days))


def _sequence_page(form: SequenceForm) -> str:
    now = resources.clock.now()
    year = local_day(now).year
    held = dunning.sequence_at(now)
    return render_template(
        "admin/dunning/sequence.html", form=form, held=held, steps=[(each, dunning_words.step_name(each)) for each in held.steps()],
        versions=dunning.versions_of_sequence(), unannounced=[each for each in (year, year + 1) if not working_days.is_announced(each)],
    )  # fmt: skip


def _age(age: Age) -> str:
    if not age.since:
        return _("还没到付款日")
    return _("%(first)s–%(last)s 天", first=age.since, last=age.until) if age.until else _("超过 %(days)s 天", days=age.since - 1)


def _hold_form(firm: Organization, *, filled: bool = False) -> HoldForm:
    form = HoldForm() if filled else HoldForm(formdata=None)
    owed = dunning.overdue_of(firm, resources.clock.now())
    form.bill.choices = [("", _("全部账单")), *((str(each.bill.id), each.bill.number or "") for each in owed)]
    return form


def _refused(firm: Organization, refusal: MarketError) -> tuple[str, int]:
    form = _hold_form(firm)
    form.refuse(refusal)
    return _page(firm, form), refusal.status


def _page(firm: Organization, form: HoldForm) -> str:
    now = resources.clock.now()
    owed = dunning.overdue_of(firm, now)
    stories = dunning.steps_by_bill([each.bill.id for each in owed])
    return render_template(
        "admin/dunning/show.html", firm=firm, form=form, owed=owed, stopped=dunning.stopped_count(firm),
        stories=stories, told=dunning_words.told,
        holds=dunning.holds_of([firm.id], now), bills={each.bill.id: each.bill for each in owed}, words=_row, now=now,
    )  # fmt: skip


def _row(standing: Standing, steps: Sequence[Step], now: datetime) -> Row:
    """One bill as the tables show it."""
    case, coming = standing.case, standing.next
    letter = coming is not None and coming.planned.kind in (Kind.REMINDER, Kind.LAST_NOTICE)
    last = dunning_words.told(steps)
    why = case.halted if coming and coming.planned.kind is Kind.REMINDER else case.waiting
    return Row(
        days=dunning.days_over(standing.bill.due_at or now, now), done=last[0]["title"] if last else "",
        next=dunning_words.step_name(coming.planned) if coming else "", key=coming.planned.key if coming else "", on=coming.on if coming else None,
        waits=dunning_words.waits(why) if why else "", askable=letter or (coming is not None and coming.on <= dunning.day_of(now)),
    )  # fmt: skip
