"""`/vendor/events/files`: usage as a file, how far it is taken in, and what became of each line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, FileField, SelectField
from wtforms.fields.choices import SelectChoice

from market import accounts, db, documents, metering, resources
from market.errors import MarketError, NotFound
from market.kit.period import SHANGHAI, local_day
from market.metering import uploads
from market.metering.uploads import ReportLine, UploadStatus
from market.subscriptions import LIVE, Subscription
from market.web import formats, forms, guards, htmx, paging, sheets
from market.web.archives import STOP_POLLING
from market.web.security import largest_body
from market.web.states import state_of

bp = Blueprint("files", __name__, url_prefix="/files")

Answer = AnyResponse | str | tuple[str, int]

#: Room for a file that is too large, so that the page can say so in words.
ROOM = uploads.LARGEST + 5 * 1024 * 1024
#: How many lines of a template are filled in.
MOST_ROWS = 1000
#: How many lines that were not counted the page shows; the report has all.
SHOWN = 50
TEST = "test:"


class FileForm(forms.MarketForm):
    """A file of usage."""

    request_key = forms.TokenField()
    file = FileField(_l("文件"), render_kw={"accept": ".csv,.ndjson,.jsonl,.txt,text/csv"})
    source = SelectField(_l("用量来源（source）"), [forms.Filled(_l("选择用量来源"))], validate_choice=False)
    dry_run = BooleanField(_l("只检查，不计入"))


@bp.get("/")
@guards.require("events.read")
def index() -> str:
    """The files so far, and the form for the next."""
    return _page(FileForm(formdata=None))


@bp.post("/")
@guards.require("events.write")
@largest_body(ROOM)
def create() -> Answer:
    """Take a file in; its lines are worked off in the background."""
    form, now = FileForm(), resources.clock.now()
    choices = dict(_sources())
    if not form.validate() or form.source.data not in choices or not isinstance(form.file.data, FileStorage):
        if form.source.data not in choices:
            form.source.errors = [_("选择用量来源")]
        if not isinstance(form.file.data, FileStorage):
            form.file.errors = [_("选择一个 CSV 或 NDJSON 文件")]
        return _page(form), 422
    source = form.source.data.removeprefix(TEST)
    with closing(form.file.data) as sent:
        try:
            upload = uploads.receive(
                g.provider, sent.stream, filename=documents.shown(sent.filename or ""), source=source,
                dry_run=form.dry_run.data or form.source.data.startswith(TEST), request_key=form.request_key.data or "",
                user=g.user, by=g.actor, at=now,
            )  # fmt: skip
        except MarketError as refusal:
            form.refuse(refusal)
            return _page(form), refusal.status
    return redirect(url_for(".show", id=upload.id), 303)


@bp.get("/<int:id>")
@guards.require("events.read")
def show(id: int) -> Answer:
    """How far a file is, and what was not counted."""
    upload = uploads.upload_of(g.provider, id)
    waiting = upload.status in uploads.OPEN
    lost = _some(uploads.report(upload.id, lost_only=True)) if upload.lost else []
    body = render_template(
        "vendor/files/show.html", upload=upload, waiting=waiting, lost=lost, shown=SHOWN, said=said,
        kept_until=upload.finished_at + uploads.KEPT if upload.finished_at else None, now_at=resources.clock.now(),
    )  # fmt: skip
    return (body, STOP_POLLING) if htmx.is_fragment() and not waiting else body


@bp.get("/<int:id>/report.csv")
@guards.require("events.read")
def report(id: int) -> Response:
    """What became of every line."""
    upload = uploads.upload_of(g.provider, id)
    if upload.status is UploadStatus.EXPIRED:
        raise NotFound(_("这个文件的明细已经清除。"))
    head = [_("行号"), _("事件编号"), _("结果"), _("原因代号"), _("原因"), _("先收到的时间")]
    return sheets.sheet(f"usage-{upload.id}-report.csv", head, (_row(line) for line in uploads.report(id)))


@bp.get("/template.csv")
@guards.require("events.read")
def template() -> Response:
    """A file to fill in: a line for each running subscription and each type that has a value, the value left out."""
    now = resources.clock.now().astimezone(SHANGHAI).replace(microsecond=0)
    types = _types_with_value()
    live = _live(MOST_ROWS // max(1, len(types)))
    rows = [
        [f"{public_id}-{type}-{local_day(now):%Y%m%d}", type, public_id, now.isoformat(), "", name]
        for name, public_id in live for type in types
    ]  # fmt: skip
    rows = rows or [["", types[0] if types else "", "", now.isoformat(), "", ""]]
    return sheets.sheet("usage-template.csv", ["id", "type", "subject", "time", "value", _("客户（仅供参考）")], rows)


@bp.get("/template.ndjson")
@guards.require("events.read")
def template_lines() -> Response:
    """The same for programs."""
    now = resources.clock.now().astimezone(SHANGHAI).replace(microsecond=0)
    live, properties = _live(1), uploads.value_properties(g.provider, at=now)
    type, names = next(((type, names) for type, names in properties.items() if names), ("", {}))
    event = {
        "id": f"example-{local_day(now):%Y%m%d}-1", "type": type, "subject": live[0][1] if live else "",
        "time": now.isoformat(), "data": dict.fromkeys(names),
    }  # fmt: skip
    response = Response(json.dumps(event, ensure_ascii=False) + "\n", mimetype="application/x-ndjson")
    response.headers["Content-Disposition"] = 'attachment; filename="usage-template.ndjson"'
    return response


def said(line: ReportLine) -> str:
    """Why a line was not counted, in the reader's language."""
    return _(line.message, **line.params) if line.message else ""


def _row(line: ReportLine) -> list[object]:
    outcome = "rejected" if line.outcome == "refused" else line.outcome
    first = formats.stamp(datetime.fromisoformat(line.first)) if line.first else ""
    return [line.line, line.id, str(state_of("event", outcome).label), line.code, said(line), first]


def _some(lines: Iterator[ReportLine]) -> list[ReportLine]:
    return [line for line, _number in zip(lines, range(SHOWN), strict=False)]


def _page(form: FileForm) -> str:
    choices = _sources()
    form.source.choices = [SelectChoice(value, label) for value, label in choices]
    return render_template(
        "vendor/files/index.html",
        form=form,
        files=paging.page_of(uploads.uploads_of(g.provider)),
        megabytes=uploads.LARGEST // 1024**2,
        most_lines=uploads.MOST_LINES,
        kept_days=uploads.KEPT.days,
        types=metering.types_of(g.provider),
        open_states=uploads.OPEN,
    )


def _sources() -> list[tuple[str, str]]:
    """The sources to choose from: of keys that report, and the one for files."""
    now, own = resources.clock.now(), uploads.own_source(g.provider)
    keys = [key for key in accounts.keys_of(g.organization) if key.source and key.works(now) and "events:write" in key.scopes]
    live = [(key.source, _("%(source)s（密钥“%(name)s”）", source=key.source, name=key.name)) for key in keys if not key.test]
    test = [(TEST + key.source, _("%(source)s（测试密钥“%(name)s”，只检查）", source=key.source, name=key.name)) for key in keys if key.test]
    return [(own, _("%(source)s（没有用接口上报的，选这个）", source=own)), *dict([*live, *test]).items()]


def _types_with_value() -> list[str]:
    properties = uploads.value_properties(g.provider, at=resources.clock.now())
    return sorted(type for type, names in properties.items() if names)


def _live(most: int) -> Sequence[Any]:
    """Names of customers and their running subscriptions."""
    query = (
        select(accounts.Organization.name, Subscription.public_id)
        .join(accounts.Organization, accounts.Organization.id == Subscription.organization_id)
        .where(Subscription.provider_id == g.provider.id, Subscription.status.in_(LIVE))
    )
    return [tuple(row) for row in db.session.execute(query.order_by(accounts.Organization.name, Subscription.id).limit(most))]
