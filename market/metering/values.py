"""What an event is worth to a meter, in the units it reports, and which slice of it it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import msgspec

from market.catalog.models import Aggregation, Filter, Meter
from market.kit import quantity
from market.metering.verdicts import EventRefused

#: Value × 86,400 seconds in millionths has to fit into 64 bits.
GAUGE_LIMIT = Decimal(10) ** 8
LIMIT = Decimal(10) ** 9
#: What one slice of a meter of one subscription may sum up to in a day, for the same reason.
DAY_LIMIT = Decimal(10) ** 12

#: A dimension's value, or one that is counted once.
LABEL_LIMIT = 100
#: All dimensions of an event as JSON in UTF-8: slices are part of a key, and those have a size.
SLICE_LIMIT = 1000
#: The key in `data` that says whether a unique value comes or goes, and what it may say.
OPERATION = "operation_type"
_COMES = {"add": True, "remove": False}

ONE = Decimal(1)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str | None]).decode


class Member(NamedTuple):
    """A value of which each different one counts once, and whether it is there from now on."""

    value: str
    present: bool


class Reading(Protocol):
    """What a meter reads."""

    @property
    def aggregation(self) -> Aggregation: ...
    @property
    def value_property(self) -> str: ...


def value_of(meter: Reading, data: Mapping[str, Any]) -> Decimal:
    """The value this meter reads from an event's data; 1 for `count` and `unique_count`. Raises EventRefused."""
    if meter.aggregation is Aggregation.COUNT or meter.aggregation is Aggregation.UNIQUE_COUNT:
        return ONE
    if data.get(meter.value_property) is None:
        raise _missing(meter)
    try:
        value = quantity.parse(data[meter.value_property])
    except quantity.InvalidQuantity as refusal:
        raise EventRefused(refusal.code, refusal.message, **refusal.params) from None
    if value < 0:
        raise EventRefused("negative", "%(name)s 不能小于 0。", name=meter.value_property)
    limit = GAUGE_LIMIT if meter.aggregation is Aggregation.TIME_WEIGHTED else LIMIT
    if value > limit:
        raise EventRefused("too_large", "%(name)s 最大是 %(limit)s。", name=meter.value_property, limit=f"{limit:,f}")
    return value


def member_of(meter: Meter, data: Mapping[str, Any]) -> Member | None:
    """What a `unique_count` meter reads; None for all others. Raises EventRefused."""
    if meter.aggregation is not Aggregation.UNIQUE_COUNT:
        return None
    value = _label(meter.value_property, data.get(meter.value_property))
    if value is None:
        raise _missing(meter)
    operation = data.get(OPERATION)
    if operation is None:
        return Member(value, True)
    if not isinstance(operation, str) or operation not in _COMES:
        raise EventRefused("operation_unknown")
    return Member(value, _COMES[operation])


def slice_of(meter: Meter, data: Mapping[str, Any]) -> str:
    """The slice an event belongs to: the values of the meter's dimensions as a JSON list, null where the event
    names none; empty for a meter without dimensions. Raises EventRefused.
    """
    if not meter.dimensions:
        return ""
    written = _encode([_label(name, data.get(name)) for name in meter.dimensions])
    if len(written) > SLICE_LIMIT:
        raise EventRefused("label_invalid", "分组用的字段合起来太长。")
    return written.decode()


def labels_of(meter: Meter, slice: str) -> dict[str, str | None]:
    """The dimensions' values of one of the meter's slices."""
    return dict(zip(meter.dimensions, _decode(slice.encode()), strict=True)) if slice else {}


def matches(meter: Meter, slice: str, only: Filter | None) -> bool:
    """Whether a filter lets a slice through; one by what the meter does not tell apart lets nothing through."""
    return only is None or labels_of(meter, slice).get(only.property) in only.values


def group_of(meter: Meter, slice: str, by: Sequence[str]) -> tuple[str | None, ...]:
    """The values of these dimensions in one slice."""
    labels = labels_of(meter, slice) if by else {}
    return tuple(labels.get(name) for name in by)


def _missing(meter: Reading) -> EventRefused:
    return EventRefused("value_missing", "data 里没有 %(name)s。", name=meter.value_property)


def _label(name: str, value: Any) -> str | None:
    """A short text; numbers and truth values as JSON writes them, None for nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "":
        return None
    if not isinstance(value, str | int) or len(text := str(value)) > LABEL_LIMIT:
        raise EventRefused("label_invalid", "%(name)s 须是文字或数字，最多 100 个字符。", name=name)
    return text
