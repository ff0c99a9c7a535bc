"""What many services came to, asked in one statement: a month close reads the counters of a thousand firms with it.

Only for what the database can add up by itself: sums, counts and maxima. Gauges and the like go through `series`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from market.catalog.models import Aggregation, Filter, Meter, TimeBase
from market.kit.period import Period
from market.kit.quantity import text
from market.metering import values
from market.metering.quantities import priced
from market.statements import Statement

#: What adds up in the database.
ADDING = frozenset({Aggregation.SUM, Aggregation.COUNT, Aggregation.MAX})

_MILLION = 1_000_000
_ZERO = Decimal(0)

# A day's sum may be near what 64 bits hold, so whole units and the rest are added apart.
_TOTALS = Statement("""
    SELECT k.{place - 1|key} AS place, c.slice, CAST(sum(c.count) AS bigint), CAST(sum(c.sum / 1000000) AS bigint),
        CAST(sum(c.sum - c.sum / 1000000 * 1000000) AS bigint), max(c.max)
    FROM {jsonb_array_elements(CAST(:days AS jsonb)) WITH ORDINALITY AS k(value, place)|json_each(:days) AS k}
    JOIN usage_counters AS c ON c.subscription_id = CAST(k.value->>0 AS bigint) AND c.meter_id = CAST(k.value->>1 AS bigint)
        AND c.day BETWEEN {CAST(k.value->>2 AS date)|k.value->>2} AND {CAST(k.value->>3 AS date)|k.value->>3}
    GROUP BY k.{place|key}, c.slice
""")


class Service(NamedTuple):
    """What a meter of a subscription counts in some days, as far as a filter lets it through; whole local days."""

    subscription_id: int
    meter: Meter
    period: Period
    only: Filter | None


def totals(services: Sequence[Service]) -> list[Decimal]:
    """The quantity of each service in priced units, six places, in the order given; the meters are of `ADDING` kinds.

    As `quantities` says it. Nothing is read twice: services that differ in their filter only share their counters.
    """
    places: dict[tuple[int, int, Period], int] = {}
    asked = [
        places.setdefault((each.subscription_id, each.meter.counter_id, each.period), len(places)) for each in services
    ]
    found: list[list[Any]] = [[] for _ in places]
    for place, *row in _TOTALS.run(days=_written(places)) if places else ():
        found[place].append(row)
    return [_quantity(each, found[place]) for each, place in zip(services, asked, strict=True)]


def _written(places: Iterable[tuple[int, int, Period]]) -> str:
    days: dict[Period, tuple[str, str]] = {}
    rows = []
    for subscription_id, meter_id, period in places:
        if period not in days:
            days[period] = period.first_day.isoformat(), period.last_day.isoformat()
        rows.append((subscription_id, meter_id, *days[period]))
    return json.dumps(rows)


def _quantity(service: Service, rows: Iterable[Any]) -> Decimal:
    meter, counted, whole, rest, top = service.meter, 0, 0, 0, 0
    for slice, count, units, millionths, highest in rows:
        if values.matches(meter, slice, service.only):
            counted, whole, rest = counted + count, whole + units, rest + millionths
            top = max(top, highest or 0)
    match meter.aggregation:
        case Aggregation.COUNT:
            amount = counted * _MILLION
        case Aggregation.SUM:
            amount = whole * _MILLION + rest
        case _:
            amount = top
    exact = Decimal(amount).scaleb(-6)
    if meter.unit_size == 1 and meter.time_base is TimeBase.NONE:
        return Decimal(text(exact))
    return priced(meter, exact, service.period)
