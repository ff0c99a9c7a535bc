"""`/console/fapiao`: asking for fapiao of a bill, and how far every request is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as Redirect
from wtforms import RadioField, SelectMultipleField, StringField

from market import billing, db, resources
from market.billing import Bill, fapiao
from market.billing.fapiao import FapiaoKind, Part, Title
from market.errors import Invalid, MarketError
from market.web import fapiao as words
from market.web import formats, forms, guards, mailing, paging, uploads

bp = Blueprint("fapiao", __name__, url_prefix="/fapiao")

Answer = Redirect | str | tuple[str, int]

#: How many of the newest bills are looked at for what could still be asked for.
RECENT = 6
#: Instead of a title's number: what the firm has told about itself, as long as it has no title.
FIRM = "firm"


class AskForm(forms.MarketForm):
    """Of whom, for whom, which kind; filled in as most will want it."""

    providers = SelectMultipleField(_l("请谁开"), validate_choice=False)
    title = RadioField(_l("发票抬头"), validate_choice=False)
    kind = RadioField(_l("发票种类"), validate_choice=False)
    note = StringField(_l("备注"), [forms.NotLongerThan(fapiao.LONGEST_NOTE)])

    def prepare(self, parts: list[Part]) -> None:
        """Fill the choices; the first time also what is chosen."""
        open_parts = [part for part in parts if part.askable]
        self.providers.choices = [(str(part.provider.id), _offer(part)) for part in open_parts]
        self.title.choices = _titles()
        kinds = frozenset[FapiaoKind]().union(*(part.kinds for part in open_parts))
        self.kind.choices = [(kind.value, words.KINDS[kind]) for kind in FapiaoKind if kind in kinds]
        if not self.is_submitted():
            wanted = request.args.getlist("provider")
            self.providers.data = [id for id, _text in self.providers.choices if not wanted or id in wanted]
            self.title.data = self.title.choices[0][0]
            self.kind.data = _usual(open_parts)

    def chosen_title(self) -> Title:
        """The words of the title that was on the page. Raises Invalid when somebody has changed it since."""
        known = {_mark(title): fapiao.words_of(title) for title in fapiao.titles_of(g.organization)}
        firm = fapiao.suggested(g.organization)
        # A second press of the button comes when the first has made a title of it.
        if self.title.data == FIRM and (not known or firm in known.values()):
            return firm
        if self.title.data in known:
            return known[self.title.data]
        raise Invalid(fields={"title": "选一个抬头。您刚才看到的那个可能被同事改过，请再核对一遍。"})

    def chosen_kind(self) -> FapiaoKind:
        """专票 or 普票. Raises Invalid for anything else."""
        found = next((kind for kind in FapiaoKind if kind.value == self.kind.data), None)
        if found is None:
            raise Invalid(fields={"kind": "选择发票种类。"})
        return found

    def chosen_providers(self, parts: list[Part]) -> list[int]:
        """Those on the page that were ticked; whatever else was sent is nobody's."""
        known = {str(part.provider.id): part.provider.id for part in parts}
        return [known[id] for id in self.providers.data or [] if id in known]


@bp.get("/")
@guards.require("fapiao.read")
def index() -> str:
    """What was asked for, how far it is, and what could still be asked for."""
    recent = list(db.session.scalars(billing.bills_of(g.organization).limit(RECENT)))
    open_bills = fapiao.askable(recent)
    return render_template(
        "console/fapiao/index.html",
        page=paging.page_of(fapiao.requests_of(g.organization), size=20),
        askable=[bill for bill in recent if bill.id in open_bills],
        words=words,
        now_at=resources.clock.now(),
    )


@bp.get("/bills/<int:id>")
@guards.require("fapiao.request")
def ask(id: int) -> str:
    """One bill, part by part: whom to ask, with which title."""
    bill = billing.bill_of(g.organization, id)
    parts = fapiao.parts_of(bill)
    form = AskForm(formdata=None)
    form.prepare(parts)
    return _ask_page(bill, parts, form)


@bp.post("/bills/<int:id>")
@guards.require("fapiao.request")
def send(id: int) -> Answer:
    """Ask; a second press of the button is the same question."""
    bill = billing.bill_of(g.organization, id)
    parts, form, now = fapiao.parts_of(bill), AskForm(), resources.clock.now()
    form.prepare(parts)
    try:
        if not form.validate():
            return _ask_page(bill, parts, form), 422
        title = form.chosen_title()
        fapiao.ask(
            bill, form.chosen_providers(parts), kind=form.chosen_kind(), title=title, note=form.note.data or "",
            by=g.actor, at=now,
        )  # fmt: skip
        if form.title.data == FIRM:
            fapiao.add_title(g.organization, title, by=g.actor, at=now)
    except MarketError as refusal:
        form.refuse(refusal)
        return _ask_page(bill, parts, form), refusal.status
    flash(mailing.with_news(_("已申请。服务商最晚 %(date)s 开具。", date=formats.date(fapiao.due_on(now)))), "ok")
    return redirect(url_for(".index"), 303)


@bp.get("/<int:id>")
@guards.require("fapiao.read")
def show(id: int) -> str:
    """One request: state, reason and next step, the papers, what happened."""
    found = fapiao.request_of(g.organization, id)
    return render_template("console/fapiao/show.html", found=found, words=words, now_at=resources.clock.now())


@bp.post("/<int:id>/withdraw")
@guards.require("fapiao.request")
def withdraw(id: int) -> Redirect:
    """Take the question back, as long as the provider has not begun."""
    fapiao.withdraw(fapiao.request_of(g.organization, id), by=g.actor, at=resources.clock.now())
    flash(_("已撤回申请，服务商不会再开。"), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.get("/<int:id>/papers/<int:paper_id>/document")
@guards.require("fapiao.read")
def document(id: int, paper_id: int) -> Response:
    """The file of a fapiao or of a red letter."""
    return uploads.answer(fapiao.document_of(fapiao.request_of(g.organization, id), paper_id))


def _ask_page(bill: Bill, parts: list[Part], form: AskForm) -> str:
    if form.has_errors and not form.providers.choices:
        # Without a part to ask for there are no boxes to point at.
        form = AskForm(formdata=None)
        form.prepare(parts)
        form.refuse(fapiao.AlreadyAsked() if parts else fapiao.NotBilledYet())
    return render_template(
        "console/fapiao/ask.html", bill=bill, parts=parts, form=form, words=words, now_at=resources.clock.now()
    )


def _offer(part: Part) -> str:
    kinds = _("、").join(str(words.SHORT[kind]) for kind in FapiaoKind if kind in part.kinds)
    return _("%(name)s：%(amount)s（可开%(kinds)s）", name=formats.local(part.provider, "name"), amount=formats.money(part.amount.gross_fen), kinds=kinds)


def _titles() -> list[tuple[str, str]]:
    """The firm's titles, or what it would be called on one."""
    known = fapiao.titles_of(g.organization)
    if not known:
        return [(FIRM, _title_text(fapiao.suggested(g.organization)))]
    return [(_mark(title), _title_text(fapiao.words_of(title))) for title in known]


def _title_text(title: Title) -> str:
    return _("%(name)s，税号 %(code)s", name=title.name, code=title.tax_code) if title.tax_code else _("%(name)s，没有税号", name=title.name)


def _mark(title: Any) -> str:
    """Which title, as it was when the page was made."""
    return f"{title.id}.{title.version}"


def _usual(parts: list[Part]) -> str | None:
    """What the firm asked for last, else 专票, where all can issue it."""
    common = frozenset.intersection(*(part.kinds for part in parts)) if parts else frozenset()
    wanted = [fapiao.last_kind(g.organization), FapiaoKind.SPECIAL, FapiaoKind.ORDINARY]
    return next((kind.value for kind in wanted if kind in common and kind), None)
