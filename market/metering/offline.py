"""Usage of a file that nobody stores: each line read and judged as an upload's, and made into quantities by the meters.

The arithmetic is the one with which bills are checked, so that what comes out is what a bill would say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import BinaryIO, NamedTuple

from market.catalog.models import Aggregation, Filter, Meter
from market.kit.period import Period, month_of
from market.kit.quantity import round6
from market.metering import envelope, values
from market.metering.envelope import Envelope
from market.metering.replay import Reading, worked_out
from market.metering.uploads import cells, reading
from market.metering.verdicts import BadEvent, EventRefused
from market.rating import Transactions

_SOURCE = "/file"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Complaint(NamedTuple):
    """A line that cannot be counted, and why; `params` fill the message."""

    line: int
    message: str
    params: Mapping[str, object]


class Read(NamedTuple):
    """What a file holds: by meter what it reads, in order of time; lines that repeat another; lines that are wrong."""

    readings: Mapping[str, Sequence[Reading]]
    repeated: int
    complaints: Sequence[Complaint]


def read(stream: BinaryIO, meters: Iterable[Meter]) -> Read:
    """The events of a CSV or NDJSON file, as these meters count them. Raises FileUnreadable."""
    known = list(meters)
    file = reading.opened(stream)
    seen: dict[str, bytes] = {}
    events: list[tuple[int, Envelope]] = []
    complaints: list[Complaint] = []
    repeated = 0
    for line, event in _events(file, _properties(known)):
        if isinstance(event, Complaint):
            complaints.append(event)
        elif event.id not in seen:
            seen[event.id] = event.digest
            events.append((line, event))
        elif seen[event.id] == event.digest:
            repeated += 1
        else:
            complaints.append(Complaint(line, "编号 %(id)s 前面已经用过，内容却不同。", {"id": event.id}))
    readings, refused = _readings(known, events)
    return Read(readings, repeated, sorted([*complaints, *refused]))


def months(found: Read) -> list[Period]:
    """The months in which anything happened."""
    return sorted({month_of(each.at) for some in found.readings.values() for each in some}, key=lambda month: month.start)


def quantity(meter: Meter, readings: Sequence[Reading], period: Period, only: Filter | None = None) -> Decimal:
    """What a meter comes to in a period, in priced units, six places."""
    passed = [each for each in readings if each.at < period.end and values.matches(meter, each.slice, only)]
    return worked_out(meter, passed, period, stop=period.end, whole=period)


def transactions(meter: Meter, readings: Sequence[Reading], period: Period, only: Filter | None = None) -> Transactions:
    """The same of single transactions, by amount."""
    inside = [each for each in readings if period.contains(each.at) and values.matches(meter, each.slice, only)]
    return Transactions.of(Counter(round6(Fraction(each.value) / meter.unit_size) for each in inside))


def _events(file: reading.File, properties: cells.Properties) -> Iterator[tuple[int, Envelope | Complaint]]:
    for record in file.records:
        (raw,) = reading.events_in(file.layout, [record], source=_SOURCE, properties=properties)
        if isinstance(raw, BadEvent):
            yield record.line, Complaint(record.line, raw.message, raw.params)
            continue
        try:
            yield record.line, envelope.read(raw, now=_NEVER)
        except EventRefused as refusal:
            yield record.line, Complaint(record.line, refusal.message, dict(refusal.params))


def _properties(meters: Sequence[Meter]) -> dict[str, dict[str, bool]]:
    """Where these meters read their values, as `uploads.value_properties` says it of stored ones."""
    found: dict[str, dict[str, bool]] = {}
    for meter in meters:
        known = found.setdefault(meter.event_type, {})
        if meter.value_property:
            known[meter.value_property] = known.get(meter.value_property, False) or meter.aggregation is not Aggregation.UNIQUE_COUNT
    return found


def _readings(
    meters: Sequence[Meter], events: Iterable[tuple[int, Envelope]]
) -> tuple[dict[str, list[Reading]], list[Complaint]]:
    found: dict[str, list[Reading]] = defaultdict(list)
    refused = []
    for line, event in sorted(events, key=lambda pair: pair[1].at):
        reading_it = [meter for meter in meters if meter.event_type == event.type]
        if not reading_it:
            refused.append(Complaint(line, "套餐里没有按类型 %(type)s 计的收费项目。", {"type": event.type}))
        for meter in reading_it:
            try:
                found[meter.slug].append(
                    Reading(
                        event.at.replace(microsecond=0), values.slice_of(meter, event.data),
                        values.value_of(meter, event.data), values.member_of(meter, event.data),
                    )  # fmt: skip
                )
            except EventRefused as refusal:
                refused.append(Complaint(line, refusal.message, dict(refusal.params)))
    return found, refused
