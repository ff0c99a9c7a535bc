"""Logs: one structured line per event, with the id of the request, and never a secret."""

import logging
import re
import secrets
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

SECRET = re.compile(r"password|secret|token|authorization|cookie|credential|api_key", re.IGNORECASE)
GIVEN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
HIDDEN = "[hidden]"
#: What is secret wherever it stands in a line. The first group, such as a key's readable beginning, may stay.
SECRETS = re.compile(
    r"(mk_(?:test_)?[0-9a-f]{8}_)[\w-]{16,}"  # keys for machines
    r"|((?:Bearer|Basic) )(?!mk_)[\w.~+/=-]+"
    r"|((?:session|remember|device)=)[^;\s\"']+"  # cookies
    r"|(whsec_|sk_live_|sk_test_)[\w+/=]+"
    r"|(://)[^/@\s:]+:[^/@\s]+(?=@)"  # passwords in addresses of databases and mail servers
    r"|()gAAAA[\w=-]{40,}"  # what the cipher wrote
    # Random words, such as those of links that set a password: long, and of all kinds of letters.
    r"|()(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*[0-9])[\w-]{40,}"
)
#: Requests that would only fill the log: files, and the supervisor asking whether we are well.
QUIET = {"static", "storefront.health.show"}

log = structlog.get_logger("market.web")


def configure(form: str = "console") -> None:
    """Write to stderr, as JSON lines or for people to read. Safe to call twice."""
    last = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
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
        steps.append(ExceptionRenderer(ExceptionDictTransformer(show_locals=False)))
    structlog.configure(
        # The line is looked at once more as it will be written: an exception may quote what nobody named.
        processors=[*steps, lambda logger, name, event: scrubbed(last(logger, name, event))],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def hide_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace every value whose key sounds like a secret, at any depth."""
    for key in event:
        event[key] = HIDDEN if SECRET.search(key) else _cleaned(event[key])
    return event


def scrubbed(line: str | bytes) -> str:
    """A line without anything that opens a door."""
    text = line.decode() if isinstance(line, bytes) else line
    return SECRETS.sub(lambda found: next((group for group in found.groups() if group is not None), "") + HIDDEN, text)


def init_app(app: Flask) -> None:
    """Give each request an id, say it in the answer, and write one line when it ends."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(lambda _error: structlog.contextvars.clear_contextvars())


def request_id() -> str:
    """The id of this request: the caller's if it gave a decent one, else ours."""
    if "request_id" not in g:
        g.request_id = id_of(request.headers.get("X-Request-Id", ""))
    return str(g.request_id)


def id_of(given: str) -> str:
    """The id of a request whose caller gave this one."""
    return given if GIVEN_ID.fullmatch(given) else secrets.token_hex(6)


def path() -> str:
    """The address as it may be written down: without the words that open something."""
    written = request.path
    for name, value in (request.view_args or {}).items():
        if SECRET.search(name):
            written = written.replace(str(value), HIDDEN)
    # Nobody's address may begin a line of its own, or tell the terminal of whoever reads the log what to do.
    return scrubbed("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in written))


def begin(started: float) -> None:
    """The request in hand began then; from here on each line has its id."""
    g.started = started
    structlog.contextvars.bind_contextvars(request_id=request_id())


def say(method: str, path: str, status: int, started: float, **more: str) -> None:
    """The line of a request that has ended."""
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    log.info("request", method=method, path=path, status=status, milliseconds=milliseconds, **more)


def _begin() -> None:
    begin(time.perf_counter())


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    if request.endpoint not in QUIET:
        # The query string stays out: it may hold what somebody searched for or was sent as a link.
        say(request.method, path(), response.status_code, g.get("started", time.perf_counter()))
    return response


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if SECRET.search(str(key)) else _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value
