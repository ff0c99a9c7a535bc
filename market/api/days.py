"""GET /api/v1/days: which state each day of a meter is in, for the provider and the buyer alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from market import metering, resources
from market.api.answers import answer, instant
from market.api.asking import Arguments
from market.api.door import Problem, require
from market.api.meters import SUBJECT, party
from market.kit import quantity
from market.kit.period import SHANGHAI, Period, days, local_day
from market.kit.refusal import Refusal
from market.metering import reconciliation
from market.metering.reconciliation import DayStatus

bp = APIBlueprint(
    "days", __name__, abp_tags=[Tag(name="Usage", description="Reporting what was used.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip

#: Days of one answer.
MOST = 366


class DaysQuery(BaseModel):
    """Of what. Everything is read by `asking`, which says what is wrong in words."""

    subject: str | None = Field(None, description="Needed: the subscription.")
    meter: str | None = Field(None, description="Needed: the slug of a meter that prices it, or its id.")
    start: str | None = Field(None, alias="from", description="A day in Guangdong. Default: the first of this month.")
    to: str | None = Field(None, description="Not included. Default: tomorrow.")


class Day(BaseModel):
    """A day and what was said about it."""

    day: str = Field(examples=["2026-11-20"])
    quantity: str = Field(description="In priced units, exact decimal text.")
    status: DayStatus = Field(
        description="`reported` until the buyer agrees or the time to object is over, then `accepted`; `disputed` until "
        "she is content or does not speak against the answer, then `settled`."
    )
    objectionUntil: str | None = Field(description="Until when the buyer may object; null when she no longer can.")
    objection: str | None = Field(description="What she says is wrong.")
    objectedAt: str | None
    answer: str | None = Field(description="What the provider answered.")
    answeredAt: str | None
    settledAt: str | None


class Days(BaseModel):
    """In their order."""

    subject: str
    meter: str
    data: list[Day]


@bp.get(
    "/days",
    summary="List days and their states",
    description=(
        "The days of one meter of one subscription, from its start to today, with their usage and whether provider and "
        "buyer agree about it. At most 366 days. Objecting and answering is for people: in the console and the portal."
    ),
    responses={200: Days, 404: Problem, 422: Problem},
)
@require("usage:read")
def index(query: DaysQuery) -> Response:
    """Every day in its state."""
    arguments, now = Arguments(), resources.clock.now()
    subject, name, period = arguments.text(SUBJECT), arguments.text("meter"), _period(arguments)
    for field, said in ((SUBJECT, subject), ("meter", name)):
        if not said:
            arguments.wrong(field, "这一项要写。")
    arguments.finish()
    subscription, meter = metering.priced_meter(party(), subject, name)
    told = reconciliation.states(subscription.id, [meter], period, now=now)
    begun = local_day(subscription.started_at or now)
    rows = [
        _day(day, amount, told, meter)
        for day, amount in metering.daily(subscription, meter, period, until=now)
        if begun <= day <= local_day(now)
    ]
    return answer({"subject": subscription.public_id, "meter": meter.slug, "data": rows})


def _period(arguments: Arguments) -> Period:
    """Whole days, this month's so far unless the address says otherwise."""
    now = resources.clock.now()
    start = arguments.instant("from", SHANGHAI) or metering.windows.around(now, metering.windows.Size.MONTH, SHANGHAI).start
    end = arguments.instant("to", SHANGHAI) or metering.windows.around(now, metering.windows.Size.DAY, SHANGHAI).end
    if not start < end:
        arguments.wrong("from", "from 须早于 to。")
    elif end - start > timedelta(days=MOST):
        arguments.wrong("from", Refusal("一次最多查 %(days)s 天。", days=MOST))
    else:
        return days(local_day(start), local_day(end - timedelta(microseconds=1)))
    return days(local_day(now), local_day(now))


def _day(day: Any, amount: Any, told: reconciliation.States, meter: Any) -> dict[str, Any]:
    row, status = told.row(meter, day), told.of(meter, day)
    said = row if row is not None and row.reason else None
    return {
        "day": day.isoformat(),
        "quantity": quantity.text(amount),
        "status": status.value,
        "objectionUntil": instant(told.open_until(meter, day)) if told.may_object(meter, day) else None,
        "objection": said.reason if said else None,
        "objectedAt": instant(said.said_at) if said else None,
        "answer": (said.answer or None) if said else None,
        "answeredAt": instant(said.answered_at) if said else None,
        "settledAt": instant(row.settled_at) if row else None,
    }
