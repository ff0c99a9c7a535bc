"""Reading a file of usage: which encoding, which columns, where each line begins. Pure; what is wrong is said in words.

A file of a spreadsheet has no types. The value that a meter reads becomes a number, all else stays text; what
spreadsheets do to numbers and times (1,234.5 · 1.2E+15 · 2026/10/1 8:30) is refused with what to do.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from market.errors import Invalid
from market.metering import envelope
from market.metering.uploads import cells
from market.metering.uploads.cells import Properties
from market.metering.verdicts import BadEvent, EventRefused

LONGEST_LINE = 256 * 1024
_CHUNK = 256 * 1024
_OTHERS: dict[bytes, str] = {
    b"PK\x03\x04": "这是 Excel 工作簿（xlsx）。请在 Excel 里选“另存为”，类型选“CSV UTF-8（逗号分隔）”，再上传。",
    b"\xd0\xcf\x11\xe0": "这是旧版 Excel 工作簿（xls）。请在 Excel 里选“另存为”，类型选“CSV（逗号分隔）”，再上传。",
    b"\xff\xfe": "这个文件是 UTF-16 编码。请另存为“CSV UTF-8（逗号分隔）”，再上传。",
    b"\xfe\xff": "这个文件是 UTF-16 编码。请另存为“CSV UTF-8（逗号分隔）”，再上传。",
    b"\x1f\x8b": "这个文件压缩过。请先解压，再上传里面的文件。",
}
#: What a column may be called.
_NAMES = {
    "id": "id", "event_id": "id", "编号": "id", "事件编号": "id",
    "source": "source", "来源": "source", "用量来源": "source",
    "type": "type", "类型": "type", "事件类型": "type",
    "subject": "subject", "订阅": "subject", "订阅编号": "subject",
    "time": "time", "时间": "time", "发生时间": "time",
    "value": "value", "数值": "value", "用量": "value",
}  # fmt: skip
_NEEDED = ("id", "type", "subject", "time")
_DELIMITERS = ",\t;"


class FileUnreadable(Invalid):
    """The file as a whole cannot be used; the message says what to change."""

    code = "file_unreadable"

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message, field="file", **params)


class Record(NamedTuple):
    """Where a record begins, and its cells (CSV), its text (NDJSON), or why it could not be read."""

    line: int
    content: list[str] | str | None
    problem: str = ""
    text: str = ""


@dataclass(frozen=True)
class Layout:
    """How records become events: the attribute of each column, "" for one that is not used."""

    kind: str
    columns: list[str] = field(default_factory=list)
    #: Names of columns that are not used.
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class File:
    """A file that can be read: its layout, its encoding, and its records one after the other."""

    layout: Layout
    encoding: str
    records: Iterator[Record]


def opened(stream: IO[bytes]) -> File:
    """Find out what the file is and read its head. Raises FileUnreadable."""
    encoding = _encoding(stream)
    stream.seek(0)
    text = io.TextIOWrapper(io.BufferedReader(_Kept(stream)), encoding=encoding, newline="")
    beginning = text.read(64 * 1024)
    if not beginning.strip():
        raise FileUnreadable("这个文件是空的。")
    text.seek(0)
    first = beginning.lstrip()[:1]
    if first == "[":
        raise FileUnreadable("这个文件是一个 JSON 数组。请改成每行一条事件（NDJSON），或者用接口上报。")
    name = "GB18030" if encoding == "gb18030" else "UTF-8"
    if first == "{":
        return File(Layout("ndjson"), name, _lines(text))
    delimiter = max(_DELIMITERS, key=beginning.partition("\n")[0].count)
    rows = _rows(text, delimiter)
    head = next(rows)
    layout = _layout(head)
    return File(layout, name, (row for row in rows if not isinstance(row.content, list) or any(map(str.strip, row.content))))


def events_in(
    layout: Layout, records: Iterable[Record], *, source: str, properties: Properties
) -> list[dict[str, Any] | BadEvent]:
    """The events these records stand for, ready for `ingest`; what is wrong with one becomes its refusal."""
    return [_event(layout, record, source, properties) for record in records]


class _Kept(io.RawIOBase):
    """A stream that stays open when the text around it is thrown away."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        read = self._stream.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        """Whoever opened the stream closes it."""


def _encoding(stream: IO[bytes]) -> str:
    stream.seek(0)
    beginning = stream.read(4)
    for mark, advice in _OTHERS.items():
        if beginning.startswith(mark):
            raise FileUnreadable(advice)
    for encoding in ("utf-8-sig", "gb18030"):
        if _decodes(stream, encoding):
            return encoding
    raise FileUnreadable("文件里的文字读不出来。请另存为“CSV UTF-8（逗号分隔）”，再上传。")


def _decodes(stream: IO[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _rows(text: io.TextIOWrapper, delimiter: str) -> Iterator[Record]:
    """Records of a CSV file; a broken one is told and the next is read."""
    seen: list[str] = []

    def lines() -> Iterator[str]:
        while line := text.readline(LONGEST_LINE):
            if len(seen) < 20:
                seen.append(line[:2000])
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        seen.clear()
        try:
            yield Record(begins, next(reader))
        except StopIteration:
            return
        except csv.Error:
            yield Record(begins, None, "这一行的引号不成对，或者一格里的内容太长，读不下去。", "".join(seen)[:2000])


def _lines(text: io.TextIOWrapper) -> Iterator[Record]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        whole = len(line) < LONGEST_LINE or line.endswith("\n")
        beginning = line[:2000]
        while not whole and (line := text.readline(LONGEST_LINE)):
            if line.endswith("\n") or len(line) < LONGEST_LINE:
                break
        if not whole:
            yield Record(number, None, "这一行太长：一条事件最多 64 KB。", beginning)
        elif line.strip():
            yield Record(number, line.strip())


def _layout(head: Record) -> Layout:
    if not isinstance(head.content, list):
        raise FileUnreadable("第一行（表头）读不出来：引号不成对。")
    names = [name.strip() for name in head.content]
    columns = [_column(name) for name in names]
    used = [column for column in columns if column]
    if missing := [name for name in _NEEDED if name not in used]:
        raise FileUnreadable(
            "第一行须是表头，而且要有这几列：%(needed)s。缺少：%(missing)s。", needed=", ".join(_NEEDED), missing=", ".join(missing)
        )
    if twice := next((name for name in used if used.count(name) > 1), ""):
        raise FileUnreadable("表头里有两列都是 %(name)s，请去掉一列。", name=twice)
    return Layout("csv", columns, [name for name, column in zip(names, columns, strict=True) if name and not column])


def _column(name: str) -> str:
    if name.casefold().startswith("data.") and len(name) > 5:
        return f"data.{name[5:]}"
    return _NAMES.get(name.casefold(), "")


def _event(layout: Layout, record: Record, source: str, properties: Properties) -> dict[str, Any] | BadEvent:
    if record.problem:
        return BadEvent("malformed", _shown(record.text), source=source, message=record.problem)
    try:
        if isinstance(record.content, str):
            raw = _object(record.content, source)
        else:
            raw = cells.event(layout.columns, record.content or [], source)
    except EventRefused as refusal:
        text = record.content if isinstance(record.content, str) else " | ".join(record.content or [])
        return BadEvent(refusal.code, _shown(text), source=source, message=refusal.message, params=dict(refusal.params))
    return _checked(raw, properties, from_cells=layout.kind == "csv")


def _shown(text: str) -> str:
    """What was sent, as the log can hold it."""
    return text[:2000].replace("\0", "�")


def _object(text: str, source: str) -> dict[str, Any]:
    raw = envelope.load(text.encode())
    if not isinstance(raw, dict):
        raise EventRefused("malformed", "每条事件须是一个 JSON 对象。")
    return {"specversion": "1.0", "source": source} | raw


def _checked(raw: dict[str, Any], properties: Properties, *, from_cells: bool) -> dict[str, Any] | BadEvent:
    """The event with its time and value as they are meant, or what a spreadsheet has done to them."""
    try:
        cells.check_time(raw)
        if from_cells:
            cells.check_id(raw)
            cells.set_values(raw, properties)
    except EventRefused as refusal:
        raw.pop("value", None)
        id, source = envelope.outline(raw)
        return BadEvent(refusal.code, envelope.excerpt(raw), id, source, refusal.message, dict(refusal.params))
    return raw


def layout_of(stored: Mapping[str, Any]) -> Layout:
    """A layout as it was stored with an upload."""
    return Layout(stored["kind"], list(stored["columns"]), list(stored["ignored"]))
