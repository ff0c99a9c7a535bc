"""Reading a CloudEvents 1.0 event: pure, and strict about everything that is counted or stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from market.metering.identity import digest_of
from market.metering.verdicts import BadEvent, EventRefused

TEXT_LIMIT = 255
DATA_LIMIT = 64 * 1024
DEPTH_LIMIT = 8
#: Longer integers are kept as decimals, which have no limit of their own: `int` refuses more than 4,300 digits.
INT_DIGITS = 100

_REQUIRED = ("id", "source", "specversion", "type", "subject")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class NotJson:
    """Stands where a body said NaN or Infinity, which JSON does not know."""

    def __init__(self, token: str) -> None:
        self.token = token


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """An event as sent, checked for form only. `data` holds decimals as text, so that no digit is lost."""

    id: str
    source: str
    type: str
    subject: str
    at: datetime
    data: dict[str, Any]
    #: The same as canonical JSON: sorted keys, decimals as text.
    written: bytes
    #: A digest of the canonical event; what the sender left out is not in it.
    digest: bytes


_Attribute = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LIMIT)]


class Plain(msgspec.Struct, gc=False):
    """An event as nearly all are, loaded: nothing wrong with its form, and nothing in it was escaped."""

    id: _Attribute
    source: _Attribute
    specversion: Literal["1.0"]
    type: _Attribute
    subject: _Attribute
    time: str | None = None
    data: dict[str, Any] | None = None
    data_base64: msgspec.UnsetType = msgspec.UNSET


#: So many characters have no more places than `str` of a decimal writes out.
_SHORT = 8


def _decimal(written: str) -> str:
    """A number with a point or an exponent, as `str` writes it as a decimal: so it is stored."""
    plain = len(written) <= _SHORT and "e" not in written and "E" not in written
    return written if plain else str(Decimal(written))


_canonical = msgspec.json.Encoder(order="sorted").encode
_quick = msgspec.json.Decoder(float_hook=Decimal).decode
_plain = msgspec.json.Decoder(Plain, float_hook=_decimal).decode
_all_plain = msgspec.json.Decoder(list[Plain], float_hook=_decimal).decode
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_SCALARS = frozenset({str, int, bool, type(None)})
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Body(Sequence[Any]):
    """The events of a request, for `read`; `written` tells how each was sent."""

    def __init__(self, body: bytes, events: Sequence[Any]) -> None:
        self._body, self._events = body, events
        self._written: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._events)

    def __getitem__(self, place: Any) -> Any:
        return self._events[place]

    def written(self, place: int) -> Any:
        """An event as it was written, or loaded where that is not to be had."""
        if self._written is None:
            self._written = _as_written(self._body, self._events)
        return self._written[place]


class _Joined(Sequence[Any]):
    """The events of several bodies, one body after the other."""

    def __init__(self, parts: Sequence[Body]) -> None:
        self._places = [(part, place) for part in parts for place in range(len(part))]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        part, within = self._places[place]
        return part[within]

    def written(self, place: int) -> Any:
        """An event as it was written."""
        part, within = self._places[place]
        return part.written(within)


def joined(parts: Sequence[Body]) -> Sequence[Any]:
    """Several bodies as one, in their order."""
    return parts[0] if len(parts) == 1 else _Joined(parts)


def split(body: bytes) -> Body:
    """The events of a body, one or an array of them. Raises EventRefused `not_json` or `too_deep`."""
    many = body.lstrip()[:1] == b"["
    if b"\\" not in body:
        try:
            return Body(body, _all_plain(body) if many else [_plain(body)])
        except _UNREADABLE:
            pass  # one of them is not plain, or nothing is JSON
    if many:
        try:
            return Body(body, _split(body))
        except _UNREADABLE:
            pass
    loaded = load(body)
    return Body(body, loaded if isinstance(loaded, list) else [loaded])


def _as_written(body: bytes, events: Sequence[Any]) -> Sequence[Any]:
    if events and isinstance(events[0], Plain):
        return _split(body) if body.lstrip()[:1] == b"[" else [msgspec.Raw(body)]
    return events


def load(body: bytes) -> Any:
    """The JSON of a body, with exact decimals. Raises EventRefused `not_json` or `too_deep`.

    What is not plain JSON is read once more by the slower parser, which knows what a single event may have wrong.
    """
    try:
        return _quick(body)
    except _UNREADABLE:
        return _load_slowly(body)


def _load_slowly(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        return json.loads(text, parse_float=Decimal, parse_int=_integer, parse_constant=NotJson)
    except RecursionError:
        raise EventRefused("too_deep") from None
    except ValueError:
        raise EventRefused("not_json") from None


def read(raw: object, *, now: datetime) -> Envelope:
    """One event of a request, as split or loaded. An absent `time` means now. Raises EventRefused."""
    if isinstance(raw, Plain):
        return sealed(raw, now)
    if isinstance(raw, BadEvent):
        raise EventRefused(raw.code, raw.message, **raw.params)
    if isinstance(raw, msgspec.Raw):
        raw = _looked_at(bytes(raw))
    if isinstance(raw, Plain):
        return sealed(raw, now)
    if not isinstance(raw, dict):
        raise EventRefused("malformed", "每条事件须是一个 JSON 对象。")
    id, source, version, type, subject = (_attribute(raw, name) for name in _REQUIRED)
    if version != "1.0":
        raise EventRefused("malformed", "specversion 须是 \"1.0\"。")
    time = raw.get("time")
    if not isinstance(time, str | None):
        time = ""
    return sealed(Plain(id, source, "1.0", type, subject, time, _data(raw)), now)


def label(name: str, value: object) -> str:
    """One attribute, as `read` takes it. Raises EventRefused."""
    return _attribute({name: value}, name)


def canonical(data: object) -> tuple[dict[str, Any], bytes]:
    """An event's data as it is stored, and as canonical JSON. Raises EventRefused."""
    cleaned = _data({"data": data})
    return cleaned, _canonical(cleaned)


def _looked_at(written: bytes) -> Any:
    """One event of a body in which not all are plain."""
    if b"\\" not in written:
        try:
            return _plain(written)
        except _UNREADABLE:
            pass
    return load(written)


def sealed(plain: Plain, now: datetime) -> Envelope:
    """The event that nothing in its form speaks against. Raises EventRefused for its time and its data."""
    at, told = (now, "") if plain.time is None else _instant(plain.time)
    data = plain.data or {}
    for name, value in data.items():
        if value.__class__ not in _SCALARS:
            data[name] = _clean(value, DEPTH_LIMIT - 1)
    written = _canonical(data)
    if len(written) > DATA_LIMIT:
        raise EventRefused("too_long", "一条事件最多 64 KB。")
    # No attribute holds a NUL, so no two events are written alike.
    digest = digest_of(f"{plain.type}\0{plain.subject}\0{told}\0".encode() + written)
    return Envelope(plain.id, plain.source, plain.type, plain.subject, at, data, written, digest)


def outline(raw: object) -> tuple[str, str]:
    """The id and the source of an event that may be broken, as far as they can be stored."""
    if isinstance(raw, BadEvent):
        return _storable(raw.id), _storable(raw.source)
    if isinstance(raw, Plain):
        return raw.id, raw.source
    raw = _loaded(raw)
    if not isinstance(raw, dict):
        return "", ""
    id, source = (raw.get(name) for name in ("id", "source"))
    return _storable(id), _storable(source)


def excerpt(raw: object, limit: int = 2000) -> str:
    """A broken event as text for the log, cut to `limit` characters."""
    if isinstance(raw, msgspec.Raw):
        return _cut(bytes(raw), limit)
    try:
        text = json.dumps(raw, ensure_ascii=False, default=_written)
    except (RecursionError, ValueError):
        text = "…"
    return _printable(text[:limit])


def _cut(written: bytes, limit: int) -> str:
    try:
        text = written.decode()[:limit]
    except UnicodeDecodeError:
        text = written.decode("utf-8", "replace")[:limit]
    return text.replace("\0", "�")


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= INT_DIGITS else Decimal(digits)


def _attribute(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is None or value == "":
        raise EventRefused("missing_attribute", "缺少 %(name)s。", name=name)
    if not isinstance(value, str):
        raise EventRefused("malformed", "%(name)s 须是文字。", name=name)
    if len(value) > TEXT_LIMIT:
        raise EventRefused("too_long", "%(name)s 最多 255 个字符。", name=name)
    return _text(value)


def _loaded(raw: object) -> object:
    try:
        return load(bytes(raw)) if isinstance(raw, msgspec.Raw) else raw
    except EventRefused:
        return None


@lru_cache(maxsize=16384)
def _instant(value: str) -> tuple[datetime, str]:
    """A time in UTC, and as it stands in the digest."""
    if not _RFC3339.fullmatch(value):
        raise EventRefused("malformed", "time 须写成 2026-10-01T08:30:00+08:00 的样子。")
    try:
        at = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise EventRefused("malformed", "time 不是一个存在的时间。") from None
    return at, at.isoformat()


def _data(raw: dict[str, Any]) -> dict[str, Any]:
    if "data_base64" in raw:
        raise EventRefused("malformed", "data 须是 JSON 对象，不能是 data_base64。")
    data = raw.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise EventRefused("malformed", "data 须是 JSON 对象。")
    cleaned: dict[str, Any] = _clean(data, DEPTH_LIMIT)
    return cleaned


def _clean(value: Any, depth: int) -> Any:
    """The value as both databases can store it, or a refusal."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict | list):
        if not depth:
            raise EventRefused("too_deep")
        if isinstance(value, list):
            return [_clean(each, depth - 1) for each in value]
        return {_text(key): _clean(each, depth - 1) for key, each in value.items()}
    if isinstance(value, NotJson):
        raise EventRefused("not_a_number", "%(value)s 不是数字。", value=value.token)
    return value


def _text(value: str) -> str:
    """PostgreSQL stores neither NUL nor half of a surrogate pair."""
    if "\0" in value or not (value.isascii() or _printable(value) == value):
        raise EventRefused("malformed", "文字里有不能保存的字符。")
    return value


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")


def _storable(value: object) -> str:
    return _printable(value[:TEXT_LIMIT]) if isinstance(value, str) else ""


def _written(value: object) -> str:
    return value.token if isinstance(value, NotJson) else str(value)
