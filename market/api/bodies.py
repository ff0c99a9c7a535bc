"""Reading a request's body: how much of it, in which encoding, and how CloudEvents travel over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from market import metering
from market.errors import MarketError

Loaded = TypeVar("Loaded")

MOST_BYTES = 5 * 1024 * 1024
MOST_EVENTS = 5000
#: A client that is still sending does not hear the answer, so an oversized body is read to here and dropped.
PATIENCE = 64 * 1024 * 1024

STRUCTURED = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json")
_ATTRIBUTES = ("id", "source", "specversion", "type", "subject", "time")


class TooLarge(MarketError):
    """More than one request may carry."""

    status, code = 413, "too_large"
    message = "一次最多 %(events)s 条事件、%(megabytes)s MB。请分几次发送；用同一编号重发不会重复计费。"

    def __init__(self) -> None:
        super().__init__(events=f"{MOST_EVENTS:,}", megabytes=MOST_BYTES // 1024**2)


class Unsupported(MarketError):
    """A body in a form that is not taken."""

    status, code = 415, "unsupported_media_type"
    message = "请把 Content-Type 写成 application/cloudevents+json、application/cloudevents-batch+json 或 application/json，内容不要压缩。"


class NotJson(MarketError):
    """The body is no JSON."""

    status, code = 400, "not_json"
    message = "内容不是 UTF-8 编码的 JSON，读不出来。"


class TooDeep(NotJson):
    """JSON nested beyond reason."""

    code = "too_deep"
    message = "内容嵌套太深，最多 8 层。"


def read() -> bytes:
    """The body. Raises TooLarge, Unsupported."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unsupported
    request.max_content_length = MOST_BYTES + 1  # a body without a stated length is cut there
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        body = b""
    except ClientDisconnected:
        raise NotJson("请求没有发完。") from None
    if len(body) > MOST_BYTES or (request.content_length or 0) > MOST_BYTES:
        _drain()
        raise TooLarge
    return body


def json_of(body: bytes) -> Any:
    """The JSON in a body, decimals exact. Raises NotJson, TooDeep."""
    return _loaded(metering.load, body)


def _loaded(load: Callable[[bytes], Loaded], body: bytes) -> Loaded:
    try:
        return load(body)
    except metering.EventRefused as refusal:
        raise (TooDeep if refusal.code == "too_deep" else NotJson) from None


def events(body: bytes) -> Sequence[Any]:
    """The events of a request in structured, batch or binary mode. Raises Unsupported, NotJson, TooLarge."""
    if "ce-specversion" in request.headers or "ce-id" in request.headers:
        return [_binary(body)]
    if request.mimetype not in STRUCTURED:
        raise Unsupported
    found = _loaded(metering.split, body)
    if len(found) > MOST_EVENTS:
        raise TooLarge
    return found


def _binary(body: bytes) -> dict[str, Any]:
    """Attributes in headers, percent-encoded where they are not ASCII; the body is `data`."""
    if body and request.mimetype not in ("application/json", ""):
        raise Unsupported
    headers = {name: request.headers.get(f"ce-{name}") for name in _ATTRIBUTES}
    event: dict[str, Any] = {name: unquote(value) for name, value in headers.items() if value is not None}
    if body:
        event["data"] = json_of(body)
    return event


def _drain() -> None:
    stream, left = request.environ["wsgi.input"], PATIENCE
    left = min(left, request.content_length or left)
    while left > 0:
        chunk = stream.read(min(left, 256 * 1024))
        if not chunk:
            return
        left -= len(chunk)
