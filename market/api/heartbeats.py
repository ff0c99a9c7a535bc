"""POST /api/v1/heartbeats: a provider's word that everything until an instant has been reported."""

from __future__ import annotations

from datetime import datetime

from flask import Response, g
from flask_openapi3 import APIBlueprint, Tag
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from market import resources
from market.api import bodies, door
from market.api.answers import answer, instant
from market.api.door import Problem, invalid, require
from market.metering import completeness

bp = APIBlueprint(
    "heartbeats", __name__, abp_tags=[Tag(name="Usage", description="Reporting what was used.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip


class Heartbeat(BaseModel):
    """How far the reports under the key's source reach."""

    model_config = ConfigDict(extra="forbid")

    completeUntil: AwareDatetime = Field(description="All that happened before it has been reported. Never in the future.")
    type: str = Field("", description="One event type; left out: all of them.")


class Standing(BaseModel):
    """What holds now."""

    source: str
    type: str
    completeUntil: datetime
    saidAt: datetime


bp.components_schemas["Heartbeat"] = Heartbeat.model_json_schema()
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Heartbeat"}}}}}


@bp.post(
    "/heartbeats",
    summary="Say how far usage is complete",
    description=(
        "Buyers read “complete until …” beside their figures. Said again it moves on; an earlier time than before changes "
        "nothing and is answered with the later one. It does not keep anything from being reported afterwards. "
        "What a test key says is judged and not kept."
    ),
    responses={200: Standing, 400: Problem, 415: Problem, 422: Problem},
    openapi_extensions=_BODY,
)
@require("events:write")
def create() -> Response:
    """Take the provider at its word."""
    try:
        said = Heartbeat.model_validate(bodies.json_of(bodies.read()))
    except ValidationError as error:
        return invalid(error)
    beat = completeness.beat(
        door.provider(), g.api_key.source, until=said.completeUntil, type=said.type, now=resources.clock.now(), dry_run=g.test_mode
    )
    return answer(
        {"source": beat.source, "type": beat.type, "completeUntil": instant(beat.complete_until), "saidAt": instant(beat.said_at)}
    )
