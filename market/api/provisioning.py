"""/api/v1/provisioning: what a provider is asked to set up or take down, and its answers.

The signed webhook brings the same requests; asking here is the way for who cannot be called.
"""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from flask import Response, g, json
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, ValidationError

from market import db, resources, subscriptions
from market.api import bodies, door
from market.api.answers import answer
from market.api.door import OK, Problem, invalid, live_only, require
from market.api.paging import SIZE, CursorQuery, page
from market.subscriptions import ProvisioningRequest, RequestStatus
from market.subscriptions.provisioning import payload
from market.web import transactions

bp = APIBlueprint(
    "provisioning", __name__, abp_tags=[Tag(name="Provisioning", description="Setting subscriptions up.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip

Model = TypeVar("Model", bound=BaseModel)

#: What is still to be done, whether or not a webhook has told the provider's system about it.
STATES = {
    "pending": subscriptions.OPEN_REQUESTS, "done": {RequestStatus.DONE}, "failed": {RequestStatus.FAILED},
    "canceled": {RequestStatus.CANCELED},
}  # fmt: skip


class RequestsQuery(CursorQuery):
    """Which requests."""

    status: Literal["pending", "done", "failed", "canceled"] = "pending"


class RequestPath(BaseModel):
    """Which request, by its `prov_…`."""

    id: str


class Completion(BaseModel):
    """What the buyer needs to use it; shown to the entitled only, stored encrypted."""

    access: dict[str, str] = Field(default_factory=dict, examples=[{"endpoint": "https://…", "access_key": "…"}])
    subscription: str | None = Field(None, description="Which one it is about; another than the request's is refused.")


class Failure(BaseModel):
    """Why it cannot be done."""

    reason: str = Field(description="The buyer reads it.")


def _body_of(model: type[BaseModel]) -> dict[str, Any]:
    bp.components_schemas[model.__name__] = model.model_json_schema()
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"content": {"application/json": {"schema": reference}}}}


@bp.get("/provisioning", summary="List requests", description="Each has the shape of the webhook. 100 a page, oldest first.", responses=OK)
@require("provisioning:write")
def index(query: RequestsQuery) -> Response:
    """The provider's requests; by default those that are still to be done."""
    found = subscriptions.requests_of(door.provider()).where(
        ProvisioningRequest.status.in_(STATES[query.status]), ProvisioningRequest.id > query.cursor
    )
    rows = db.session.scalars(found.order_by(None).order_by(ProvisioningRequest.id).limit(SIZE + 1)).all()
    return page(rows, _request, lambda request: request.id)


@bp.post(
    "/provisioning/<id>/complete",
    summary="Report success",
    description=(
        "Makes a new subscription live; a `rotate` needs the new access details. Saying it again changes nothing."
        " 409 `confirmed_late`: nobody waits for it any more, take down what you made. Not for test keys."
    ),
    responses={**OK, 404: Problem, 409: Problem},
    openapi_extensions=_body_of(Completion),
)
@require("provisioning:write")
def complete(path: RequestPath) -> Response:
    """It is done."""
    live_only()
    said = _read(Completion)
    if isinstance(said, Response):
        return said
    request = subscriptions.request_by_public_id(door.provider(), path.id)
    if said.subscription is not None and said.subscription != request.subscription.public_id:
        raise subscriptions.WrongSubject
    try:
        subscriptions.complete(request, access=said.access, by=g.actor, at=resources.clock.now())
    except subscriptions.ConfirmedLate:
        transactions.keep()  # what was made has to be taken down, although the answer is no
        raise
    return _state(request)


@bp.post(
    "/provisioning/<id>/fail",
    summary="Report failure",
    description="The buyer reads the reason. Saying it again changes nothing. Not for test keys.",
    responses={**OK, 404: Problem, 409: Problem},
    openapi_extensions=_body_of(Failure),
)
@require("provisioning:write")
def fail(path: RequestPath) -> Response:
    """It cannot be done."""
    live_only()
    said = _read(Failure)
    if isinstance(said, Response):
        return said
    request = subscriptions.request_by_public_id(door.provider(), path.id)
    subscriptions.fail(request, reason=said.reason, by=g.actor, at=resources.clock.now())
    return _state(request)


def _read(model: type[Model]) -> Model | Response:
    """The body as documented, or the 422 that says where it is not."""
    body = bodies.read()
    try:
        return model.model_validate(bodies.json_of(body) if body else {})
    except ValidationError as error:
        return invalid(error)


def _state(request: ProvisioningRequest) -> Response:
    subscription = request.subscription
    told = {
        "request": request.public_id, "status": request.status.value,
        "subscription": subscription.public_id, "subscription_status": subscription.status.value,
    }  # fmt: skip
    return answer(told)


def _request(request: ProvisioningRequest) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(payload.body(request, at=resources.clock.now()))
    return told | {"status": request.status.value}
