"""Checking events against their identities, both ways: nothing counted without one, nothing remembered that is not here.

No foreign key looks after events, so this also finds those of a subscription or a provider that is not there. A month
at a time, in the order in which the database has them at hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import exists, func, select

from market import db
from market.kit.period import Period, month_of
from market.metering import archived, store
from market.metering.identity import Keys
from market.metering.models import EventIdentity, Kind, UsageEvent
from market.subscriptions.models import Subscription

#: Events whose identities are looked up at once.
_AT_ONCE = 5000

Told = Callable[[int], object]


class Fault(NamedTuple):
    """Something that events and identities, or events and subscriptions, say differently."""

    what: str
    event: int
    id: str


@dataclass(frozen=True)
class Owners:
    """Every subscription and the provider that sells it."""

    provider: Mapping[int, int]


def owners() -> Owners:
    """As they are now; subscriptions are never deleted."""
    return Owners({id: provider for id, provider in db.session.execute(select(Subscription.id, Subscription.provider_id))})


def event_count(subscription_id: int | None = None) -> int:
    """How many raw events the database has."""
    query = select(func.count()).select_from(UsageEvent)
    if subscription_id is not None:
        query = query.where(UsageEvent.subscription_id == subscription_id)
    return db.session.scalar(query) or 0


def event_months() -> Iterator[Period]:
    """Every month from the first to the last event or identity."""
    edges: list[Any] = []
    for model in (UsageEvent, EventIdentity):
        edges += [at for at in db.session.execute(select(func.min(model.at), func.max(model.at))).one() if at is not None]
    if edges:
        month, last = month_of(min(edges)), max(edges)
        while month.start <= last:
            yield month
            month = month.next()


def faults(month: Period, known: Owners, told: Told, *, subscription_id: int | None = None) -> Iterator[Fault]:
    """What is wrong with a month's events in the database; `told` hears how many have been looked at.

    Of one subscription only whether its events are what they should be.
    """
    inside = [UsageEvent.at >= month.start, UsageEvent.at < month.end]
    if subscription_id is not None:
        inside.append(UsageEvent.subscription_id == subscription_id)
    columns = (
        UsageEvent.id, UsageEvent.provider_id, UsageEvent.subscription_id, UsageEvent.source, UsageEvent.event_id,
        UsageEvent.at, UsageEvent.stored_at, UsageEvent.kind, UsageEvent.corrects,
    )  # fmt: skip
    rows = iter(db.session.execute(select(*columns).where(*inside).execution_options(yield_per=_AT_ONCE)))
    while page := list(islice(rows, _AT_ONCE)):
        yield from unidentified(page)
        yield from _of_nobody(page, known)
        told(len(page))
    if subscription_id is None:
        yield from _twice(month)
        yield from _without_event(month)


def unidentified(page: Sequence[Any]) -> Iterator[Fault]:
    """Events whose identities are missing, or say something else."""
    keys = keys_of(page)
    taken = store.identities(list(keys))
    for key, rows in keys.items():
        identity = taken.get(key)
        for row in rows:
            if identity is None:
                yield Fault("event without identity", row.id, row.event_id)
            elif identity.event != row.id:
                yield Fault("identity names another event", row.id, row.event_id)
            elif (identity.at, identity.stored_at) != (row.at, row.stored_at):
                yield Fault("identity names another time", row.id, row.event_id)


def keys_of(rows: Iterable[Any]) -> dict[bytes, list[Any]]:
    """Events by the keys that their identities should have."""
    near: dict[tuple[int, str], Keys] = {}
    found: dict[bytes, list[Any]] = defaultdict(list)
    for row in rows:
        realm = row.provider_id, row.source
        found[near.setdefault(realm, Keys(*realm)).of(row.event_id)].append(row)
    return found


def _of_nobody(page: Sequence[Any], known: Owners) -> Iterator[Fault]:
    for row in page:
        provider = known.provider.get(row.subscription_id)
        if provider is None:
            yield Fault("event of a subscription that does not exist", row.id, row.event_id)
        elif provider != row.provider_id:
            yield Fault("event of another provider's subscription", row.id, row.event_id)
        if row.corrects is None and row.kind is Kind.REVERSAL:
            yield Fault("reversal of nothing", row.id, row.event_id)


def _twice(month: Period) -> Iterator[Fault]:
    """Numbers that two events share: on PostgreSQL no key over all partitions keeps them apart."""
    inside = UsageEvent.at >= month.start, UsageEvent.at < month.end
    query = select(UsageEvent.id).where(*inside).group_by(UsageEvent.id).having(func.count() > 1)
    yield from (Fault("number of two events", id, "") for id in db.session.scalars(query))


def _without_event(month: Period) -> Iterator[Fault]:
    """Identities of events that are not here: none, or as many as lie in the archive."""
    here = exists().where(
        UsageEvent.id == EventIdentity.event, UsageEvent.at >= month.start, UsageEvent.at < month.end
    )
    gone = EventIdentity.at >= month.start, EventIdentity.at < month.end, ~here
    if (away := archived.month_at(month.start)) is not None:
        number = db.session.scalar(select(func.count()).where(*gone)) or 0
        if away.cleared_at is not None and number != away.rows:
            yield Fault(f"{number} identities without event, and {away.rows} events in the archive", 0, str(away))
        return
    yield from (Fault("identity without event", event, "") for event in db.session.scalars(select(EventIdentity.event).where(*gone)))
