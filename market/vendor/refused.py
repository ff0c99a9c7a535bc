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
