"""Correcting events on their way into the log and out of the counters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, tuple_

from market import db
from market.catalog.models import Meter
from market.kit.period import local_day, month_of
from market.metering import counters, queries
from market.metering.corrections.models import CorrectingEvent
from market.metering.lanes import Billed, band_of, later
from market.metering.models import EventIdentity, UsageEvent
from market.providers.models import Provider
from market.subscriptions.models import Subscription


def held(provider: Provider, subscription_ids: Collection[int]) -> dict[int, queries.Subject]:
    """Let nobody else count for these subscriptions until the transaction ends."""
    query = select(Subscription.public_id).where(Subscription.id.in_(subscription_ids))
    found = queries.hold(provider, db.session.scalars(query).all(), alone=True)
    return {subject.id: subject for subject in found.values()}


def still_here(provider: Provider, added: Sequence[CorrectingEvent]) -> dict[int, UsageEvent]:
    """The events that are to be corrected, by number; archived ones are missing."""
    named = tuple_(UsageEvent.id, UsageEvent.at).in_([(each.corrects, each.at) for each in added])
    query = select(UsageEvent).where(UsageEvent.provider_id == provider.id, named)
    return {event.id: event for event in db.session.scalars(query)}


def store(
    provider: Provider, added: Sequence[CorrectingEvent], subscription_id: int, *, billed: Billed | None, now: datetime
) -> datetime:
    """Add the events, and work the days that they touch out anew. Whoever calls holds the subscription.

    Tells when they are stored: `now`, or after the last cutoff of the firm's bills.
    """
    stored_at = later(now, [billed] if billed else [])
    month, closed = month_of(stored_at).start, billed.until if billed else None
    events = [
        UsageEvent(
            provider_id=provider.id, source=each.source, event_id=each.event_id, kind=each.kind, corrects=each.corrects,
            type=each.type, subscription_id=subscription_id, at=each.at, stored_at=stored_at, data=each.data,
            band=band_of(each.at, closed, month),
        )
        for each in added
    ]  # fmt: skip
    db.session.add_all(events)
    db.session.flush()
    for each, event in zip(added, events, strict=True):
        each.number = event.id
        identity = EventIdentity(key=each.key, payload=each.payload, event=event.id, at=each.at, stored_at=stored_at)
        db.session.add(identity)
    db.session.flush()
    counters.rework(_touched(provider, added, subscription_id))
    return stored_at


def _touched(provider: Provider, added: Sequence[CorrectingEvent], subscription_id: int) -> set[counters.MeterDay]:
    """Every meter's day; also of versions that are not in use any more, since what is taken back may have counted there."""
    days = {(each.type, local_day(each.at)) for each in added}
    own = Meter.provider_id == provider.id, Meter.reads_id.is_(None), Meter.event_type.in_({type for type, _ in days})
    meters = db.session.execute(select(Meter.id, Meter.event_type).where(*own)).all()
    return {(subscription_id, id, day) for id, counted in meters for type, day in days if type == counted}
