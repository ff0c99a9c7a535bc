"""/api/v1/reservations: a provider asks before it serves whether the buyer's budget allows it, and holds what it will cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from flask import Response, g
from flask_babel import gettext as _
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from market import budgets, db, resources
from market.api import bodies, door
from market.api.answers import answer, instant
from market.api.asking import Query
from market.api.door import Problem, invalid, require
from market.api.paging import SIZE, CursorQuery, page
from market.budgets import BudgetExhausted, Reservation, ReservationStatus, Wanted
from market.web import transactions
from market.web.errors import problem, translate

bp = APIBlueprint(
    "reservations", __name__, abp_tags=[Tag(name="Reservations", description="Asking before serving.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip

Body = TypeVar("Body", bound=BaseModel)


class Asked(BaseModel):
    """What is to be held: an amount, or a quantity of a meter."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(
        description="Yours, at most 255 characters. Asked for again under it, it is the same reservation."
    )
    subscription: str = Field(description="`sub_…`", examples=["sub_0123456789abcdef0123"])
    amountFen: StrictInt | None = Field(
        None, description="What it will cost, tax included, in fen.", examples=[300]
    )
    meter: str = Field("", description="In place of an amount: a meter that adds up, by its slug.")
    quantity: Decimal | None = Field(None, description="How much of it, in the units it is priced in.")
    expiresIn: StrictInt = Field(
        3600, description="Seconds, from 60 to 604,800, after which it is let go of by itself."
    )


class Used(BaseModel):
    """What of it was used."""

    model_config = ConfigDict(extra="forbid")

    amountFen: StrictInt | None = Field(None, description="Left out: all of it. The rest is free again.")


class Held(BaseModel):
    """A reservation."""

    id: str | None = Field(description="`rsv_…`; none of what was only tried.")
    key: str
    subscription: str
    status: ReservationStatus
    amountFen: int
    settledFen: int | None
    meter: str | None
    quantity: str | None
    reservedAt: datetime
    expiresAt: datetime
    endedAt: datetime | None


class HeldPage(BaseModel):
    """Some of them."""

    data: list[Held]


class HeldQuery(CursorQuery):
    """Which of them."""

    status: ReservationStatus | None = None


class Exhausted(Problem):
    """The buyer's month has less left."""

    askedFen: int
    leftFen: int


class ReservationPath(BaseModel):
    """Which reservation, by its `rsv_…`."""

    id: str


class Trying(Query):
    """How to take it."""

    dry_run: bool = Field(False, description="Judge it and change nothing.")


def _body_of(model: type[BaseModel]) -> dict[str, Any]:
    bp.components_schemas[model.__name__] = model.model_json_schema()
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {
        "requestBody": {"required": model is Asked, "content": {"application/json": {"schema": reference}}}
    }


@bp.post(
    "/reservations",
    summary="Hold a part of the buyer's budget",
    description=(
        "Ask before you serve. Firms may set a budget for all they use in a month, from all providers; what is held is "
        "taken from it at once, so that many who ask at the same moment never get more than there is. 409 `budget_exhausted` "
        "says what is left: do not serve. A quantity is priced as the bill will price it, beyond what is used and held "
        "already. Where a firm has no budget everything is held. Report the usage as ever, then settle. "
        "What a test key asks for is judged and not kept."
    ),
    responses={200: Held, 404: Problem, 409: Exhausted, 422: Problem},
    openapi_extensions=_body_of(Asked),
)
@require("events:write")
def create(query: Trying) -> Response:
    """Hold it, or say no."""
    asked = _read(Asked)
    if isinstance(asked, Response):
        return asked
    wanted = Wanted(
        asked.key, asked.subscription, asked.amountFen, asked.meter, asked.quantity, _span(asked.expiresIn)
    )

    try:
        with _trying(query) as tried:
            told = _told(budgets.reserve(door.provider(), wanted, at=resources.clock.now()))
        return answer(told | {"id": None} if tried else told)
    except BudgetExhausted as refusal:
        if not tried:
            transactions.keep()  # the buyer hears that a provider was refused
        text = translate(refusal)
        return problem(
            refusal.status,
            refusal.code,
            _("客户的预算不够"),
            text,
            askedFen=refusal.asked_fen,
            leftFen=refusal.left_fen,
        )


@bp.get(
    "/reservations", summary="List reservations", description="100 a page, oldest first.", responses={200: HeldPage, 422: Problem}
)
@require("events:write")
def index(query: HeldQuery) -> Response:
    """The provider's own, in every state or in one."""
    found = budgets.reservations_of(door.provider(), status=query.status).where(Reservation.id > query.cursor)
    return page(db.session.scalars(found.limit(SIZE + 1)).all(), _told, lambda reservation: reservation.id)


@bp.post(
    "/reservations/<id>/settle",
    summary="Settle a reservation",
    description=(
        "It was used: report the usage first, then say so. `amountFen` may be less than what was held. "
        "Saying the same again changes nothing; what was released or has expired is 409 `reservation_ended`."
    ),
    responses={200: Held, 404: Problem, 409: Problem, 422: Problem},
    openapi_extensions=_body_of(Used),
)
@require("events:write")
def settle(path: ReservationPath, query: Trying) -> Response:
    """It was used."""
    reservation = budgets.reservation_of(door.provider(), path.id)
    used = _read(Used)
    if isinstance(used, Response):
        return used

    with _trying(query):
        budgets.settle(reservation, used.amountFen, at=resources.clock.now())
        told = _told(reservation)
    return answer(told)


@bp.post(
    "/reservations/<id>/release",
    summary="Release a reservation",
    description="It was not used. Saying it again changes nothing; what is settled is 409 `reservation_ended`.",
    responses={200: Held, 404: Problem, 409: Problem},
)
@require("events:write")
def release(path: ReservationPath, query: Trying) -> Response:
    """It was not used."""
    reservation = budgets.reservation_of(door.provider(), path.id)

    with _trying(query):
        budgets.release(reservation, at=resources.clock.now())
        told = _told(reservation)
    return answer(told)


@contextmanager
def _trying(query: Trying) -> Iterator[bool]:
    """What is only tried is done as well and taken back, so that it is judged alike; whether it is."""
    if not (query.dry_run or g.test_mode):
        yield False
        return
    trial = db.session.begin_nested()
    try:
        yield True
    finally:
        trial.rollback()


def _read(model: type[Body]) -> Body | Response:
    """The body as documented, or the 422 that says where it is not."""
    body = bodies.read()
    try:
        return model.model_validate(bodies.json_of(body) if body else {})
    except ValidationError as error:
        return invalid(error)


def _span(seconds: int) -> timedelta:
    """As far as it can be said; what is too long is refused with the rest."""
    return timedelta(seconds=max(min(seconds, 10**9), -1))


def _told(reservation: Reservation) -> dict[str, Any]:
    return {
        "id": reservation.public_id, "key": reservation.key, "subscription": reservation.subscription.public_id,
        "status": reservation.status.value, "amountFen": reservation.amount_fen, "settledFen": reservation.settled_fen,
        "meter": reservation.meter.slug if reservation.meter else None,
        "quantity": None if reservation.quantity is None else f"{reservation.quantity:f}",
        "reservedAt": instant(reservation.reserved_at), "expiresAt": instant(reservation.expires_at), "endedAt": instant(reservation.ended_at),
    }  # fmt: skip
