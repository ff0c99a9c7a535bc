"""What providers say about how far their reports reach."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from market import db
from market.errors import Invalid
from market.metering.completeness.models import Heartbeat
from market.metering.envelope import TEXT_LIMIT
from market.providers.models import Provider

#: How far a provider's clock may be ahead of ours; and nothing is complete from before there was anything.
SKEW, EARLIEST = timedelta(minutes=5), datetime(2000, 1, 1, tzinfo=UTC)


def beat(
    provider: Provider, source: str, *, until: datetime, type: str = "", now: datetime, dry_run: bool = False
) -> Heartbeat:
    """Everything under `source` that happened before `until` has been reported; of one event type, or of all.

    Said again it moves on and never back, so that what arrives out of order does no harm. Raises Invalid.
    """
    if not EARLIEST <= until <= now + SKEW:
        raise Invalid(fields={"completeUntil": "须是一个不晚于现在的时间。"})
    if len(type) > TEXT_LIMIT or "\0" in type or not type.isprintable():
        raise Invalid(fields={"type": "写一个事件类型，或者不写。"})
    db.serialize(f"heartbeats {provider.id}")
    known = db.session.get(Heartbeat, (provider.id, source, type), populate_existing=True)
    if known is None or dry_run:
        until = max(until, known.complete_until) if known else until
        said = Heartbeat(provider_id=provider.id, source=source, type=type, complete_until=until, said_at=now)
        if not dry_run:
            db.session.add(said)
        return said
    known.complete_until, known.said_at = max(until, known.complete_until), now
    return known


def complete_until(pairs: Collection[tuple[int, str]]) -> dict[tuple[int, str], datetime]:
    """How far the usage of each (provider, event type) is complete: where the slowest of its sources is.

    Missing where the provider says nothing.
    """
    query = select(Heartbeat).where(Heartbeat.provider_id.in_({provider_id for provider_id, _ in pairs}))
    beats = db.session.scalars(query).all() if pairs else []
    found = {pair: _of([each for each in beats if each.provider_id == pair[0]], pair[1]) for pair in pairs}
    return {pair: until for pair, until in found.items() if until is not None}


def _of(beats: Iterable[Heartbeat], type: str) -> datetime | None:
    by_source: dict[str, datetime] = {}
    for each in beats:
        if each.type in ("", type):
            by_source[each.source] = max(each.complete_until, by_source.get(each.source, each.complete_until))
    return min(by_source.values(), default=None)
