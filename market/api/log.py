"""GET /api/v1/events: what was counted and what was refused, event by event."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from market import db, metering
from market.api import door
from market.api.answers import answer, instant
from market.api.asking import EARLIEST, LATEST, Arguments, Query
from market.api.door import Problem, require
from market.api.meters import SUBJECT, party
from market.api.paging import SIZE
from market.kit.period import SHANGHAI, Period
from market.metering import Kind, RefusedEvent, UsageEvent

bp = APIBlueprint(
    "log", __name__, abp_tags=[Tag(name="Usage", description="Reporting what was used.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip


class Status(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class LogQuery(Query):
    """Which events. Everything is read by `asking`, which says what is wrong in words."""

    status: str | None = Field(
        None, description="Default: accepted. Refused ones are the provider's only.", json_schema_extra={"enum": [*Status]}
    )
    start: str | None = Field(
        None, alias="from", description="A time with its zone, or a day in Guangdong: of the use; of a refused event when it came."
    )
    to: str | None = Field(None, description="Not included.")
    type: str | None = Field(None, description="The event type. Not for refused events, which may not have a readable one.")
    subject: list[str] | None = Field(None, description="Subscriptions. Not for refused events.")
    id: str | None = Field(None, description="The event's id.")
    source: str | None = Field(None, description="With `id`: its source, where no key was made for it.")
    cursor: Any = Field(None, description="Take it from the `next` link.", json_schema_extra={"type": "integer"})


class LoggedEvent(BaseModel):
    """An event and what became of it."""

    status: Status
    event: dict[str, Any] = Field(description="As a CloudEvent; of a refused one what could be read.")
    storedAt: str = Field(description="When it came, of a refused one the last time.")
    band: str | None = Field(None, description="on_time, late or very_late: which bill it is on.")
    kind: str | None = Field(None, description="usage, reversal or replacement.")
    corrects: str | None = Field(None, description="Of a reversal or replacement: the id of the event that it takes back.")
    code: str | None = Field(None, description="Why it was refused; stable.")
    message: str | None = None
    times: int | None = Field(None, description="How often it was refused.")
    body: str | None = Field(None, description="A refused event as sent, at most 2,000 characters.")


class Log(BaseModel):
    """A page of the log."""

    data: list[LoggedEvent]


@bp.get(
    "/events",
    summary="List events",
    description=(
        "100 a page, newest first: a provider's whole log in the order of arrival; with `subject`, and a buyer's always, "
        "in the order of use. Follow the `next` link while there is one, also from a page with few events. Providers "
        "see what they reported and what was refused, buyers what was counted for them."
    ),
    responses={200: Log, 409: Problem, 422: Problem},
)
@require("usage:read")
def index(query: LogQuery) -> Response:
    """The log of whoever asks."""
    arguments = Arguments()
    status = arguments.one_of("status", Status) or Status.ACCEPTED
    if status is Status.REFUSED:
        return _refused(arguments)
    return _accepted(arguments)


def _accepted(arguments: Arguments) -> Response:
    names, type, event_id = arguments.texts(SUBJECT), arguments.text("type"), arguments.text("id")
    source, after, period = arguments.text("source"), arguments.number("cursor"), _period(arguments)
    arguments.finish()
    chosen = list(metering.subjects_for(party(), names)) if names else None
    found = metering.history(
        party(), subscription_ids=chosen, type=type, event_id=event_id, source=source, period=period, after=after, size=SIZE
    )
    subjects = metering.subscription_names(found.events)
    corrected = metering.corrected(found.events)
    return _page([_event(event, subjects[event.subscription_id], corrected) for event in found.events], found.more)


def _refused(arguments: Arguments) -> Response:
    """Newest first by their last arrival's row; only who sent them sees them."""
    event_id, after, period = arguments.text("id"), arguments.number("cursor"), _period(arguments)
    for name in (SUBJECT, "type", "source"):
        if arguments.texts(name):
            arguments.wrong(name, "没有计入的事件按收到的原样保存，不能按这一项查。")
    if not door.sells():
        arguments.wrong("status", "没有计入的事件只有服务商能看到，它们没有算进您的用量。")
    arguments.finish()
    query = metering.refused_of(door.provider())
    if period:
        query = query.where(RefusedEvent.received_at >= period.start, RefusedEvent.received_at < period.end)
    if event_id:
        query = query.where(RefusedEvent.event_id == event_id)
    if after:
        query = query.where(RefusedEvent.id < after)
    rows = db.session.scalars(query.limit(SIZE + 1)).all()
    return _page([_lost(row) for row in rows[:SIZE]], rows[SIZE - 1].id if len(rows) > SIZE else None)


def _period(arguments: Arguments) -> Period | None:
    start, end = arguments.instant("from", SHANGHAI), arguments.instant("to", SHANGHAI)
    if start is None and end is None:
        return None
    if not (start or EARLIEST) < (end or LATEST):
        arguments.wrong("from", "from 须早于 to。")
        return None
    return Period(start or EARLIEST, end or LATEST)


def _page(rows: list[dict[str, Any]], more: int | None) -> Response:
    response = answer({"data": rows})
    if more:
        arguments: dict[str, Any] = {**request.args.to_dict(flat=False), "cursor": more}
        response.headers["Link"] = f'<{url_for(str(request.endpoint), _external=True, **arguments)}>; rel="next"'
    return response


def _event(event: UsageEvent, subject: str, corrected: dict[int, str]) -> dict[str, Any]:
    return {
        "status": Status.ACCEPTED,
        "event": {
            "specversion": "1.0", "id": event.event_id, "source": event.source, "type": event.type,
            "subject": subject, "time": instant(event.at), "data": event.data,
        },
        "storedAt": instant(event.stored_at),
        "band": event.band.value,
        "kind": event.kind.value,
        "corrects": None if event.corrects is None or event.kind is Kind.USAGE else corrected.get(event.corrects),
    }  # fmt: skip


def _lost(row: RefusedEvent) -> dict[str, Any]:
    return {
        "status": Status.REFUSED,
        "event": {"id": row.event_id, "source": row.source},
        "storedAt": instant(row.received_at),
        "code": row.code,
        "message": _reason(row),
        "times": row.times,
        "body": row.body,
    }


def _reason(row: RefusedEvent) -> str:
    text, params = metering.retold(row)
    return _(text, **params) if params else _(text)
