"""How many different values a `unique_count` meter saw: exact over any days, which is not the sum of the days.

A value is there from the day whose last event with it adds it until the day whose last event with it removes it; the
period begins empty. With dimensions a value is there while any of the slices has it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Integer, case, func, select

from market import db
from market.catalog.models import Filter, Meter
from market.kit.period import Period
from market.metering import counts, values
from market.metering.models import UsageValue

#: Subscription and the group of slices.
Group = tuple[int, tuple[str | None, ...]]
#: Slice, value, and whether it was there at the end of the day.
_Seen = tuple[str, str, bool]


class Tally(NamedTuple):
    """A day's different values, and by how many those of the period so far changed on it."""

    on_day: int
    change: int


def tallies(
    meter: Meter, subscription_ids: Collection[int], period: Period, *, only: Filter | None = None, by: Sequence[str] = ()
) -> dict[Group, dict[date, Tally]]:
    """Each day's tally by subscription and group; days without events are left out."""
    found: dict[Group, dict[date, Tally]] = defaultdict(dict)
    if not meter.dimensions:
        for subscription_id, day, on_day, change in _plain(meter, subscription_ids, period):
            found[subscription_id, tuple(None for _ in by)][day] = Tally(on_day, change)
        return found
    # Slices are few and rows are many, so each slice is read once.
    groups: dict[str, tuple[str | None, ...] | None] = {}
    seen: dict[Group, dict[date, list[_Seen]]] = defaultdict(lambda: defaultdict(list))
    for subscription_id, day, slice, value, present in _rows(meter, subscription_ids, period):
        if slice not in groups:
            groups[slice] = values.group_of(meter, slice, by) if values.matches(meter, slice, only) else None
        group = groups[slice]
        if group is not None:
            seen[subscription_id, group][day].append((slice, value, present))
    return {group: dict(_walk(days)) for group, days in seen.items()}


def _walk(days: Mapping[date, Sequence[_Seen]]) -> Iterator[tuple[date, Tally]]:
    """Days in their order; of each value it is counted how many slices have it."""
    holding, holders = set[tuple[str, str]](), Counter[str]()
    for day, seen in days.items():
        before = len(holders)
        for slice, value, present in seen:
            if present and (slice, value) not in holding:
                holding.add((slice, value))
                holders[value] += 1
            elif not present and (slice, value) in holding:
                holding.remove((slice, value))
                holders[value] -= 1
                if not holders[value]:
                    del holders[value]
        yield day, Tally(len({value for _slice, value, present in seen if present}), len(holders) - before)


def _rows(meter: Meter, subscription_ids: Collection[int], period: Period) -> Iterator[Any]:
    columns = (UsageValue.subscription_id, UsageValue.day, UsageValue.slice, UsageValue.value, UsageValue.present)
    for page in counts.pages(sorted(subscription_ids)):
        yield from db.session.execute(select(*columns).where(*_inside(meter, page, period)).order_by(UsageValue.day))


def _plain(meter: Meter, subscription_ids: Collection[int], period: Period) -> Iterator[Any]:
    """Without slices the database counts: what each day's last event with a value changed since the one before."""
    present = case((UsageValue.present, 1), else_=0)
    before = func.lag(present, 1, 0).over(
        partition_by=(UsageValue.subscription_id, UsageValue.value), order_by=UsageValue.day
    )
    for page in counts.pages(sorted(subscription_ids)):
        seen = (
            select(
                UsageValue.subscription_id, UsageValue.day, present.label("present"),
                (present - before).label("change"),
            )
            .where(*_inside(meter, page, period))
            .subquery()
        )  # fmt: skip
        totals = (func.sum(seen.c.present, type_=Integer), func.sum(seen.c.change, type_=Integer))
        query = select(seen.c.subscription_id, seen.c.day, *totals).group_by(seen.c.subscription_id, seen.c.day)
        yield from db.session.execute(query)


def _inside(meter: Meter, subscription_ids: Sequence[int], period: Period) -> tuple[Any, ...]:
    return (
        UsageValue.subscription_id.in_(subscription_ids),
        UsageValue.meter_id == meter.counter_id,
        UsageValue.day >= period.first_day,
        UsageValue.day <= period.last_day,
    )
