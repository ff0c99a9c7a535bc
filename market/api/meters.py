"""GET /api/v1/meters and their usage, in the shapes OpenMeter's clients read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from flask import Response, g
from flask_openapi3 import APIBlueprint, Tag
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select

from market import catalog, db, metering, resources, subscriptions
from market.api.answers import answer
from market.api.door import OK, Problem, require
from market.catalog import Aggregation, Meter
from market.errors import Invalid, NotFound
from market.kit import quantity
from market.kit.period import Period, local_day, local_midnight, month_of
from market.subscriptions import Subscription

bp = APIBlueprint(
    "meters", __name__, abp_tags=[Tag(name="Meters", description="What is measured, and what it came to.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip

DAY = timedelta(days=1)
LONGEST = {"DAY": timedelta(days=92), "MONTH": timedelta(days=3 * 366), None: timedelta(days=3 * 366)}


class MeterPath(BaseModel):
    """Which meter."""

    slug: str


class UsageQuery(BaseModel):
    """Which usage, in which windows."""

    start: AwareDatetime | None = Field(None, alias="from", description="Default: the start of this month.")
    to: AwareDatetime | None = Field(None, description="Default: now.")
    windowSize: Literal["DAY", "MONTH"] | None = Field(None, description="Absent: one window.")
    windowTimeZone: Literal["Asia/Shanghai"] = "Asia/Shanghai"
    subject: list[str] | None = Field(None, description="Subscriptions; absent: all of yours together.")


@bp.get("/meters", summary="List meters", responses=OK)
@require("catalogue:read")
def index() -> Response:
    """The provider's meters."""
    told = [_meter(meter) for meter in catalog.meters_of(g.provider)]
    return answer(told)


@bp.get(
    "/meters/<slug>/query",
    summary="Query usage",
    description=(
        "Quantities in priced units, from the day counters: windows begin and end at midnight in Guangdong. `value` is "
        "a JSON number for existing clients, `quantity` the same as exact decimal text."
    ),
    responses={**OK, 404: Problem},
)
@require("subscriptions:read")
def usage(path: MeterPath, query: UsageQuery) -> Response:
    """What a meter came to, window by window."""
    meter = next((meter for meter in catalog.meters_of(g.provider) if meter.slug == path.slug), None)
    if meter is None:
        raise NotFound
    now = resources.clock.now()
    span = _span(query.start or month_of(now).start, query.to or now, query.windowSize)
    subjects = _subjects(query.subject)
    told = [
        row for window in _windows(span, query.windowSize)
        for row in _rows(meter, window, subjects, now, each=query.subject is not None)
    ]  # fmt: skip
    body = {"from": span.start.isoformat(), "to": span.end.isoformat(), "windowSize": query.windowSize, "data": told}
    return answer(body)


def _span(start: datetime, end: datetime, window: str | None) -> Period:
    """Whole local days from the one that holds `start` to the one that holds the last instant before `end`."""
    if not start < end or end - start > LONGEST[window] or start.year < 2000:
        raise Invalid(fields={"from": "from 须早于 to；按天查最多 92 天，按月查最多 3 年。"})
    span = Period(local_midnight(local_day(start)), end)
    return Period(span.start, local_midnight(span.last_day) + DAY)


def _windows(span: Period, size: str | None) -> Iterator[Period]:
    start = span.start
    while start < span.end:
        end = {"DAY": start + DAY, "MONTH": month_of(start).end, None: span.end}[size]
        yield Period(start, min(end, span.end))
        start = end


def _subjects(wanted: list[str] | None) -> dict[int, str]:
    """The subscriptions asked for by id; a stranger's is left out like one that does not exist."""
    if wanted is not None:
        return {one.id: name for name, one in subscriptions.by_public_ids(g.provider, wanted).items()}
    query = select(Subscription.id, Subscription.public_id).where(Subscription.provider_id == g.provider.id)
    return {id: name for id, name in db.session.execute(query)}


def _rows(
    meter: Meter, window: Period, subjects: dict[int, str], now: datetime, *, each: bool
) -> Iterator[dict[str, Any]]:
    found = metering.quantities(list(subjects), window, until=now, whole=window)
    amounts = {name: found.get((id, meter.id), Decimal(0)) for id, name in subjects.items()}
    if each:
        yield from (_row(window, amount, subject) for subject, amount in sorted(amounts.items()))
    elif meter.aggregation is Aggregation.MAX:
        yield _row(window, max(amounts.values(), default=Decimal(0)), None)
    else:
        yield _row(window, sum(amounts.values(), Decimal(0)), None)


def _row(window: Period, amount: Decimal, subject: str | None) -> dict[str, Any]:
    return {
        "value": float(amount),
        "quantity": quantity.text(amount),
        "windowStart": window.start.isoformat(),
        "windowEnd": window.end.isoformat(),
        "subject": subject,
        "groupBy": {},
    }


def _meter(meter: Meter) -> dict[str, Any]:
    return {
        "id": str(meter.id),
        "slug": meter.slug,
        "name": meter.name_zh,
        "nameEn": meter.name_en,
        "aggregation": meter.aggregation.value.upper(),
        "timeBase": meter.time_base.value or None,
        "eventType": meter.event_type,
        "valueProperty": f"$.{meter.value_property}" if meter.value_property else None,
        "unit": meter.unit_zh,
        "unitEn": meter.unit_en,
        "unitSize": meter.unit_size,
        "groupBy": {},
        "createdAt": meter.created_at.isoformat(),
        "updatedAt": meter.created_at.isoformat(),
    }
