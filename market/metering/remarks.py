"""Remarks: what came late or corrects something, as dated lines that provider and buyer both read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select

from market import db
from market.kit.period import Period, local_day
from market.metering.models import UNUSUAL, Band, Kind, UsageEvent

#: So many events are looked at, the latest uses first; a flood of late ones shall not make a page slow.
MOST = 2000


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


def remarks(subscription_ids: Collection[int], period: Period) -> Sequence[Remark]:
    """What was out of the ordinary about the use in a period, what came in last first."""
    query = (
        select(
            UsageEvent.subscription_id, UsageEvent.type, UsageEvent.at, UsageEvent.kind, UsageEvent.band, UsageEvent.stored_at
        )
        .where(UsageEvent.subscription_id.in_(subscription_ids), UNUSUAL)
        .where(UsageEvent.at >= period.start, UsageEvent.at < period.end)
        .order_by(UsageEvent.at.desc())
        .limit(MOST)
    )
    found: dict[tuple[object, ...], Remark] = {}
    for subscription_id, event_type, at, kind, band, stored_at in db.session.execute(query):
        key = subscription_id, event_type, local_day(at), kind, band, local_day(stored_at)
        known = found.get(key)
        noted_at, number = (max(known.noted_at, stored_at), known.number + 1) if known else (stored_at, 1)
        found[key] = Remark(subscription_id, event_type, local_day(at), kind, band, noted_at, number)
    return sorted(found.values(), key=lambda remark: (remark.noted_at, remark.day), reverse=True)
