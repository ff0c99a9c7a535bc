"""GET /api/v1/meters and their usage, in the shapes OpenMeter's clients read: a provider's customers, a buyer's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from market import metering, resources
from market.api import door
from market.api.answers import answer
from market.api.asking import Arguments, Query
from market.api.door import Problem, require
from market.catalog import Meter
from market.kit import quantity
from market.kit.period import Period
from market.kit.refusal import Refusal
from market.metering import Measured, Party, Question
from market.web import sheets

bp = APIBlueprint(
    "meters", __name__, abp_tags=[Tag(name="Meters", description="What is measured, and what it came to.")],
    abp_security=[{"key": []}], abp_responses={401: Problem, 403: Problem, 429: Problem},
)  # fmt: skip

Size = metering.windows.Size
#: How long a span may be asked for at once, by the size of its windows.
LONGEST = {
    size: timedelta(days=days)
    for size, days in ((Size.MINUTE, 1), (Size.HOUR, 31), (Size.DAY, 366), (Size.MONTH, 1830), (None, 1830))
}
SUBJECT = "subject"


class Format(StrEnum):
    """How the answer is written."""

    JSON = "json"
    CSV = "csv"


class MeterPath(BaseModel):
    """Which meter."""

    slug: str = Field(description="The slug, or the id.")


class UsageQuery(Query):
    """Which usage, in which windows. Everything is read by `asking`, which says what is wrong in words."""

    start: str | None = Field(
        None, alias="from", description="A time with its zone, or a day; the window it lies in is the first. Default: the start of this month."
    )
    to: str | None = Field(None, description="Not included; the window before it is the last. Default: the end of today.")
    windowSize: str | None = Field(
        None, description="Absent: one window from `from` to `to`.", json_schema_extra={"enum": [*Size]}
    )
    windowTimeZone: str | None = Field(None, description="An IANA name. Default: Asia/Shanghai.")
    subject: list[str] | None = Field(None, description="Subscriptions, each told by itself; absent: all together.")
    groupBy: list[str] | None = Field(None, description="Dimensions of the meter, or `subject`.")
    filterGroupBy: Any = Field(
        None, description="`filterGroupBy[region]=gz`: only usage with this value; repeat it for alternatives.",
        json_schema_extra={"type": "object", "additionalProperties": {"type": "string"}},
    )  # fmt: skip
    format: str | None = Field(None, description="Like the Accept header.", json_schema_extra={"enum": [*Format]})


class MeterAnswer(BaseModel):
    """A meter, or one version of it."""

    id: str
    slug: str
    version: int
    name: str
    nameEn: str
    provider: dict[str, str]
    aggregation: str = Field(examples=["SUM", "COUNT", "MAX", "LATEST", "UNIQUE_COUNT", "TIME_WEIGHTED"])
    timeBase: str | None = Field(description="Of TIME_WEIGHTED: `hour` is value × hours, `period` the mean over a window.")
    eventType: str
    valueProperty: str | None = Field(examples=["$.bytes"])
    groupBy: dict[str, str] = Field(examples=[{"region": "$.region"}])
    unit: str
    unitEn: str
    unitSize: int = Field(description="How many reported units make one priced unit.")
    rounding: str | None = Field(
        examples=["up", "nearest", "down"], description="How a bill makes a period's quantity whole; null: it does not. Answers about usage never do."
    )
    createdAt: str
    updatedAt: str


class UsageRow(BaseModel):
    """What came to how much in one window."""

    value: float = Field(description="For existing clients; `quantity` has every digit.")
    quantity: str = Field(description="In priced units, exact decimal text.")
    windowStart: str
    windowEnd: str
    subject: str | None
    groupBy: dict[str, str | None]


class UsageAnswer(BaseModel):
    """Usage in the order of windows."""

    start: str = Field(alias="from")
    to: str
    windowSize: str | None
    windowTimeZone: str
    data: list[UsageRow]


bp.components_schemas["MeterAnswer"] = MeterAnswer.model_json_schema()


@bp.get(
    "/meters",
    summary="List meters",
    description="A provider's own; of a buyer those that price what she subscribes to.",
    responses={200: {"description": "OK", "content": {"application/json": {"schema": {
        "type": "array", "items": {"$ref": "#/components/schemas/MeterAnswer"},
    }}}}},
)  # fmt: skip
@require("usage:read")
def index() -> Response:
    """The meters of whoever asks."""
    return answer([_meter(meter) for meter in metering.meters_for(party())])


@bp.get(
    "/meters/<slug>/query",
    summary="Query usage",
    description=(
        "Half-open windows, cut where a clock in `windowTimeZone` begins a minute, hour, day or month; each is a "
        "period of its own. Days and months in Asia/Shanghai come from the day counters, however many events there were; "
        "all others are worked out from the events, of which one answer reads 100,000 at most. At most 1 day by "
        "MINUTE, 31 by HOUR, 366 by DAY, 1,830 by MONTH or without windows, and 20,000 rows. Quantities in priced "
        "units; gauges carry their value from window to window up to now."
    ),
    responses={200: UsageAnswer, 404: Problem, 409: Problem, 422: Problem},
)
@require("usage:read")
def usage(path: MeterPath, query: UsageQuery) -> Response:
    """What a meter came to, window by window."""
    meter = metering.meter_for(party(), path.slug)
    asked = _Asked(meter, resources.clock.now())
    rows = metering.measure(asked.question)
    return asked.sheet(rows) if asked.csv else answer(asked.told(rows))


def party() -> Party:
    """On whose behalf the key reads."""
    return door.provider() if door.sells() else door.organization()


class _Asked:
    """What the address asks for. Raises Invalid for whatever cannot be read."""

    def __init__(self, meter: Meter, now: datetime) -> None:
        arguments = Arguments()
        self.size, self.zone = arguments.one_of("windowSize", Size), arguments.zone("windowTimeZone")
        self.csv = _wants_csv(arguments)
        names = arguments.texts(SUBJECT)
        by = list(dict.fromkeys(each for name in arguments.texts("groupBy") for each in name.split(",")))
        self.dimensions = [name for name in by if name != SUBJECT]
        for name in self.dimensions:
            arguments.dimension("groupBy", name, meter.dimensions)
        only, windows = arguments.filters(meter.dimensions), self._windows(arguments, now)
        arguments.finish()
        self.subjects = metering.subjects_for(party(), names or None, provider_id=meter.provider_id)
        self.question = Question(
            meter, list(self.subjects), windows, now, by=self.dimensions, only=only, each=bool(names) or SUBJECT in by
        )

    def _windows(self, arguments: Arguments, now: datetime) -> Sequence[Period]:
        """From this month's beginning to the end of today, unless the address says otherwise."""
        start = arguments.instant("from", self.zone) or metering.windows.around(now, Size.MONTH, self.zone).start
        end = arguments.instant("to", self.zone) or metering.windows.around(now, Size.DAY, self.zone).end
        longest = LONGEST[self.size]
        if not start < end:
            arguments.wrong("from", "from 须早于 to。")
        elif end - start > longest:
            arguments.wrong("from", Refusal("这样一次最多查 %(days)s 天。请缩短时间，或换大一些的 windowSize。", days=longest.days))
        else:
            return list(metering.windows.cut(start, end, self.size, self.zone))
        return []

    def told(self, rows: Sequence[Measured]) -> dict[str, Any]:
        """The answer as JSON."""
        span = self.question.span
        return {
            "from": self._local(span.start),
            "to": self._local(span.end),
            "windowSize": self.size,
            "windowTimeZone": self.zone.key,
            "data": [self._row(row) for row in rows],
        }

    def sheet(self, rows: Sequence[Measured]) -> Response:
        """The answer as a file that spreadsheets open."""
        head = ("window_start", "window_end", SUBJECT, *self.dimensions, "value")
        cells = (
            (self._local(row.window.start), self._local(row.window.end), self._subject(row), *row.labels, quantity.text(row.quantity))
            for row in rows
        )
        return sheets.sheet(f"{self.question.meter.slug}.csv", head, cells)

    def _row(self, row: Measured) -> dict[str, Any]:
        return {
            "value": float(row.quantity),
            "quantity": quantity.text(row.quantity),
            "windowStart": self._local(row.window.start),
            "windowEnd": self._local(row.window.end),
            "subject": self._subject(row),
            "groupBy": dict(zip(self.dimensions, row.labels, strict=True)),
        }

    def _subject(self, row: Measured) -> str | None:
        return None if row.subscription_id is None else self.subjects[row.subscription_id]

    def _local(self, at: datetime) -> str:
        return at.astimezone(self.zone).isoformat()


def _wants_csv(arguments: Arguments) -> bool:
    said = arguments.one_of("format", Format)
    if said is None:
        return request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv"
    return said is Format.CSV


def _meter(meter: Meter) -> dict[str, Any]:
    return {
        "id": str(meter.id),
        "slug": meter.slug,
        "version": meter.version_number,
        "name": meter.name_zh,
        "nameEn": meter.name_en,
        "provider": {"slug": meter.provider.slug, "name": meter.provider.name_zh, "nameEn": meter.provider.name_en},
        "aggregation": meter.aggregation.value.upper(),
        "timeBase": meter.time_base.value or None,
        "eventType": meter.event_type,
        "valueProperty": f"$.{meter.value_property}" if meter.value_property else None,
        "groupBy": {name: f"$.{name}" for name in meter.dimensions},
        "unit": meter.unit_zh,
        "unitEn": meter.unit_en,
        "unitSize": meter.unit_size,
        "rounding": meter.rounding.value or None,
        "createdAt": meter.created_at.isoformat(),
        "updatedAt": meter.created_at.isoformat(),
    }
