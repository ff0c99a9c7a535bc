"""`/admin/payments/statements`: files from the bank: sent in, looked at, taken in."""

from __future__ import annotations

from contextlib import closing

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response
from wtforms import BooleanField, FileField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from market import db, resources
from market.admin import menu, parts
from market.audit import history
from market.errors import MarketError
from market.payments import statements
from market.payments.statements import (
    BankStatement,
    Preview,
    StatementStatus,
    StatementUnreadable,
)
from market.web import bank_lines, forms, guards, paging, row_numbers
from market.web.errors import translate
from market.web.security import largest_body

bp = Blueprint("statements", __name__, url_prefix="/statements")

Answer = Response | str | tuple[str, int]
#: Room for a file that is too large, so that the page can say so in words.
ROOM = statements.LARGEST * 3
#: How many lines of a file the page shows.
SHOWN = 200


class FileForm(forms.MarketForm):
    """A file from the bank."""

    request_key = forms.TokenField()
    file = FileField(_l("流水文件"), render_kw={"accept": ".csv,.txt,.xml,.sta,.940,.mt940"})


class LayoutForm(forms.MarketForm):
    """Which column holds what."""

    account = StringField(_l("这份流水是哪个账户的"), [forms.Filled(_l("填写这份流水是哪个账户的")), forms.NotLongerThan(64)])
    day = SelectField(_l("交易日期"))
    income = SelectField(_l("收入（贷方）"))
    outgo = SelectField(_l("支出（借方）"))
    amount = SelectField(_l("金额（收支在一列）"))
    direction = SelectField(_l("收支方向"))
    payer = SelectField(_l("对方户名"))
    payer_account = SelectField(_l("对方账号"))
    reference = SelectField(_l("银行流水号"))
    remark = SelectField(_l("附言"))
    more_remark = SelectField(_l("摘要或用途"))
    reversed = BooleanField(_l("收入写成负数"))

    def offer(self, seen: Preview, *, fresh: bool = False) -> None:
        """The columns of the file, with what was chosen so far; a format that needs no choice is asked for none."""
        if not seen.head:
            for name in (*statements.ROLES, "reversed"):
                del self[name]
            if fresh:
                self.account.data = seen.account
            return
        choices = [SelectChoice("", str(_l("没有这一列")))]
        choices += [SelectChoice(str(place), name or _("第 %(number)s 列", number=place + 1)) for place, name in enumerate(seen.head)]
        for role in statements.ROLES:
            self[role].choices = choices
            if fresh:
                self[role].data = str(seen.layout.columns.get(role, ""))
        if fresh:
            self.account.data, self.reversed.data = seen.account, seen.layout.reversed

    @property
    def columns(self) -> dict[str, int]:
        """The place of each column that was chosen."""
        return {role: int(self[role].data) for role in statements.ROLES if role in self and self[role].data}


@bp.get("/")
@guards.require("payments.read")
def index() -> str:
    """The files so far, and the form for the next."""
    return _index(FileForm(formdata=None))


@bp.post("/")
@guards.require("payments.confirm")
@largest_body(ROOM)
def create() -> Answer:
    """Keep a file to be looked at."""
    form = FileForm()
    if not form.validate() or not isinstance(form.file.data, FileStorage):
        if not isinstance(form.file.data, FileStorage):
            form.file.errors = [_("选择一个流水文件")]
        return _index(form), 422
    with closing(form.file.data) as sent:
        data = sent.stream.read(statements.LARGEST + 1)
    try:
        statement = statements.receive(
            g.organization, filename=form.file.data.filename or "", data=data, request_key=form.request_key.data or "",
            user=g.user, by=g.actor, at=resources.clock.now(),
        )  # fmt: skip
    except MarketError as refusal:
        form.refuse(refusal)
        return _index(form), refusal.status
    return redirect(url_for(".show", id=statement.id), 303)


@bp.get("/<int:id>")
@guards.require("payments.read")
def show(id: int) -> str:
    """What taking the file in would do; afterwards, what it did."""
    statement = statements.statement_by_id(id)
    return _page(statement)


@bp.post("/<int:id>/columns")
@guards.require("payments.confirm")
def read_as(id: int) -> Answer:
    """Read the columns so, and look again."""
    statement, form, now = statements.statement_by_id(id), LayoutForm(), resources.clock.now()
    if statement.status is not StatementStatus.PREVIEW:
        return _refused(statement, statements.StatementFinished())
    form.offer(statements.preview(statement, at=now))
    if form.validate():
        turned = "reversed" in form and bool(form.reversed.data)
        try:
            statements.read_as(statement, form.columns, reversed=turned, account=form.account.data or "", by=g.actor, at=now)
            return redirect(url_for(".show", id=id), 303)
        except MarketError as refusal:
            form.refuse(refusal)
    return _page(statement, form), 422


@bp.post("/<int:id>/import")
@guards.require("payments.confirm")
def take_in(id: int) -> Answer:
    """Keep its lines, and book what is certain."""
    statement = statements.statement_by_id(id)
    try:
        looked_at = row_numbers.found_in(request.form.get("version")) or 0
        statements.take_in(statement, user=g.user, by=g.actor, at=resources.clock.now(), looked_at=looked_at)
    except MarketError as refusal:
        return _refused(statement, refusal)
    flash(_("已导入 %(count)s 行。", count=statement.taken), "ok")
    return redirect(url_for(".show", id=id), 303)


@bp.post("/<int:id>/discard")
@guards.require("payments.confirm")
def discard(id: int) -> Answer:
    """Nothing of it counts."""
    statement = statements.statement_by_id(id)
    try:
        statements.discard(statement, by=g.actor, at=resources.clock.now())
    except MarketError as refusal:
        return _refused(statement, refusal)
    flash(_("这个文件没有导入。"), "info")
    return redirect(url_for(".index"), 303)


def _refused(statement: BankStatement, refusal: MarketError) -> tuple[str, int]:
    db.session.refresh(statement)
    return _page(statements.statement_by_id(statement.id), refusal=refusal), refusal.status


def _index(form: FileForm) -> str:
    return render_template(
        "admin/statements/index.html", form=form, page=paging.page_of(statements.statements()), work=menu.payments_waiting(),
        megabytes=statements.LARGEST // 1024**2, most_lines=statements.MOST_LINES,
    )  # fmt: skip


def _page(statement: BankStatement, form: LayoutForm | None = None, *, refusal: MarketError | None = None) -> str:
    """`form` where something was typed into it; a refusal that concerns no box stands above."""
    seen, unreadable, shown = None, "", form or LayoutForm(formdata=None)
    if statement.status is StatementStatus.PREVIEW:
        try:
            seen = statements.preview(statement, at=resources.clock.now())
            if form is None:
                shown.offer(seen, fresh=True)
        except StatementUnreadable as problem:
            unreadable = translate(problem)
    if refusal is not None:
        shown.form_errors.append(translate(refusal))
    return render_template(
        "admin/statements/show.html", statement=statement, seen=seen, unreadable=unreadable, form=shown, shown=SHOWN,
        may=g.can("payments.confirm"), words=bank_lines, ours=resources.settings.payee.account, same=statements.account_key,
        page=paging.page_of(statements.lines_of(statement)) if statement.status is StatementStatus.IMPORTED else None,
        story=parts.timeline(history(statement)),
    )  # fmt: skip
