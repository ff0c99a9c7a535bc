"""POST /api/v1/corrections: taking back or replacing what was reported wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from flask import Response, g
from flask_babel import gettext as _
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from market import billing, db, resources
from market.accounts import ApiKey
from market.api import bodies, door
from market.api.answers import answer, instant
from market.api.asking import Query
from market.api.door import Problem, invalid, require
from market.api.meters import party
from market.api.paging import SIZE, CursorQuery, page
from market.metering import corrections
from market.metering.corrections import (
    MOST,
    Author,
    Change,
    CorrectionStatus,
    Judged,
    Named,
    Reason,
    UsageCorrection,
)

bp = APIBlueprint(
    "corrections", __name__, abp_tags=[Tag(name="Usage", description="Reporting what was used.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip


class Outcome(StrEnum):
    """What became of a correction."""

    APPROVED = "approved"
    PROPOSED = "proposed"
    REJECTED = "rejected"
    REFUSED = "refused"


class OneCorrection(BaseModel):
    """Takes one event back, or puts another in its place."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="A new id of its own, unique within the source for ever.", examples=["fix-req-0001"])
    corrects: str = Field(description="The id of the event, under the key's source.", examples=["req-0001"])
    kind: Literal["reversal", "replacement"]
    data: dict[str, Any] | None = Field(None, description="Of a replacement: the right data.", examples=[{"count": 3}])


class Corrections(BaseModel):
    """Some corrections and why they are made."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    note: str = Field(description="In words; the customer reads them. At most 500 characters.")
    corrections: list[OneCorrection] = Field(min_length=1, max_length=MOST)


class CorrectionVerdict(BaseModel):
    """What became of one of them."""

    id: str
    status: Outcome
    repeated: bool = Field(description="It was known already; nothing was done.")
    correction: int | None = Field(None, description="The decision that it is part of.")
    code: str | None = Field(None, description="Why it was refused; stable.")
    message: str | None = None


class CorrectionsQuery(Query):
    """How to take them."""

    dry_run: bool = Field(False, description="Judge everything and store nothing.")


class Decision(BaseModel):
    """All corrections of one request about one subscription and billing month."""

    id: int | None = Field(description="None of a dry run.")
    subject: str
    status: CorrectionStatus
    reason: Reason
    note: str
    month: str
    proposedAt: str
    decidedAt: str | None
    billed: bool = Field(description="The month's bill was issued before: the difference is on a later one.")
    beforeFen: int = Field(description="What the subscription's month costs without it, tax included.")
    afterFen: int
    meters: list[dict[str, Any]] = Field(description="Each meter's quantity of the month: before and after.")


class Verdicts(BaseModel):
    """One verdict for each, in the order sent, and the decisions that they make up."""

    corrections: list[CorrectionVerdict]
    decisions: list[Decision]


class Page(BaseModel):
    """Some of them."""

    data: list[Decision]


bp.components_schemas["Corrections"] = Corrections.model_json_schema(ref_template="#/components/schemas/{model}")
bp.components_schemas |= bp.components_schemas["Corrections"].pop("$defs", {})
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Corrections"}}}}}


@bp.post(
    "/corrections",
    summary="Correct usage",
    description=(
        "Takes back or replaces events that were reported under the key's source, up to 500 at once. Events are never "
        "changed: a correction is a new event with the time of the one that it names. The running bill is worked out "
        "anew at once; of a bill that is issued the difference stands on the next one. An event is corrected once; a "
        "replacement can be corrected in its turn, a reversal only by a replacement. What changes a month by more than "
        "the marketplace's limit is `proposed` and counts when a person of the provider approves it in the portal. "
        "Sending the same again is harmless. What a test key sends is judged and not kept."
    ),
    responses={200: Verdicts, 400: Problem, 413: Problem, 415: Problem, 422: Problem},
    openapi_extensions=_BODY,
)
@require("events:write")
def create(query: CorrectionsQuery) -> Response:
    """Correct some events."""
    try:
        asked = Corrections.model_validate(bodies.json_of(bodies.read()))
    except ValidationError as error:
        return invalid(error)
    judged = corrections.correct(
        door.provider(), [_change(each) for each in asked.corrections], reason=asked.reason, note=asked.note,
        author=Author(g.actor, key=db.session.get_one(ApiKey, g.api_key.id)), now=resources.clock.now(), stands=billing.month_stands,
        closed_until=billing.closed_until, dry_run=query.dry_run or g.test_mode,
    )  # fmt: skip
    decisions = {id(each.correction): each.correction for each in judged if each.correction is not None}
    return answer({"corrections": [_verdict(each) for each in judged], "decisions": _decisions([*decisions.values()])})


@bp.get(
    "/corrections",
    summary="List corrections",
    description="100 a page, oldest first. Providers see all of theirs, buyers those that count for them.",
    responses={200: Page, 422: Problem},
)
@require("usage:read")
def index(query: CursorQuery) -> Response:
    """What was corrected, for either side."""
    rows = corrections.since(party(), query.cursor, SIZE + 1)
    told = {row["id"]: row for row in _decisions(rows)}
    return page(rows, lambda row: told[row.id], lambda row: row.id)


def _change(asked: OneCorrection) -> Change:
    source = g.api_key.source
    data = None if asked.kind == "reversal" else (asked.data or {})
    return Change(asked.id, source, Named(asked.corrects, source), data)


def _verdict(judged: Judged) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": judged.change.id[:255].encode("utf-8", "replace").decode(), "status": judged.status.value if judged.status else Outcome.REFUSED,
        "repeated": judged.known, "correction": judged.correction.id if judged.correction else None,
    }  # fmt: skip
    if judged.code:
        told |= {"code": judged.code, "message": _(judged.message, **judged.params)}
    return told


def _decisions(rows: Sequence[UsageCorrection]) -> list[dict[str, Any]]:
    meters = corrections.meters_of(rows)
    names = corrections.subjects_of(rows)
    return [
        {
            "id": row.id, "subject": names[row.subscription_id], "status": row.status.value, "reason": row.reason.value,
            "note": row.note, "month": row.period.label, "proposedAt": instant(row.proposed_at),
            "decidedAt": instant(row.decided_at), "billed": row.billed, "beforeFen": row.before_fen, "afterFen": row.after_fen,
            "meters": [
                {"meter": meters[each.meter_id].slug, "before": f"{each.before:f}", "after": f"{each.after:f}"} for each in row.moved
            ],
        }
        for row in rows
    ]  # fmt: skip
