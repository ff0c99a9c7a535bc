"""What the cells of a spreadsheet mean, and what spreadsheets do to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from market.metering.verdicts import EventRefused

#: Event type → the property of `data` that its meters read → whether they read a number there.
Properties = Mapping[str, Mapping[str, bool]]

_ZONED = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)? ?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_ZONELESS = re.compile(
    r"(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?(?:[Tt ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?", re.ASCII
)
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+\d+", re.ASCII | re.IGNORECASE)
_SEPARATED = re.compile(r"[-+]?\d[\d.]*(?:[,，'’\u00a0 ]\d+)+(?:\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)


def event(columns: Sequence[str], row: Sequence[str], source: str) -> dict[str, Any]:
    """The event of a row; an empty cell is none at all. `value` is put where the meters look for it later."""
    if any(cell.strip() for cell in row[len(columns) :]):
        raise EventRefused("malformed", "这一行有 %(cells)s 列，表头只有 %(head)s 列。", cells=len(row), head=len(columns))
    raw: dict[str, Any] = {"specversion": "1.0", "source": source}
    data: dict[str, Any] = {}
    for name, cell in zip(columns, map(str.strip, row), strict=False):
        if not cell or not name:
            continue
        if name.startswith("data."):
            data[name.removeprefix("data.")] = cell
        else:
            raw[name] = cell
    return raw | {"data": data}


def check_time(raw: dict[str, Any]) -> None:
    """A line says when it happened, in which zone. Raises EventRefused with how to write it."""
    time = raw.get("time")
    if time is None:
        raise EventRefused("missing_attribute", "缺少 time。文件里每一行都要写明用量发生的时间。")
    if not isinstance(time, str):
        return
    if zoned := _ZONED.fullmatch(time.strip()):
        day, minute, second, zone = zoned.groups()
        raw["time"] = f"{day}T{minute}{second or ':00'}{zone}"
    elif found := _ZONELESS.fullmatch(time.strip()):
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        example = f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+08:00"
        raise EventRefused("malformed", "time 没有写时区。是北京时间的话，写成 %(example)s。", example=example)


def check_id(raw: Mapping[str, Any]) -> None:
    """An id that a spreadsheet has rounded is not the id any more. Raises EventRefused."""
    if _SCIENTIFIC.fullmatch(raw.get("id", "")):
        raise EventRefused("malformed", "编号被表格软件改成了科学计数法（%(id)s）。请把这一列设为“文本”，重新填写编号。", id=raw["id"])


def set_values(raw: dict[str, Any], properties: Properties) -> None:
    """Put `value` where the meters of this type read it, and make numbers of what they count. Raises EventRefused."""
    known = properties.get(raw.get("type", ""), {})
    value = raw.pop("value", None)
    if value is not None:
        if raw.get("type") in properties and not known:
            raise EventRefused("malformed", "类型 %(type)s 按次数计量，一行算 1 次，不能再写数值。", type=raw["type"])
        raw["data"] = dict.fromkeys(known or ("value",), value) | raw["data"]
    for name, counted in known.items():
        if counted and isinstance(text := raw["data"].get(name), str):
            raw["data"][name] = _number(text)


def _number(text: str) -> int | str:
    if _SEPARATED.fullmatch(text):
        raise EventRefused("not_a_number", "数值“%(value)s”里有千位分隔符。请去掉，例如写成 1234.5。", value=text[:40])
    return int(text) if _WHOLE.fullmatch(text) else text
