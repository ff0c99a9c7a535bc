"""Usage for tests.

    an_event(subscription, meter, 500, at=JAN_10)         a CloudEvent as a provider's system sends it
    report(subscription, meter, 500, at=JAN_10)           stored and counted by the real verb
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from market import db, metering
from market.catalog.models import Aggregation, Meter
from market.metering import Outcome, Verdict
from market.providers.models import Provider
from market.subscriptions import Subscription

#: The source that the keys of tests may use.
SOURCE = "test/meter"

_numbers = count(1)


def never_closed(_organization_ids: Collection[int]) -> Mapping[int, datetime]:
    """No bill is final yet."""
    return {}


def an_event(
    subscription: Subscription,
    meter: Meter,
    value: object = None,
    *,
    at: datetime | None = None,
    id: str = "",
    **changes: Any,
) -> dict[str, Any]:
    """A valid CloudEvent; `changes` replace attributes, None removes one."""
    counting = meter.aggregation is Aggregation.COUNT
    event = {
        "specversion": "1.0",
        "id": id or f"event-{next(_numbers)}",
        "source": SOURCE,
        "type": meter.event_type,
        "subject": subscription.public_id,
        "time": at.astimezone(UTC).isoformat() if at else None,
        "data": {} if counting else {meter.value_property: value},
    } | changes
    return {name: attribute for name, attribute in event.items() if attribute is not None}


def ingest(
    provider: Provider,
    events: list[Any],
    *,
    now: datetime,
    closed: Mapping[int, datetime] | None = None,
    source: str = SOURCE,
    dry_run: bool = False,
) -> list[Verdict]:
    """Hand events in; `closed` says until when organizations' bills are final."""
    return metering.ingest(
        provider, source, events, now=now, closed_until=lambda _ids: closed or {}, dry_run=dry_run
    )


def report(
    subscription: Subscription,
    meter: Meter,
    value: object = None,
    *,
    at: datetime,
    recorded: datetime | None = None,
    id: str = "",
) -> Verdict:
    """One event, stored and counted; it has to be accepted."""
    provider = db.session.get_one(Provider, subscription.provider_id)
    event = an_event(subscription, meter, value, at=at, id=id)
    [verdict] = ingest(provider, [event], now=recorded or at)
    assert verdict.outcome is Outcome.ACCEPTED, verdict
    return verdict
