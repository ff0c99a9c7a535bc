"""Questions about usage events, and the hold that lets one request at a time count for a subscription."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Select, Text, any_, exists, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute

from market import db
from market.catalog.models import Meter
from market.metering.models import RefusedEvent, UsageEvent
from market.metering.verdicts import Receipt
from market.providers.models import Provider
from market.subscriptions.models import Subscription


class Subject(NamedTuple):
    """What ingestion needs to know of a subscription."""

    id: int
    organization_id: int
    started_at: datetime | None
    #: When it ended or is to end.
    ended_at: datetime | None


class Known(NamedTuple):
    """An event that is stored, or ahead in the same request."""

    digest: str
    receipt: Receipt


def among(column: InstrumentedAttribute[str], values: Collection[str]) -> ColumnElement[bool]:
    """`column IN values`; for PostgreSQL as one array, since a thousand parameters cost more than the search."""
    if db.engine().dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(Text)))
    return column.in_(values)


def hold(provider: Provider, public_ids: Collection[str], *, alone: bool) -> dict[str, Subject]:
    """The provider's own subscriptions among these, held until the transaction ends.

    Held in one order, so two requests wait for each other but never in a circle; `alone` where the counters
    are worked out from what is stored, shared where the database moves them. (SQLite has one writer at a time
    anyway.) Whoever closes a bill takes `hold_all` first: no event then slips in between the
    bill's cutoff and its commit.
    """
    query = select(
        Subscription.public_id, Subscription.id, Subscription.organization_id,
        Subscription.started_at, func.coalesce(Subscription.ended_at, Subscription.cancel_at),
    ).where(Subscription.provider_id == provider.id, among(Subscription.public_id, public_ids))  # fmt: skip
    rows = db.session.execute(query.order_by(Subscription.id).with_for_update(read=not alone, key_share=alone))
    return {row.public_id: Subject(*row[1:]) for row in rows}


def hold_all(subscription_ids: Collection[int]) -> None:
    """Let no usage in for these subscriptions until the transaction ends."""
    query = select(Subscription.id).where(Subscription.id.in_(subscription_ids)).order_by(Subscription.id)
    db.session.execute(query.with_for_update(key_share=True)).all()


def known(provider: Provider, source: str, event_ids: Collection[str]) -> dict[str, Known]:
    """Which of these ids are taken, and by what."""
    query = (
        select(UsageEvent.event_id, UsageEvent.payload_hash, UsageEvent.stored_at, UsageEvent.type,
               Subscription.public_id, UsageEvent.at, UsageEvent.data)
        .join(Subscription, Subscription.id == UsageEvent.subscription_id)
        .where(UsageEvent.provider_id == provider.id, UsageEvent.source == source, among(UsageEvent.event_id, event_ids))
    )  # fmt: skip
    return {row[0]: Known(row[1], Receipt(*row[2:])) for row in db.session.execute(query)}


def meters_by_type(provider: Provider, types: Collection[str], *, at: datetime) -> dict[str, list[Meter]]:
    """The provider's meters at an instant by the event type they count; an event counts for every meter of its type."""
    own = Meter.provider_id == provider.id, Meter.created_at <= at
    query = select(Meter).where(*own, Meter.event_type.in_(types)).order_by(Meter.id)
    meters: dict[str, list[Meter]] = {}
    for meter in db.session.scalars(query):
        meters.setdefault(meter.event_type, []).append(meter)
    return meters


def events_of(
    provider: Provider | None = None, *, subscription: Subscription | None = None, type: str | None = None
) -> Select[UsageEvent]:
    """Stored events, newest first, of a provider, a subscription or a type; a statement to page through."""
    query = select(UsageEvent).order_by(UsageEvent.id.desc())
    if provider is not None:
        query = query.where(UsageEvent.provider_id == provider.id)
    if subscription is not None:
        query = query.where(UsageEvent.subscription_id == subscription.id)
    return query if type is None else query.where(UsageEvent.type == type)


def refused_of(provider: Provider, *, unresolved: bool = False) -> Select[RefusedEvent]:
    """Refused events, newest first; `unresolved` leaves out those whose id was accepted in the meantime."""
    query = select(RefusedEvent).where(RefusedEvent.provider_id == provider.id).order_by(RefusedEvent.id.desc())
    return query.where(_UNRESOLVED) if unresolved else query


def unresolved_count(provider: Provider, *, since: datetime) -> int:
    """How many different events were refused since then and are not accepted yet."""
    named = func.coalesce(func.nullif(RefusedEvent.event_id, ""), RefusedEvent.body)
    query = select(func.count(func.distinct(named))).where(
        RefusedEvent.provider_id == provider.id, RefusedEvent.received_at >= since, _UNRESOLVED
    )
    return db.session.scalar(query) or 0


def subscription_names(events: Sequence[UsageEvent]) -> dict[int, str]:
    """The public ids of the subscriptions these events belong to."""
    query = select(Subscription.id, Subscription.public_id)
    rows = db.session.execute(query.where(Subscription.id.in_({event.subscription_id for event in events})))
    return dict(rows.all())


def last_event_at(
    provider: Provider | None = None, *, subscription: Subscription | None = None
) -> datetime | None:
    """When the latest event of a provider or a subscription was stored."""
    return db.session.scalar(events_of(provider, subscription=subscription).with_only_columns(UsageEvent.stored_at).limit(1))


# A conflict stays: the id is taken by another event, so it cannot be resent.
_UNRESOLVED = (RefusedEvent.code == "conflict") | ~exists().where(
    UsageEvent.provider_id == RefusedEvent.provider_id,
    UsageEvent.source == RefusedEvent.source,
    UsageEvent.event_id == RefusedEvent.event_id,
)
