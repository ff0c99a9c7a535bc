"""What an event is worth to a meter, in the units it reports."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from market.catalog.models import Aggregation, Meter
from market.kit import quantity
from market.metering.verdicts import EventRefused

#: Value × 86,400 seconds in millionths has to fit into 64 bits.
GAUGE_LIMIT = Decimal(10) ** 8
LIMIT = Decimal(10) ** 9
#: What one meter of one subscription may sum up to in a day, for the same reason.
DAY_LIMIT = Decimal(10) ** 12

ONE = Decimal(1)


def value_of(meter: Meter, data: Mapping[str, Any]) -> Decimal:
    """The value this meter reads from an event's data; 1 for `count`. Raises EventRefused."""
    if meter.aggregation is Aggregation.COUNT:
        return ONE
    if data.get(meter.value_property) is None:
        raise EventRefused("value_missing", "data 里没有 %(name)s。", name=meter.value_property)
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
