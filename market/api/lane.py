"""The lane of the usual report: POST /api/v1/events without Flask, several of one provider in one transaction.

Finding a route, a session, a language and a dozen hooks costs Flask more than a small report costs the database, and a
commit costs the same for one event as for a hundred. So the usual report is read here, its key and its events are
judged by the same code as everywhere, and those of one provider that arrive while another is being written are written
together with it. An answer leaves after the commit.

Whatever is not usual goes on to Flask untouched, where `events.create` does the same one by one: other media types, a
key that is unknown, stopped, for tests, or over its limit, a query, a cookie, a body that cannot be read, and every
trouble with the database. An event is stored once however often it is tried, so nothing is lost by trying again.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog
from flask import Flask, Response

from market import accounts, billing, db, metering, resources, statements
from market.accounts import Holder, OrganizationKind
from market.api import bodies, door, events
from market.api.door import Reporting
from market.api.together import Together, Wish
from market.metering import Verdicts
from market.web import logs, security

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

#: Written at once, counted in events: more would make those wait who came first. SQLite has no second writer to wait
#: for, and a page that several batches change is written once for all of them.
MOST_TOGETHER, MOST_ON_SQLITE = 1000, 2000
#: On PostgreSQL two keep database and server both busy; more only get into each other's way at the counters. A second
#: one is worth it when there is enough to do: of single events, one transaction with twice as many is cheaper. With 300
#: four connections with a hundred each mostly had one at work (1.05 cores busy where 200 has 1.35).
ABREAST, WORTH = 2, 200
#: How many keys are remembered.
MOST_KEYS = 10_000

_PATH, _SCOPE = "/api/v1/events", "events:write"
#: A request with one of these is not usual.
_UNUSUAL = (
    "HTTP_COOKIE", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_CE_ID", "HTTP_CE_SPECVERSION", "HTTP_EXPECT",
)  # fmt: skip
#: What two parties sum up to in a day, or how many slices there are, depends on what is written together.
_SHARED = frozenset({"too_large", "too_many_slices"})

log = structlog.get_logger("market.web")


class Report(Wish):
    """One request, from its reading to its answer."""

    __slots__ = ("digest", "events", "prefix", "started", "verbose", "verdicts")

    def __init__(self, prefix: str, digest: str, read: metering.Body, *, verbose: bool, started: float) -> None:
        super().__init__(len(read))
        self.prefix, self.digest, self.events = prefix, digest, read
        self.verbose, self.started = verbose, started
        #: None when Flask has to see to it.
        self.verdicts: Verdicts | None = None


class _Apart(Exception):
    """One report's verdict may depend on another one written with it."""


class Party:
    """Who reports under one source: everything that is written together is theirs."""

    def __init__(self, provider_id: int, organization_id: int, source: str) -> None:
        self._reporter, self._organization_id, self._source = Reporting(provider_id), organization_id, source
        # SQLite has one writer at a time: a second one would only keep asking for the lock.
        abreast, most = (ABREAST, MOST_TOGETHER) if db.on_postgresql() else (1, MOST_ON_SQLITE)
        self.together = Together(self.take_in, abreast=abreast, worth=WORTH, most=most)

    def take_in(self, reports: Sequence[Report]) -> None:
        """Verdicts for those whose key still works; all others, and all when anything fails, are left to Flask."""
        judged: list[tuple[Report, Verdicts]] = []
        try:
            with db.transaction():
                judged = self._judged(reports)
        except _Apart:
            return
        except Exception as trouble:
            log.warning("events_apart", reports=len(reports), reason=type(trouble).__name__)
            return
        for report, verdicts in judged:
            report.verdicts = verdicts

    def _judged(self, reports: Sequence[Report]) -> list[tuple[Report, Verdicts]]:
        now = resources.clock.now()
        statements.plan_once()
        # Asked for together: whose keys these are, and what the events need.
        holders = accounts.ask_holders([(report.prefix, report.digest) for report in reports], at=now)
        intake = self._intake(reports, now)
        let_in = [report for report, holder in zip(reports, holders(), strict=True) if holder and self._lets_in(holder, now)]
        if not let_in:
            return []
        if len(let_in) < len(reports):
            intake = self._intake(let_in, now)
        verdicts = metering.take_in(
            intake, closed_until=billing.closed_until, receipts=any(report.verbose for report in let_in)
        )  # fmt: skip
        if len(let_in) == 1:
            return [(let_in[0], verdicts)]
        if any(verdict.code in _SHARED for _, verdict in verdicts.lost):
            raise _Apart
        return [*zip(let_in, verdicts.parts([report.size for report in let_in]), strict=True)]

    def _intake(self, reports: Sequence[Report], now: datetime) -> metering.Intake:
        events = metering.joined([report.events for report in reports])
        return metering.Intake(self._reporter, self._source, events, now=now)

    def _lets_in(self, holder: Holder, now: datetime) -> bool:
        """Whether a key that works is nothing special: it may report, for real, and was written down as used just now."""
        return (
            holder.organization_id == self._organization_id and holder.source == self._source and not holder.test
            and holder.kind is OrganizationKind.PROVIDER and _SCOPE in holder.scopes
            and holder.last_used_at is not None and now - holder.last_used_at < accounts.USED_PRECISION
            and not door.limiter.take(holder.prefix)
        )  # fmt: skip


class Lane:
    """The WSGI application in front of Flask's."""

    def __init__(self, app: Flask) -> None:
        self._app, self._onward = app, app.wsgi_app
        #: By the beginning of a key: for whom it reported last. Only says with whom to wait; the key is looked up.
        self._parties: dict[str, Party] = {}
        self._known: dict[tuple[int, int, str], Party] = {}
        #: By scheme: the headers of an answer without a body, as Flask's hooks have made them once.
        self._headers: dict[str, list[tuple[str, str]]] = {}

    def remember(self, holder: Holder, reporter: Reporting) -> None:
        """A key has reported by way of Flask; from now on it may come this way."""
        if len(self._parties) >= MOST_KEYS:
            self._parties.clear()
            self._known.clear()
        name = reporter.id, holder.organization_id, holder.source
        self._parties[holder.prefix] = self._known.setdefault(name, Party(*name))

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer the usual report; let Flask answer everything else."""
        if environ["PATH_INFO"] != _PATH or environ["REQUEST_METHOD"] != "POST":
            return self._onward(environ, start)
        began = time.perf_counter()
        party = self._party(environ)
        if party is None:
            return self._onward(environ, start)
        report = _read(environ, began)
        if report is not None:
            party.together.have_done(report)
        if report is None or report.verdicts is None:
            return self._onward(environ, start)
        return self._answer(environ, start, report, report.verdicts)

    def _party(self, environ: Environ) -> Party | None:
        """Whose report this is, as far as it looks usual before its body is read."""
        said = environ.get("HTTP_AUTHORIZATION", "")
        party = self._parties.get(accounts.prefix_of(said[7:])) if said.startswith("Bearer ") else None
        usual = (
            party is not None and not environ["QUERY_STRING"] and not environ.get("SCRIPT_NAME")
            and environ.get("CONTENT_TYPE") in bodies.STRUCTURED
            and environ.get("CONTENT_LENGTH", "").isdecimal() and 0 < int(environ["CONTENT_LENGTH"]) <= bodies.MOST_BYTES
            and not any(name in environ for name in _UNUSUAL)
            and security.is_known_host(environ.get("HTTP_HOST", ""))
        )  # fmt: skip
        return party if usual else None

    def _answer(self, environ: Environ, start: Start, report: Report, verdicts: Verdicts) -> Iterable[bytes]:
        scheme = environ["wsgi.url_scheme"]
        brief = not report.verbose and not verdicts.lost
        if brief and (headers := self._headers.get(scheme)):
            id = logs.id_of(environ.get("HTTP_X_REQUEST_ID", ""))
            start("204 NO CONTENT", [*headers, ("X-Request-Id", id)])
            logs.say("POST", _PATH, 204, report.started, request_id=id)
            return ()
        return self._told_by_flask(environ, start, report, verdicts, brief=brief)

    def _told_by_flask(
        self, environ: Environ, start: Start, report: Report, verdicts: Verdicts, *, brief: bool
    ) -> Iterable[bytes]:
        """The answer in the asker's language with all headers; what it tells of is committed."""
        with self._app.request_context(environ):
            logs.begin(report.started)
            response: Response = self._app.process_response(events.answered(verdicts, verbose=report.verbose))
            if brief:
                headers = response.get_wsgi_headers(environ)
                self._headers[environ["wsgi.url_scheme"]] = [each for each in headers if each[0] != "X-Request-Id"]
            return response(environ, start)


def _read(environ: Environ, began: float) -> Report | None:
    """The report in a request; None when Flask has to look at it, for whom the body is put back."""
    length = int(environ["CONTENT_LENGTH"])
    try:
        body = environ["wsgi.input"].read(length)
    except OSError:
        body = b""
    environ["wsgi.input"] = io.BytesIO(body)
    if len(body) != length:
        return None
    try:
        found = metering.split(body)
    except metering.EventRefused:
        return None
    if not 0 < len(found) <= bodies.MOST_EVENTS:
        return None
    secret = environ["HTTP_AUTHORIZATION"][7:].strip()
    if not secret.isascii():
        return None
    digest = sha256(secret.encode()).hexdigest()
    verbose = "json" in environ.get("HTTP_ACCEPT", "") and events.wants_verdicts(environ["HTTP_ACCEPT"])
    return Report(accounts.prefix_of(secret), digest, found, verbose=verbose, started=began)


def init_app(app: Flask) -> None:
    """Put the lane in front of Flask; whoever believes proxies comes before it."""
    lane = Lane(app)
    app.extensions["lane"] = lane
    app.wsgi_app = lane  # type: ignore[method-assign, assignment]  # as Flask's documentation says
