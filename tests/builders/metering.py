"""Usage for tests.

    an_event(subscription, meter, 500, at=JAN_10)         a CloudEvent as a provider's system sends it
    report(subscription, meter, 500, at=JAN_10)           stored and counted by the real verb
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from io import BytesIO
from itertools import count
from typing import Any

from market import db, metering
from market.accounts.models import User
from market.catalog.models import Aggregation, Meter
from market.metering import Billed, Outcome, Verdict, uploads
from market.metering.uploads import UsageUpload
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import an_actor

#: The source that the keys of tests may use.
SOURCE = "test/meter"

_numbers = count(1)


def never_closed(_organization_ids: Collection[int]) -> Mapping[int, Billed]:
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


def a_file(subscription: Subscription, user: User) -> UsageUpload:
    """An uploaded file with a line that counts nothing, waiting to be taken in."""
    provider = db.session.get_one(Provider, subscription.provider_id)
    content = b"id,type,subject,time,value\nline-1,none,sub_none,2026-11-18T09:00:00+08:00,1\n"
    return uploads.receive(
        provider, BytesIO(content), filename="usage.csv", source=SOURCE, dry_run=False, request_key=str(next(_numbers)),
        user=user, by=an_actor(user), at=datetime(2026, 11, 18, 2, tzinfo=UTC),
    )  # fmt: skip


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
    billed = {id: Billed(until, None) for id, until in (closed or {}).items()}
    return metering.ingest(provider, source, events, now=now, closed_until=lambda _ids: billed, dry_run=dry_run)


def report(
    subscription: Subscription,
    meter: Meter,
    value: object = None,
    *,
    at: datetime,
    recorded: datetime | None = None,
    id: str = "",
    **labels: str,
) -> Verdict:
    """One event, stored and counted; it has to be accepted. `labels` are further values in its data."""
    provider = db.session.get_one(Provider, subscription.provider_id)
    event = an_event(subscription, meter, value, at=at, id=id)
    event["data"] |= labels
    [verdict] = ingest(provider, [event], now=recorded or at)
    assert verdict.outcome is Outcome.ACCEPTED, verdict
    return verdict
