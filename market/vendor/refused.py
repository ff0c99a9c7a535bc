"""`/vendor/events/refused`: what was not counted and why, until it is mended and sent again."""

from __future__ import annotations

import json
from decimal import Decimal

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from market import billing, db, metering, resources
from market.metering import RefusedEvent, Verdict
from market.vendor import events
from market.web import forms, guards
from market.web.locale import here_with

bp = Blueprint("refused", __name__, url_prefix="/refused")

Answer = Response | str | tuple[str, int]

SIZE = 30
#: How a body looks that was longer than what is kept.
CUT = 2000
#: What each reason is called in the filter; beside an event it is told in a sentence.
REASONS = {
    "not_json": _l("不是 JSON"),
    "malformed": _l("格式不对"),
    "missing_attribute": _l("缺少必填属性"),
    "too_long": _l("内容太长"),
    "too_deep": _l("嵌套太深"),
    "wrong_source": _l("用量来源不对"),
    "unknown_type": _l("没有这种计量项"),
    "unknown_subscription": _l("找不到订阅"),
    "subscription_not_live": _l("订阅当时没有在用"),
    "value_missing": _l("缺少数值"),
    "not_a_number": _l("数值不是数字"),
    "too_many_decimals": _l("小数位太多"),
    "label_invalid": _l("分组字段的值不对"),
    "operation_unknown": _l("增减写法不对"),
    "too_many_slices": _l("分组太多"),
    "negative": _l("数值小于 0"),
    "too_large": _l("数值太大"),
    "future": _l("时间比现在晚"),
    "expired": _l("太旧，账单已定稿"),
    "conflict": _l("编号相同，内容不同"),
}


class MendForm(forms.MarketForm):
    """The event as JSON, mended."""

    body = TextAreaField(_l("事件（JSON）"), [forms.Filled(_l("填写事件的内容"))], render_kw={"spellcheck": "false"})


@bp.get("/")
@guards.require("events.read")
def index() -> str:
    """All that is still open, or all that is kept, newest first."""
    every = request.args.get("all") == "1"
    code, id = request.args.get("code", ""), request.args.get("id", "").strip()[:255].replace("\0", "")
    statement = metering.refused_of(g.provider, unresolved=not every)
    if code in metering.REASONS:
        statement = statement.where(RefusedEvent.code == code)
    if id:
        statement = statement.where(RefusedEvent.event_id == id)
    before = request.args.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    if number is not None:
        statement = statement.where(RefusedEvent.id < number)
    found = db.session.scalars(statement.limit(SIZE + 1)).all()
    return render_template(
        "vendor/refused/index.html",
        found=found[:SIZE],
        older=here_with(before=found[SIZE - 1].id) if len(found) > SIZE else None,
        later=number is not None,
        every=every,
        code=code,
        id=id,
        codes=_codes(),
        reasons=REASONS,
        reason=reason,
        kept_days=metering.KEPT_REFUSED.days,
        now_at=resources.clock.now(),
    )


@bp.get("/<int:id>")
@guards.require("events.read")
def show(id: int) -> str:
    """One refused event: why, as it was sent, and a box to mend it in."""
    event = metering.refused_event_of(g.provider, id)
    return _page(event, MendForm(formdata=None, body=_readable(event.body)))


@bp.post("/<int:id>/resend")
@guards.require("events.write")
def resend(id: int) -> Answer:
    """Judge what was mended; unless it was only asked about, send it too."""
    event, form = metering.refused_event_of(g.provider, id), MendForm()
    if not form.validate():
        return _page(event, form), 422
    now, text = resources.clock.now(), form.body.data
    if request.form.get("do") == "check":
        verdict = metering.judge_text(
            g.provider, text, sources=events.sources(), now=now, closed_until=billing.closed_until, event_id=event.event_id
        )
        return _page(event, form, verdict), 200 if verdict.counted else 422
    try:
        verdict = metering.resend(
            event, g.provider, text, sources=events.sources(), by=g.actor, now=now, closed_until=billing.closed_until
        )
    except metering.AlreadySettled:
        return redirect(url_for(".show", id=id), 303)
    if not verdict.counted:
        return _page(event, form, verdict), 422
    flash(_("这条事件已经计入。") if verdict.first is None else _("这条事件以前已经计入，没有重复计费。"), "ok")
    return redirect(url_for("vendor.events.index", id=verdict.id), 303)


@bp.post("/<int:id>/set-aside")
@guards.require("events.write")
def set_aside(id: int) -> Response:
    """It will not be mended: no longer show it as open."""
    event = metering.refused_event_of(g.provider, id)
    metering.set_aside(event, by=g.actor, at=resources.clock.now())
    flash(_("已放到一边，不再提醒。这条事件没有计入。"), "ok")
    return redirect(url_for(".index"), 303)


def reason(event: RefusedEvent) -> str:
    """Why, in the reader's language."""
    text, params = metering.retold(event)
    return _(text, **params) if params else _(text)


def said(verdict: Verdict) -> str:
    """What is wrong with an event, in words."""
    return _(verdict.message, **verdict.params) if verdict.message else ""


def _codes() -> list[str]:
    """The reasons that this provider's open events have."""
    query = metering.refused_of(g.provider, unresolved=True).order_by(None).limit(1000).subquery()
    return sorted(db.session.scalars(select(query.c.code).distinct()))


def _page(event: RefusedEvent, form: MendForm, verdict: Verdict | None = None) -> str:
    if verdict is not None and not verdict.counted:
        form.body.errors = [said(verdict)]
    return render_template(
        "vendor/refused/show.html",
        event=event,
        form=form,
        verdict=verdict,
        open=metering.is_open(event),
        reason=reason(event),
        cut=len(event.body) >= CUT,
        sources=events.sources(),
        kept_until=event.received_at + metering.KEPT_REFUSED,
    )


def _readable(body: str) -> str:
    """JSON over several lines, unless that would change a number."""
    try:
        written = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        same = json.loads(written, parse_float=Decimal) == json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return body
    return written if same else body
