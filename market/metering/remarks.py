"""Remarks: what came late or corrects something, as dated lines that provider and buyer both read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select, union_all

from market import db
from market.kit.period import Period, local_day
from market.metering.calendar import day_of
from market.metering.models import UNUSUAL, Band, Kind, UsageEvent

#: So many events of a subscription are counted, the latest uses first; a flood of late ones shall not make a page slow.
MOST = 5000


class Remark(NamedTuple):
    """Events of one type and kind, about the use of one day, that came in on one day."""

    subscription_id: int
    event_type: str
    #: When the use happened.
    day: date
    kind: Kind
    band: Band
    #: When the last of them came in.
    noted_at: datetime
    number: int
    #: Whether counting ended on this day, so that there may be more than `number`, and earlier days with remarks.
    more: bool = False


def remarks(
    subscription_ids: Collection[int], period: Period, *, reach: timedelta = timedelta(0), most: int = MOST
) -> Sequence[Remark]:
    """What was out of the ordinary about the use in a period, what came in last first.

    With `reach` also what came after the bill about the use so long before it. The database counts.
    """
    before = Period(period.start - reach, period.start)
    asked = [_newest(id, period, most) for id in sorted(set(subscription_ids))]
    if reach:
        asked += [_newest(id, before, most, UsageEvent.band == Band.VERY_LATE) for id in sorted(set(subscription_ids))]
    if not asked:
        return []
    found = [
        Remark(row.subscription_id, row.type, local_day(row.first_at), row.kind, row.band, row.noted_at, row.number)
        for row in db.session.execute(_grouped(union_all(*asked).subquery()))
    ]
    inside = [remark for remark in found if remark.day >= period.first_day]
    cut = _cut(inside, most) | _cut([remark for remark in found if remark not in inside], most)
    found = [remark._replace(more=(remark.subscription_id, remark.day) in cut) for remark in found]
    return sorted(found, key=lambda remark: (remark.noted_at, remark.day), reverse=True)


def _newest(subscription_id: int, period: Period, most: int, *narrower: Any) -> Select[Any]:
    """The latest events of one subscription: the index knows their order, for several they would all be read and sorted."""
    query = (
        select(
            UsageEvent.subscription_id, UsageEvent.type, UsageEvent.at, UsageEvent.kind, UsageEvent.band, UsageEvent.stored_at
        )
        .where(UsageEvent.subscription_id == subscription_id, UNUSUAL, *narrower)
        .where(UsageEvent.at >= period.start, UsageEvent.at < period.end)
        .order_by(UsageEvent.at.desc())
        .limit(most)
    )
    return select(query.subquery())


def _grouped(events: Any) -> Select[Any]:
    of = events.c
    return select(
        of.subscription_id, of.type, of.kind, of.band, func.min(of.at).label("first_at"),
        func.max(of.stored_at).label("noted_at"), func.count().label("number"),
    ).group_by(of.subscription_id, of.type, of.kind, of.band, day_of(of.at), day_of(of.stored_at))  # fmt: skip


def _cut(found: Sequence[Remark], most: int) -> set[tuple[int, date]]:
    """The subscriptions of which not everything was counted, with the earliest day that was."""
    counted: dict[int, int] = {}
    for remark in found:
        counted[remark.subscription_id] = counted.get(remark.subscription_id, 0) + remark.number
    return {
        (id, min(remark.day for remark in found if remark.subscription_id == id)) for id, number in counted.items() if number >= most
    }
