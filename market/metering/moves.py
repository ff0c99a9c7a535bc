"""Moving day counters, all of a request by one statement for each of three ways.

    move    adds to sums, counts and maxima, which the database does by itself
    put     writes counters whole, as gauges and reworked days need
    see     notes the different values of `unique_count` meters
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from market.columns import Column, Days, Names, Numbers
from market.db import on_postgresql
from market.statements import lite_time, owe, pay, write

#: Subscription, meter, day, slice; what is added to count and sum, and the maximum; the last two in millionths.
Move = tuple[int, int, date, str, int, int, int | None]


@dataclass(frozen=True, slots=True)
class CounterRow:
    """What one counter moves by, or all that it says."""

    subscription_id: int
    meter_id: int
    day: date
    slice: str
    count: int
    sum: Decimal = Decimal(0)
    max: Decimal | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    area: Decimal = Decimal(0)
    closing: Decimal | None = None


class ValueRow(NamedTuple):
    """One of the different values of a day, and whether it is there after the day's last event with it."""

    subscription_id: int
    meter_id: int
    day: date
    slice: str
    value: str
    present: bool
    last_at: datetime


_encode = msgspec.json.Encoder().encode

_MOVE = """
    ON CONFLICT (subscription_id, meter_id, day, slice) DO UPDATE SET
        count = usage_counters.count + excluded.count,
        sum = usage_counters.sum + excluded.sum,
        max = CASE WHEN usage_counters.max IS NULL OR excluded.max > usage_counters.max
                   THEN excluded.max ELSE usage_counters.max END
"""
#: In place of no maximum, as columns have no gaps; no value is as low.
_NONE = -(2**62)
#: For PostgreSQL: what is to be added, and adding it where a condition holds.
PG_MOVES = "unnest(%(ms)s, %(mm)s, %(md)s, %(ml)s, %(mn)s, %(mu)s, %(mx)s) AS r(s, m, d, l, n, u, x)"
PG_MOVE = f"""
    INSERT INTO usage_counters (subscription_id, meter_id, day, slice, count, sum, max, area)
    SELECT s, m, d, l, n, u, nullif(x, {_NONE}), 0 FROM {{moves}} WHERE {{only}}
""" + _MOVE
_PG_MOVE = PG_MOVE.format(moves=PG_MOVES, only="true")
_LITE_MOVE = (
    "INSERT INTO usage_counters (subscription_id, meter_id, day, slice, count, sum, max, area) "
    f"VALUES (?, ?, ?, ?, ?, ?, ?, 0) {_MOVE}"
)
_PUT = """
    ON CONFLICT (subscription_id, meter_id, day, slice) DO UPDATE SET
        count = excluded.count, sum = excluded.sum, max = excluded.max, first_at = excluded.first_at,
        last_at = excluded.last_at, area = excluded.area, closing = excluded.closing
"""
_WHOLE = "subscription_id, meter_id, day, slice, count, sum, max, first_at, last_at, area, closing"
_PG_PUT = f"""
    INSERT INTO usage_counters ({_WHOLE})
    SELECT s, m, d, l, n, u, x, f, t, a, c
    FROM json_to_recordset(%(rows)s::json)
         AS r(s bigint, m bigint, d date, l text, n bigint, u bigint, x bigint, f timestamptz, t timestamptz, a bigint, c bigint)
    {_PUT}
"""
_LITE_PUT = f"INSERT INTO usage_counters ({_WHOLE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {_PUT}"
# Of two events at one instant the one that arrived later holds: that is this one.
_SEE = """
    ON CONFLICT (subscription_id, meter_id, day, slice, value) DO UPDATE SET
        present = excluded.present, last_at = excluded.last_at
    WHERE excluded.last_at >= usage_values.last_at
"""
_SEEN = "subscription_id, meter_id, day, slice, value, present, last_at"
_PG_SEE = f"""
    INSERT INTO usage_values ({_SEEN})
    SELECT s, m, d, l, v, p, t
    FROM json_to_recordset(%(rows)s::json) AS r(s bigint, m bigint, d date, l text, v text, p boolean, t timestamptz)
    {_SEE}
"""
_LITE_SEE = f"INSERT INTO usage_values ({_SEEN}) VALUES (?, ?, ?, ?, ?, ?, ?) {_SEE}"


def move(rows: Sequence[CounterRow]) -> None:
    """Add to `count`, `sum` and `max`, or begin them."""
    if not rows:
        return
    add([
        (row.subscription_id, row.meter_id, row.day, row.slice, row.count, _millionths(row.sum) or 0, _millionths(row.max))
        for row in rows
    ])  # fmt: skip
    pay()


def add(rows: Sequence[Move]) -> None:
    """The same for rows that are in millionths already; written when the transaction is committed, if not before."""
    if not rows:
        return
    if on_postgresql():
        owe(_PG_MOVE, written(rows))
    else:
        write(_LITE_MOVE, [(row[0], row[1], row[2].isoformat(), *row[3:]) for row in rows])


def written(rows: Sequence[Move]) -> dict[str, Column]:
    """Rows as `PG_MOVES` reads them."""
    subscriptions, meters, days, slices, counts, sums, highest = zip(*rows, strict=True) if rows else [()] * 7
    return {
        "ms": Numbers(subscriptions), "mm": Numbers(meters), "md": Days(days), "ml": Names(slices), "mn": Numbers(counts),
        "mu": Numbers(sums), "mx": Numbers([_NONE if each is None else each for each in highest]),
    }  # fmt: skip


def put(rows: Sequence[CounterRow]) -> None:
    """Write counters whole."""
    time = datetime.isoformat if on_postgresql() else lite_time
    _write(_PG_PUT, _LITE_PUT, "smdlnuxftac", [
        (
            row.subscription_id, row.meter_id, row.day.isoformat(), row.slice, row.count, _millionths(row.sum),
            _millionths(row.max), row.first_at and time(row.first_at), row.last_at and time(row.last_at),
            _millionths(row.area), _millionths(row.closing),
        )
        for row in rows
    ])  # fmt: skip


def see(rows: Sequence[ValueRow]) -> None:
    """Note values; each at most once in `rows`."""
    time = datetime.isoformat if on_postgresql() else lite_time
    _write(_PG_SEE, _LITE_SEE, "smdlvpt", [
        (row.subscription_id, row.meter_id, row.day.isoformat(), row.slice, row.value, row.present, time(row.last_at))
        for row in rows
    ])  # fmt: skip


def _write(postgresql: str, lite: str, names: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    if on_postgresql():
        told = [dict(zip(names, row, strict=True)) for row in rows]
        write(postgresql, {"rows": _encode(told).decode()})
    else:
        write(lite, rows)


def _millionths(value: Decimal | None) -> int | None:
    return None if value is None else int(value.scaleb(6))
