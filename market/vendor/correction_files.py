"""`/vendor/events/corrections/file`: many events corrected at once, as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from wtforms import FileField, TextAreaField

from market import metering, resources
from market.errors import Invalid
from market.metering import UsageEvent, corrections, uploads
from market.metering.corrections import MOST, Change, CorrectionStatus, Judged, Named
from market.vendor import corrections as one
from market.web import guards, sheets

bp = Blueprint("correction_files", __name__, url_prefix="/corrections/file")

Answer = str | tuple[str, int]

COLUMNS = ("corrects", "source", "kind", "value", "data", "id")
LARGEST = 1024 * 1024


class FileForm(one.WhyForm):
    """A table of corrections, as a file or pasted."""

    file = FileField(_l("文件"), render_kw={"accept": ".csv,.txt,text/csv"})
    table = TextAreaField(_l("或者粘贴在这里"), render_kw={"spellcheck": "false"})


class Line(NamedTuple):
    """A line of the table and what became of it."""

    number: int
    corrects: str
    kind: str
    outcome: str
    said: str
    correction: int | None


@dataclass(frozen=True)
class _Row:
    number: int
    cells: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "").strip()


@bp.get("/")
@guards.require("corrections.make")
def index() -> str:
    """The box for the table."""
    return _page(FileForm(formdata=None))


@bp.post("/")
@guards.require("corrections.make")
def create() -> Answer:
    """Say line by line what would be done, or do it."""
    form = FileForm()
    form.validate()
    try:
        text = _text(form)
        rows = _rows(text)
    except Invalid as refusal:
        form.refuse(refusal)
    if form.has_errors:
        return _page(form), 422
    form.table.data = text
    trial = request.form.get("do") == "check"
    changes, lost = _changes(rows)
    judged = one.make([change for _row, change in changes], form, dry_run=trial) if changes else []
    lines = [*lost, *(_line(row, each, trial) for (row, _change), each in zip(changes, judged, strict=True))]
    return _page(form, sorted(lines), trial=trial, said="" if trial or not judged else one.done(judged))


@bp.get("/template.csv")
@guards.require("corrections.make")
def template() -> Response:
    """A table to fill in, with the newest events."""
    found = metering.stretch(g.provider, metering.Wanted(), size=3).events
    rows = [[event.event_id, event.source, "replacement", "", "", f"fix-{event.event_id}"] for event in found]
    return sheets.sheet("usage-corrections.csv", list(COLUMNS), rows)


def _text(form: FileForm) -> str:
    sent = form.file.data
    raw = sent.stream.read(LARGEST + 1) if isinstance(sent, FileStorage) and sent.filename else b""
    if len(raw) > LARGEST:
        raise Invalid(fields={"file": "文件最大 1 MB"})
    if not raw and not (form.table.data or "").strip():
        raise Invalid(fields={"table": "选择一个文件，或者把表格粘贴在这里"})
    if not raw:
        return form.table.data or ""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(fields={"file": "请用 Excel 另存为 CSV（UTF-8）再上传"})


def _rows(text: str) -> list[_Row]:
    """The lines of the table by the names in its head. Raises Invalid."""
    try:
        reader = csv.DictReader(io.StringIO(text.replace("\0", "")), skipinitialspace=True)
        names = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = names
        if "corrects" not in names:
            raise Invalid(fields={"table": "第一行写列名，至少要有 corrects（要更正的事件编号）"})
        rows = [_Row(reader.line_num, {k: v for k, v in line.items() if k and isinstance(v, str)}) for line in reader]
    except csv.Error:
        raise Invalid(fields={"table": "这不是 CSV 表格，请检查引号和逗号"}) from None
    rows = [row for row in rows if any(row.cells.values())]
    if not rows or len(rows) > MOST:
        raise Invalid(fields={"table": "写 1 到 500 行，再多请分几次"})
    return rows


def _changes(rows: Sequence[_Row]) -> tuple[list[tuple[_Row, Change]], list[Line]]:
    """What the lines ask for, and those that cannot be read."""
    own = uploads.own_source(g.provider)
    named = {row.number: Named(row["corrects"], row["source"] or own) for row in rows}
    events = corrections.events_named(g.provider, list(named.values()))
    properties = uploads.value_properties(g.provider, at=resources.clock.now())
    changes, lost = [], []
    for row in rows:
        meant = named[row.number]
        try:
            data = _data(row, events.get(meant), properties)
        except Invalid as refusal:
            lost.append(Line(row.number, meant.id, row["kind"], "rejected", _(refusal.message, **refusal.params), None))
        else:
            changes.append((row, Change(row["id"] or f"fix-{meant.id}", meant.source, meant, data)))
    return changes, lost


def _data(row: _Row, event: UsageEvent | None, properties: Any) -> dict[str, Any] | None:
    """The new data of a line; None takes the event back. Raises Invalid."""
    if row["kind"] not in ("reversal", "replacement", ""):
        raise Invalid("kind 只能写 reversal（撤销）或 replacement（替换）。")
    if row["kind"] == "reversal":
        return None
    if row["data"]:
        try:
            data = metering.load(row["data"].encode("utf-8", "surrogatepass"))
        except metering.EventRefused:
            data = None
        if not isinstance(data, dict):
            raise Invalid("data 不是完整的 JSON 对象。")
        return data
    names = list(properties.get(event.type, ())) if event else []
    if not row["value"]:
        raise Invalid("替换要写 value 或 data；撤销请在 kind 一列写 reversal。")
    if event is not None and len(names) != 1:
        raise Invalid("这种事件不止一个数值，请写 data。")
    return {**(event.data if event else {}), **({names[0]: row["value"]} if names else {})}


def _line(row: _Row, judged: Judged, trial: bool) -> Line:
    number = judged.correction.id if judged.correction and not trial else None
    kind = judged.change.kind.value
    if judged.status is None:
        return Line(row.number, judged.change.corrects.id, kind, "rejected", _(judged.message, **judged.params), None)
    said = {
        CorrectionStatus.PROPOSED: _("要请同事复核"), CorrectionStatus.APPROVED: _("会马上生效") if trial else _("已生效"),
        CorrectionStatus.REJECTED: _("以前没有通过复核"),
    }[judged.status]  # fmt: skip
    return Line(row.number, judged.change.corrects.id, kind, "duplicate" if judged.known else "accepted", said, number)


def _page(form: FileForm, lines: Sequence[Line] = (), *, trial: bool = False, said: str = "") -> str:
    return render_template(
        "vendor/correction_files/index.html", form=form, lines=lines, trial=trial, said=said, most=MOST,
        own=uploads.own_source(g.provider), lost=sum(line.outcome == "rejected" for line in lines),
    )  # fmt: skip
