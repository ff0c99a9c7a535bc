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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from hashlib import sha256
from itertools import chain
from typing import Any, NamedTuple

import structlog
from babel import Locale
from flask import Flask, Response, g
from flask_babel import force_locale, get_locale

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
#: How long those who wait for each other's reports do so, where a transaction takes five milliseconds.
PATIENCE_SECONDS = 0.002
#: How many keys are remembered, and how many manners of answering; these depend on a header that anybody may write.
MOST_KEYS, MOST_MANNERS = 10_000, 500
#: Who sends known events among new ones is likely to go on doing so for some transactions.
WARY = 20
#: Of how many subscriptions a provider's firms are remembered.
MOST_FIRMS = 50_000

_PATH, _SCOPE = "/api/v1/events", "events:write"
#: A request with one of these is not usual.
_UNUSUAL = (
    "HTTP_COOKIE", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_CE_ID", "HTTP_CE_SPECVERSION", "HTTP_EXPECT",
)  # fmt: skip
#: Headers that are each answer's own.
_OF_EACH = ("Content-Length", "X-Request-Id")
#: What two parties sum up to in a day, or how many slices there are, depends on what is written together.
_SHARED = frozenset({"too_large", "too_many_slices"})

log = structlog.get_logger("market.web")


class Report(Wish):
    """One request, from its reading to its answer."""

    __slots__ = ("digest", "events", "legible", "prefix", "started", "verbose", "verdicts")

    def __init__(
        self, prefix: str, digest: str, events: metering.Body, legible: Sequence[metering.Legible], *, verbose: bool, started: float
    ) -> None:
        super().__init__(len(events))
        self.prefix, self.digest, self.events, self.legible = prefix, digest, events, legible
        self.verbose, self.started = verbose, started
        #: None when Flask has to see to it.
        self.verdicts: Verdicts | None = None


class _Way(Enum):
    """How a transaction is gone about."""

    #: As if all were new.
    HOPEFUL = 1
    #: Asking first which are known.
    KNOWING = 2
    #: Whatever comes.
    ONE_BY_ONE = 3


class _Apart(Exception):
    """One report's verdict may depend on another one written with it."""


class Party:
    """Who reports under one source: everything that is written together is theirs."""

    def __init__(self, provider_id: int, organization_id: int, source: str) -> None:
        self._reporter, self._organization_id, self._source = Reporting(provider_id), organization_id, source
        #: So many transactions are still to be made without hope that everything is new.
        self._wary = 0
        #: The firms of subscriptions that were reported for.
        self._firms: dict[str, int] = {}
        # SQLite has one writer at a time: a second one would only keep asking for the lock.
        abreast, most, patience = (ABREAST, MOST_TOGETHER, PATIENCE_SECONDS) if db.on_postgresql() else (1, MOST_ON_SQLITE, 0)
        self.together = Together(self.take_in, abreast=abreast, worth=WORTH, most=most, patience=patience)

    def read(self, events: metering.Body) -> Sequence[metering.Legible]:
        """What can be told of events by the thread they came to, while another one waits for the database."""
        return metering.read(self._reporter, self._source, events, now=resources.clock.now())

    def take_in(self, reports: Sequence[Report]) -> None:
        """Verdicts for those whose key still works; all others, and all when anything fails, are left to Flask."""
        judged: list[tuple[Report, Verdicts]] | None = None
        try:
            for way in self._ways(reports):
                with db.plain_transaction():
                    judged = self._judged(reports, way)
                if judged is not None:
                    break
        except _Apart:
            return
        except Exception as trouble:
            self._wary = WARY  # perhaps the same events came in twice at one moment
            log.warning("events_apart", reports=len(reports), reason=type(trouble).__name__)
            return
        for report, verdicts in judged or []:
            report.verdicts = verdicts
            if not verdicts.all_new:
                self._wary = WARY

    def _ways(self, reports: Sequence[Report]) -> Sequence[_Way]:
        """How to try it: what is likely to be new is stored and committed in one go, which PostgreSQL does."""
        if not db.on_postgresql():
            return [_Way.ONE_BY_ONE]
        wary, self._wary = self._wary, max(0, self._wary - 1)
        if not wary:
            return [_Way.HOPEFUL, _Way.ONE_BY_ONE]
        # Who wants to be told of the known ones is told of what came first, too.
        return [_Way.ONE_BY_ONE] if any(report.verbose for report in reports) else [_Way.KNOWING, _Way.ONE_BY_ONE]

    def _judged(self, reports: Sequence[Report], way: _Way) -> list[tuple[Report, Verdicts]] | None:
        """The verdicts of those who are let in; None where that was wrong, and nothing is written."""
        now = resources.clock.now()
        statements.plan_once()
        # Asked for together: whose keys these are, and what the events need.
        holders = accounts.ask_holders([(report.prefix, report.digest) for report in reports], at=now)
        intake, closed_until = self._intake(reports, now, way)
        let_in = [report for report, holder in zip(reports, holders(), strict=True) if holder and self._lets_in(holder, now)]
        if not let_in:
            return []
        if len(let_in) < len(reports):
            intake, closed_until = self._intake(let_in, now, way)
        receipts = any(report.verbose for report in let_in)
        try:
            verdicts = metering.take_in(intake, closed_until=closed_until, receipts=receipts, hopeful=way is _Way.HOPEFUL)
        except metering.Disappointed:
            self._wary = WARY
            return None
        if len(let_in) == 1:
            return [(let_in[0], verdicts)]
        if way is _Way.ONE_BY_ONE and any(verdict.code in _SHARED for _, verdict in verdicts.lost):
            raise _Apart
        return [*zip(let_in, verdicts.parts([report.size for report in let_in]), strict=True)]

    def _intake(self, reports: Sequence[Report], now: datetime, way: _Way) -> tuple[metering.Intake, metering.ClosedUntil]:
        """Their events, while what they need is asked for; and how far bills reach, asked with it as far as firms are known."""
        events = metering.joined([report.events for report in reports])
        legible = chain.from_iterable(report.legible for report in reports)
        intake = metering.Intake(
            self._reporter, self._source, events, legible, now=now, knowing=way is _Way.KNOWING, hopeful=way is _Way.HOPEFUL
        )
        firms = {firm for _, subject in intake.groups if (firm := self._firms.get(subject)) is not None}
        told = billing.ask_closed_until(firms) if firms else dict

        def closed_until(organization_ids: Collection[int]) -> Mapping[int, metering.Billed]:
            self._remember(intake)
            foreseen = intake.asked.held_at_once and firms.issuperset(organization_ids)
            return told() if foreseen else billing.closed_until(organization_ids)

        return intake, closed_until

    def _remember(self, intake: metering.Intake) -> None:
        """Whose subscriptions these are; that does not change."""
        if len(self._firms) > MOST_FIRMS:
            self._firms.clear()
        self._firms.update({name: subject.organization_id for name, subject in intake.asked.subjects.items()})

    def _lets_in(self, holder: Holder, now: datetime) -> bool:
        """Whether a key that works is nothing special: it may report, for real, and was written down as used just now."""
        return (
            holder.organization_id == self._organization_id and holder.source == self._source and not holder.test
            and holder.kind is OrganizationKind.PROVIDER and _SCOPE in holder.scopes
            and holder.last_used_at is not None and now - holder.last_used_at < accounts.USED_PRECISION
            and not door.limiter.take(holder.prefix)
        )  # fmt: skip


class _Manner(NamedTuple):
    """How Flask has answered once: what is left to say is the body, in the same language."""

    status: str
    headers: list[tuple[str, str]]
    locale: Locale

    def body(self, app: Flask, request_id: str, verdicts: Verdicts, *, verbose: bool) -> bytes:
        """What `verdicts` come to."""
        if self.status.startswith("204"):
            return b""
        with app.app_context(), force_locale(self.locale):
            g.request_id = request_id
            return events.answered(verdicts, verbose=verbose).get_data()


class Lane:
    """The WSGI application in front of Flask's."""

    def __init__(self, app: Flask) -> None:
        self._app, self._onward = app, app.wsgi_app
        #: By the beginning of a key: for whom it reported last. Only says with whom to wait; the key is looked up.
        self._parties: dict[str, Party] = {}
        self._known: dict[tuple[int, int, str], Party] = {}
        #: By what they depend on: how answers were given by Flask, with all its hooks.
        self._manners: dict[tuple[str, str, bool, bool], _Manner] = {}

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
        report = _read(environ, party, began)
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
        """What it is told, once Flask has told the like; all of it is committed."""
        asked = environ["wsgi.url_scheme"], environ.get("HTTP_ACCEPT_LANGUAGE", ""), report.verbose, bool(verdicts.lost)
        manner = self._manners.get(asked)
        if manner is None:
            if len(self._manners) >= MOST_MANNERS:
                self._manners.clear()
            return self._told_by_flask(environ, start, report, verdicts, asked)
        id = logs.id_of(environ.get("HTTP_X_REQUEST_ID", ""))
        body = manner.body(self._app, id, verdicts, verbose=report.verbose)
        length = [("Content-Length", str(len(body)))] if body else []
        start(manner.status, [*manner.headers, *length, ("X-Request-Id", id)])
        logs.say("POST", _PATH, int(manner.status[:3]), report.started, request_id=id)
        return (body,)

    def _told_by_flask(
        self, environ: Environ, start: Start, report: Report, verdicts: Verdicts, asked: tuple[str, str, bool, bool]
    ) -> Iterable[bytes]:
        """The answer in the asker's language with all headers."""
        with self._app.request_context(environ):
            logs.begin(report.started)
            response: Response = self._app.process_response(events.answered(verdicts, verbose=report.verbose))
            headers = [each for each in response.get_wsgi_headers(environ) if each[0] not in _OF_EACH]
            self._manners[asked] = _Manner(response.status, headers, get_locale())
            return response(environ, start)


def _read(environ: Environ, party: Party, began: float) -> Report | None:
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
    try:
        legible = party.read(found)
    except Exception as trouble:
        log.warning("events_apart", reports=1, reason=type(trouble).__name__)
        return None
    digest = sha256(secret.encode()).hexdigest()
    verbose = "json" in environ.get("HTTP_ACCEPT", "") and events.wants_verdicts(environ["HTTP_ACCEPT"])
    return Report(accounts.prefix_of(secret), digest, found, legible, verbose=verbose, started=began)


def init_app(app: Flask) -> None:
    """Put the lane in front of Flask; whoever believes proxies comes before it."""
    lane = Lane(app)
    app.extensions["lane"] = lane
    app.wsgi_app = lane  # type: ignore[method-assign, assignment]  # as Flask's documentation says
