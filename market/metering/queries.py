"""Questions about usage events, and the hold that lets one request at a time count for a subscription."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, Select, func, select

from market import db
from market.catalog.models import Aggregation, Meter
from market.metering.identity import Identity
from market.metering.models import UsageEvent
from market.metering.verdicts import Receipt
from market.providers.models import Provider
from market.statements import Rows, Statement, instant
from market.subscriptions.models import Subscription


class Reporter(Protocol):
    """Who reports: a provider, of which nothing but its number is needed."""

    @property
    def id(self) -> int: ...


class Counting(NamedTuple):
    """What ingestion needs to know of a meter; enough for one whose counters the database moves by itself."""

    id: int
    aggregation: Aggregation
    value_property: str
    plain: bool


class Subject(NamedTuple):
    """What ingestion needs to know of a subscription."""

    id: int
    organization_id: int
    started_at: datetime | None
    #: When it ended or is to end.
    ended_at: datetime | None


# What has dimensions, or another aggregation, is not moved by the database itself.
_PLAIN = "aggregation IN ('sum', 'count', 'max') AND dimensions = '[]'"
_COUNTING = """provider_id = :provider_id AND event_type IN :types AND created_at <= :at AND reads_id IS NULL
        AND (retired_at IS NULL OR retired_at > :at)"""
_METERS = Statement(
    f"SELECT id, event_type, aggregation, value_property, {_PLAIN} FROM meters WHERE {_COUNTING} ORDER BY id"
)
# On PostgreSQL one by one, found first and then held in the order of their numbers: before a table has statistics, or where
# a provider has most of it, the planner would rather read all the subscriptions that the provider has. (Of a sum no index knows.)
_HELD = """
    SELECT public_id, id, organization_id, started_at, coalesce(ended_at, cancel_at) AS ended_at FROM subscriptions
    WHERE provider_id + 0 = :provider_id AND """
_HOLD = (
    """{SELECT held.* FROM (
        SELECT found.id FROM unnest(:public_ids::text[]) AS wanted(public_id)
        CROSS JOIN LATERAL (SELECT id FROM subscriptions WHERE public_id = wanted.public_id LIMIT 1) AS found %s ORDER BY found.id
    ) AS found CROSS JOIN LATERAL (""" + _HELD + "id = found.id LIMIT 1 %s) AS held|" + _HELD + "public_id IN :public_ids ORDER BY id}"
)
_HOLD_SHARED, _HOLD_ALONE = Statement(_HOLD % ("", "FOR SHARE")), Statement(_HOLD % ("", "FOR NO KEY UPDATE"))
# Nothing, where these events count for a meter for which the subscriptions are to be held alone.
_HOLD_FOR_PLAIN = Statement(_HOLD % (f"WHERE NOT EXISTS (SELECT FROM meters WHERE {_COUNTING} AND NOT ({_PLAIN}))", "FOR SHARE"))


class Asking:
    """What counts events of some types, and the subscriptions they are for, asked for in one go.

    The subscriptions are held until the transaction ends: alone where a counter has to be worked out from what is
    stored, shared where the database moves them. Which of both it is PostgreSQL finds out as it goes along.
    """

    def __init__(self, provider: Reporter, types: Collection[str], public_ids: Collection[str], *, at: datetime) -> None:
        db.flush()
        self._provider, self._public_ids = provider, public_ids
        given = {"provider_id": provider.id, "types": [*types], "at": at}
        self._held = _HOLD_FOR_PLAIN.ask(**given, public_ids=[*public_ids])
        self._meters = _METERS.ask(**given)
        #: Whether what was asked for right after this has been answered with the subscriptions held.
        self.held_at_once = False
        self.subjects: Mapping[str, Subject] = {}

    def answered(self) -> tuple[dict[str, list[Counting]], Mapping[str, Subject]]:
        """The meters by the event type that they count, and the provider's own subscriptions."""
        meters = _by_type(self._meters.rows())
        alone = not all(meter.plain for counting in meters.values() for meter in counting)
        held = self._held.rows()
        self.held_at_once = not db.on_postgresql() or bool(held and not alone)
        self.subjects = _subjects(held) if self.held_at_once else hold(self._provider, self._public_ids, alone=alone)
        return meters, self.subjects


def hold(provider: Reporter, public_ids: Collection[str], *, alone: bool) -> dict[str, Subject]:
    """The provider's own subscriptions among these, held until the transaction ends.

    Held in one order, so two requests wait for each other but never in a circle. (SQLite has one writer at a time
    anyway.) Whoever closes a bill takes `hold_all` first: no event then slips in between the
    bill's cutoff and its commit.
    """
    db.flush()
    return _subjects((_HOLD_ALONE if alone else _HOLD_SHARED).run(provider_id=provider.id, public_ids=[*public_ids]))


def _subjects(rows: Rows) -> dict[str, Subject]:
    return {
        public_id: Subject(id, organization_id, instant(started_at), instant(ended_at))
        for public_id, id, organization_id, started_at, ended_at in rows
    }


def hold_all(which: ColumnElement[bool]) -> None:
    """Let no usage in for the subscriptions of which this is true until the transaction ends."""
    query = select(Subscription.id).where(which).order_by(Subscription.id)
    db.session.execute(query.with_for_update(key_share=True)).all()


def receipts(provider: Reporter, identities: Collection[Identity]) -> dict[int, Receipt]:
    """What is still here of the events that these identities stand for, by their numbers."""
    numbers = {each.event: each for each in identities}
    query = (
        select(UsageEvent.id, UsageEvent.type, Subscription.public_id, UsageEvent.data)
        .join(Subscription, Subscription.id == UsageEvent.subscription_id)
        .where(UsageEvent.provider_id == provider.id, UsageEvent.id.in_(numbers))
    )
    rows = {id: rest for id, *rest in db.session.execute(query)} if numbers else {}
    return {
        number: Receipt(each.stored_at, each.at, *rows.get(number, ("", "", None))) for number, each in numbers.items()
    }


def _by_type(rows: Rows) -> dict[str, list[Counting]]:
    meters: dict[str, list[Counting]] = {}
    for id, type, aggregation, value_property, plain in rows:
        meters.setdefault(type, []).append(Counting(id, Aggregation(aggregation), value_property, bool(plain)))
    return meters


def meters_by_type(provider: Reporter, types: Collection[str], *, at: datetime) -> dict[str, list[Meter]]:
    """The provider's meters with counters of their own, at an instant, by the event type they count.

    An event counts for every meter of its type.
    """
    db.flush()
    found = _by_type(_METERS.run(provider_id=provider.id, types=[*types], at=at))
    whole = whole_meters([meter.id for meters in found.values() for meter in meters])
    return {type: [whole[meter.id] for meter in meters] for type, meters in found.items()}


def whole_meters(ids: Collection[int]) -> dict[int, Meter]:
    """Meters with everything they say, by their numbers."""
    return {meter.id: meter for meter in db.session.scalars(select(Meter).where(Meter.id.in_(ids)))} if ids else {}


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


def last_used(subscription_ids: Collection[int], meter_ids: Collection[int]) -> dict[tuple[int, int], datetime]:
    """When the latest use happened that each meter of each subscription counted; one look into an index for each."""
    latest = (
        select(func.max(UsageEvent.at))
        .where(UsageEvent.subscription_id == Subscription.id, UsageEvent.type == Meter.event_type)
        .scalar_subquery()
    )
    query = select(Subscription.id, Meter.id, latest).join(Meter, Meter.provider_id == Subscription.provider_id)
    rows = db.session.execute(query.where(Subscription.id.in_(subscription_ids), Meter.id.in_(meter_ids)))
    return {(subscription_id, meter_id): at for subscription_id, meter_id, at in rows if at is not None}
