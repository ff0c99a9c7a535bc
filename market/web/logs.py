"""Logs: one structured line per event, with the id of the request, and never a secret."""

import logging
import re
import secrets
import sys
import time
from io import StringIO
from typing import Any, TextIO

import structlog
from flask import Flask, Response, g, request
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, WrappedLogger

SECRET = re.compile(r"password|secret|token|authorization|cookie|credential|api_key", re.IGNORECASE)
GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
HIDDEN = "[hidden]"
#: A secret of an API key, wherever it stands in a text; its readable beginning may stay.
KEY = re.compile(r"(mk_(?:test_)?[0-9a-f]{8})_[A-Za-z0-9_-]{16,}")
#: Requests that would only fill the log: files, and the supervisor asking whether we are well.
QUIET = {"static", "storefront.health.show"}

log = structlog.get_logger("market.web")


def configure(form: str = "console") -> None:
    """Write to stderr, as JSON lines or for people to read. Safe to call twice."""
    last = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=_traceback
        )
    )
    steps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    if form == "json":
        # Local variables stay out of tracebacks: they may hold a password or a key.
        steps += [ExceptionRenderer(ExceptionDictTransformer(show_locals=False)), hide_secrets]
    structlog.configure(
        processors=[*steps, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace every value whose key sounds like a secret, and every API key's secret, at any depth."""
    for key in event:
        event[key] = HIDDEN if SECRET.search(key) else _cleaned(event[key])
    return event


def init_app(app: Flask) -> None:
    """Give each request an id, say it in the answer, and write one line when it ends."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(lambda _error: structlog.contextvars.clear_contextvars())


def request_id() -> str:
    """The id of this request: the caller's if it gave a decent one, else ours."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if GIVEN_ID.fullmatch(given) else secrets.token_hex(6)
    return str(g.request_id)


def _begin() -> None:
    g.started = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    if request.endpoint not in QUIET:
        # The query string stays out: it may hold what somebody searched for or was sent as a link.
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
        )
    return response


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if SECRET.search(str(key)) else _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return KEY.sub(rf"\1_{HIDDEN}", value) if isinstance(value, str) else value


def _traceback(out: TextIO, problem: ExcInfo) -> None:
    """A plain traceback; what an exception quotes may hold a key."""
    text = StringIO()
    structlog.dev.plain_traceback(text, problem)
    out.write(_cleaned(text.getvalue()))
