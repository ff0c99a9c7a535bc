"""Measures: what a meter counts, so that meters of different providers can be held against each other. Pure.

Two meters share a measure when they count in the same way (how much in all, how much is there on average, the most at
once …) and in units that are whole multiples of each other: GB kept for hours and GB kept for a month on average are
one measure, people at once and people on average are two. What exactly is counted a unit does not say; the
sub-category of an offering does, so measures are only ever compared within one.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from market.catalog.models import Aggregation, Meter, TimeBase
from market.kit.period import Period
from market.kit.quantity import round6


class Counting(StrEnum):
    """How a period's quantity comes about."""

    AMOUNT = "amount"
    LEVEL = "level"
    STANDING = "standing"
    PEAK = "peak"
    DISTINCT = "distinct"


class Measure(NamedTuple):
    """A way of counting and the unit, in Chinese, that all units of the measure are multiples of."""

    counting: Counting
    unit: str

    @property
    def key(self) -> str:
        """Its name in a form."""
        return f"{self.counting.value}.{self.unit}"


class _Scale(NamedTuple):
    """A unit as a multiple of the measure's."""

    unit: str
    size: Fraction


_COUNTING = {
    Aggregation.SUM: Counting.AMOUNT,
    Aggregation.COUNT: Counting.AMOUNT,
    Aggregation.TIME_WEIGHTED: Counting.LEVEL,
    Aggregation.LATEST: Counting.STANDING,
    Aggregation.MAX: Counting.PEAK,
    Aggregation.UNIQUE_COUNT: Counting.DISTINCT,
}
_HOUR = 3600
_KNOWN: dict[str, _Scale] = {
    **{name: _Scale("GB", Fraction(1000) ** power) for power, name in enumerate(("kb", "mb", "gb", "tb", "pb"), start=-2)},
    **{name: _Scale("小时", Fraction(seconds, _HOUR)) for name, seconds in (("秒", 1), ("分钟", 60), ("小时", _HOUR), ("天", 86_400))},
}
_MULTIPLES = {"千": 1000, "万": 10_000, "十万": 100_000, "百万": 1_000_000, "亿": 100_000_000}
#: `1,000 次`, `千人次`.
_MULTIPLE = re.compile(rf"([0-9][0-9,]*|{'|'.join(sorted(_MULTIPLES, key=len, reverse=True))})\s*(?:个)?(.+)", re.DOTALL)
#: What a gauge's unit says of its time base: `GB·小时`, `GB·月`.
_OVER_TIME = re.compile(r"[·.*×x ]?(?:小时|月|hours?|months?)$", re.IGNORECASE)
_ENGLISH_MULTIPLE = re.compile(r"^×?(?:[0-9][0-9,]*|thousand|million)\s+", re.IGNORECASE)


def measure_of(meter: Meter) -> Measure:
    """What a meter measures."""
    return Measure(_COUNTING[meter.aggregation], _scale(meter).unit)


def in_measure(meter: Meter, quantity: Decimal, whole: Period) -> Fraction:
    """A meter's quantity in the measure's unit; of a level its mean over `whole`, the full billing month."""
    return Fraction(quantity) * _scale(meter).size / _hours(meter, whole)


def in_units_of(meter: Meter, amount: Fraction, whole: Period) -> Decimal:
    """An amount in the measure's unit as this meter would have said it; six places, as it is rated."""
    return round6(amount * _hours(meter, whole) / _scale(meter).size)


def converted(quantity: Decimal, source: Meter, target: Meter, whole: Period) -> Decimal:
    """What `target` would have said where `source` said `quantity`; both are of one measure."""
    return in_units_of(target, in_measure(source, quantity, whole), whole)


def unit_words(meter: Meter) -> tuple[str, str]:
    """The measure's unit in Chinese and in English, as far as the meter has words for it."""
    scale = _scale(meter)
    if scale.unit in ("GB", "小时"):
        return scale.unit, {"GB": "GB", "小时": "hour"}[scale.unit]
    return scale.unit, _ENGLISH_MULTIPLE.sub("", meter.unit_en) if scale.size != 1 else meter.unit_en


def _scale(meter: Meter) -> _Scale:
    return _written(meter.unit_zh, meter.time_base is not TimeBase.NONE)


@lru_cache(maxsize=1000)
def _written(unit: str, over_time: bool) -> _Scale:
    written = re.sub(r"\s+", " ", unit).strip()
    if over_time:
        written = _OVER_TIME.sub("", written) or written
    return _unit(written)


def _unit(written: str) -> _Scale:
    if known := _KNOWN.get(written.casefold()):
        return known
    if found := _MULTIPLE.fullmatch(written):
        times, rest = found.groups()
        inner, size = _unit(rest.strip()), int(times.replace(",", "")) if times[0].isdigit() else _MULTIPLES[times]
        return _Scale(inner.unit, inner.size * size) if size else _Scale(written, Fraction(1))
    return _Scale(written.casefold() if written.isascii() else written, Fraction(1))


def _hours(meter: Meter, whole: Period) -> Fraction:
    return Fraction(int(whole.length.total_seconds()), _HOUR) if meter.time_base is TimeBase.HOUR else Fraction(1)
