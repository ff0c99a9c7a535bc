"""POST /api/v1/events: usage in, as CloudEvents 1.0."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from flask import Response, current_app, g, request
from flask_babel import gettext as _
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from market import billing, metering, resources
from market.api import bodies, door
from market.api.asking import Query
from market.api.door import Problem, require
from market.api.limits import Turns
from market.metering import Outcome, Verdict
from market.web import transactions
from market.web.errors import problem, translate

bp = APIBlueprint(
    "events", __name__, abp_tags=[Tag(name="Usage", description="Reporting what was used.")],
    abp_security=[{"key": []}],
)  # fmt: skip


#: Two keep database and server both busy; more only get into each other's way at the counters.
turns = Turns(together=2)


class EventsQuery(Query):
    """How to take the events."""

    dry_run: bool = Field(False, description="Judge every event and store nothing.")


class EventVerdict(BaseModel):
    """What became of one event."""

    id: str
    source: str
    status: Outcome
    code: str | None = Field(None, description="Why it was not counted; stable.")
    message: str | None = None
    first: dict[str, Any] | None = Field(None, description="Of a duplicate or conflict: the event that came first.")


class Verdicts(BaseModel):
    """One verdict per event, in the order sent."""

    accepted: int
    duplicate: int
    conflict: int
    refused: int
    events: list[EventVerdict]


class _Told(msgspec.Struct, omit_defaults=True, gc=False):
    """An `EventVerdict` on its way out; there may be thousands."""

    id: str
    source: str
    status: str
    code: str = ""
    message: str = ""
    first: dict[str, Any] | None = None


class CloudEvent(BaseModel):
    """A CloudEvents 1.0 event; its type is a meter's event type, its subject a subscription."""

    specversion: str = Field(examples=["1.0"])
    id: str = Field(description="Unique within the source for ever: send again with the same id.", examples=["req-0001"])
    source: str = Field(description="The source of the key.")
    type: str = Field(examples=["storage.requests"])
    subject: str = Field(examples=["sub_…"])
    time: str | None = Field(None, description="RFC 3339; absent means now.")
    data: dict[str, Any] | None = Field(None, examples=[{"count": 3}])


_SHAPE = {"$ref": "#/components/schemas/CloudEvent"}
_BATCH = {"type": "array", "items": _SHAPE, "maxItems": bodies.MOST_EVENTS}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": _SHAPE},
            "application/cloudevents-batch+json": {"schema": _BATCH},
            "application/json": {"schema": {"anyOf": [_SHAPE, _BATCH]}},
        },
    }
}
bp.components_schemas["CloudEvent"] = CloudEvent.model_json_schema()


@bp.post(
    "/events",
    summary="Report usage",
    description=(
        "One event or up to 5,000 (5 MB). Every event gets its own verdict; what is accepted stays accepted, and "
        "sending anything again under the same id is harmless. With `Accept: application/json` the answer is 200 "
        "with the verdicts. Otherwise it is 204 when every event is counted, and 400 with all verdicts when one is not. "
        "What a test key sends is judged like this and not kept."
    ),
    responses={200: Verdicts, 204: None, 400: Problem, 401: Problem, 403: Problem, 413: Problem, 415: Problem, 429: Problem},
    openapi_extensions=_BODY,
)
@require("events:write")
def create(query: EventsQuery) -> Response:
    """Take events in; durable once answered."""
    body, dry_run = bodies.read(), query.dry_run or g.test_mode
    try:
        events = bodies.events(body)
    except bodies.NotJson as refusal:
        return _unreadable(refusal, body, dry_run)
    reporter, verbose = door.reporter(), wants_verdicts(request.headers.get("Accept", ""))
    g.turn = turns.take(reporter.id)
    verdicts = metering.ingest(
        reporter, g.api_key.source, events,
        now=resources.clock.now(), closed_until=billing.closed_until, dry_run=dry_run,
        receipts=verbose,
    )  # fmt: skip
    if not dry_run:
        current_app.extensions["lane"].remember(g.api_key, reporter)
    return answered(verdicts, verbose=verbose)


@bp.teardown_request
def _next_turn(_error: BaseException | None) -> None:
    """The transaction is over, however it ended."""
    if turn := g.pop("turn", None):
        turn.release()


def _unreadable(refusal: bodies.NotJson, body: bytes, dry_run: bool) -> Response:
    """Nothing in it can be judged, but the provider's event log shows that something came."""
    told = metering.BadEvent(refusal.code, body[:2000].decode("utf-8", "replace").replace("\0", "�"))
    metering.ingest(
        door.reporter(), g.api_key.source, [told],
        now=resources.clock.now(), closed_until=billing.closed_until, dry_run=dry_run,
    )  # fmt: skip
    transactions.keep()
    return problem(refusal.status, refusal.code, _("有事件没有计入"), translate(refusal))


def answered(verdicts: metering.Verdicts, *, verbose: bool) -> Response:
    """What a report is told; what was accepted of it is committed whatever it is told."""
    if verbose:
        return Response(msgspec.json.encode(_body(verdicts), enc_hook=str), mimetype="application/json")
    lost = verdicts.lost
    if not lost:
        return Response(status=204)
    transactions.keep()
    detail = _("%(lost)s 条事件没有计入，共 %(total)s 条。其余的已经计入；改好以后可以整批重发。", lost=len(lost), total=len(verdicts))
    return problem(400, "events_refused", _("有事件没有计入"), detail, **_body(verdicts))


def wants_verdicts(accepted: str) -> bool:
    """A client that can read verdicts says so by name; `*/*` reads only the status."""
    return any(kind == "application/json" and quality > 0 for kind, quality in parse_accept_header(accepted, MIMEAccept))


def _body(verdicts: metering.Verdicts) -> dict[str, Any]:
    told = verdicts.each(_accepted, partial(_verdict, words={}))
    counts = verdicts.counts()
    return {**{outcome.value: counts[outcome] for outcome in Outcome}, "events": told}


def _accepted(id: str, source: str) -> _Told:
    return _Told(id, source, "accepted")


def _verdict(verdict: Verdict, words: dict[tuple[str, str], str]) -> _Told:
    """One of them; `words` remembers what was translated for others, as many events of a batch have the same fault."""
    told = _Told(verdict.id, verdict.source, verdict.outcome.value, verdict.code)
    if verdict.code:
        said = verdict.message, str(verdict.params) if verdict.params else ""
        if said not in words:
            words[said] = _(verdict.message, **verdict.params)
        told.message = words[said]
    if first := verdict.first:
        told.first = {
            "stored_at": first.stored_at.isoformat(), "type": first.type, "subject": first.subject,
            "time": first.at.isoformat(), "data": first.data,
        }  # fmt: skip
    return told
