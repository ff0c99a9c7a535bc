"""Transactions told apart by what a single one came to, for prices with a least or a most for each.

No counter says that, so it is read from the events that stand, of which the database tells day and amount and no
more; only as much is kept apart as the prices need. A month of 20,000 transactions takes some tens of milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from market.catalog.models import Filter, Meter
from market.kit.period import Period
from market.metering import archived, counts, values
from market.rating import Transactions
from market.statements import Rows, Statement

_MILLION = 1_000_000
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_AMOUNTS = """
    SELECT subscription_id, {(timezone('Asia/Shanghai', at))::date|date(at, '+8 hours')}, {(data->CAST(:name AS text))::text|data->CAST(:name AS text)}
    FROM usage_events
    WHERE subscription_id IN :ids AND type = :type AND at >= :start AND at < :end AND kind <> 'reversal'
        AND stored_at >= :since AND stored_at < :until
"""
_EVERY = Statement(_AMOUNTS)
#: Of them, what was taken back. The index of unusual events finds its corrections.
_TAKEN_BACK = Statement(
    _AMOUNTS
    + """ AND id IN (
        SELECT corrects FROM usage_events
        WHERE subscription_id IN :ids AND at >= :start AND at < :end AND corrects IS NOT NULL AND (band <> 'on_time' OR kind <> 'usage')
    )"""
)


#: A transaction: subscription, local day, amount in millionths of the priced unit, and −1 for one that was taken back.
_Seen = tuple[int, date, int, int]


def transactions(
    subscription_ids: Collection[int], meter: Meter, period: Period, *, bounds: Sequence[int], only: Filter | None = None
) -> dict[int, dict[date, Transactions]]:
    """By subscription and local day, in groups between `bounds`: the amounts, in millionths, from which on another
    price counts. Raises EventsArchived where the events are no longer here.
    """
    archived.refuse(period, list(subscription_ids))
    cuts = sorted(set(bounds))
    counted: dict[tuple[int, date, int], list[int]] = defaultdict(lambda: [0, 0])
    seen = _all(subscription_ids, meter, period) if only is None else _one_by_one(subscription_ids, meter, period, only)
    for subscription_id, day, amount, times in seen:
        group = counted[subscription_id, day, bisect_right(cuts, amount)]
        group[0] += times
        group[1] += times * amount
    days: dict[int, dict[date, Transactions]] = defaultdict(dict)
    for (subscription_id, day, _), (count, total) in sorted(counted.items()):
        before = days[subscription_id].get(day, Transactions())
        more = Transactions.alike(count, Decimal(total).scaleb(-6))
        days[subscription_id][day] = Transactions.together([before, more])
    return dict(days)


def _all(subscription_ids: Collection[int], meter: Meter, period: Period) -> Iterator[_Seen]:
    asked = {
        "ids": sorted(subscription_ids), "type": meter.event_type, "name": meter.value_property, "start": period.start,
        "end": period.end, "since": meter.counts_from or meter.created_at, "until": meter.retired_at or _NEVER,
    }  # fmt: skip
    yield from _seen(_EVERY.run(**asked), meter, 1)
    yield from _seen(_TAKEN_BACK.run(**asked), meter, -1)


def _seen(rows: Rows, meter: Meter, sign: int) -> Iterator[_Seen]:
    days = {day: date.fromisoformat(day) if isinstance(day, str) else day for day in {row[1] for row in rows}}
    unit, half = meter.unit_size, meter.unit_size // 2
    for subscription_id, day, written in rows:
        number = written.strip('"')
        # Most amounts are whole; Decimal takes four times as long.
        amount = int(number) * _MILLION if number.isdigit() else int(Decimal(number) * _MILLION)
        yield subscription_id, days[day], (amount + half) // unit, sign


def _one_by_one(subscription_ids: Collection[int], meter: Meter, period: Period, only: Filter) -> Iterator[_Seen]:
    """Where a price picks by a dimension, whose values only Python reads as they are meant."""
    for count in counts.of_events(subscription_ids, [meter], period.start, period.end):
        subscription_id, _, day, slice = count.key
        if values.matches(meter, slice, only):
            yield subscription_id, day, (int(count.value * _MILLION) + meter.unit_size // 2) // meter.unit_size, 1
