"""All of metering checked: counters against events, events against identities, whichever tables they are in.

Each subscription, and each month of identities, is one unchanging view of the data, so that usage may come in meanwhile.
Nothing is held longer than a month of one subscription takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from market import db
from market.catalog.models import Meter
from market.metering import census, verification
from market.metering.census import Fault
from market.metering.verification import Difference
from market.subscriptions.models import Subscription

Finding = Difference | Fault

#: Tells how far the check has come: what is being looked at, how much of it there is, and how much has been done.
Told = Callable[[str, int, int], object]


@dataclass
class Looked:
    """What a check has looked at."""

    counts: Counter[str] = field(default_factory=Counter)


def inspect(looked: Looked, told: Told, *, subscription_id: int | None = None) -> Iterator[Finding]:
    """Everything that is not as it should be; of one subscription, if one is named."""
    yield from _counters(looked, told, subscription_id)
    yield from _events(looked, told, subscription_id)


def _counters(looked: Looked, told: Told, only: int | None) -> Iterator[Finding]:
    with db.transaction(readonly=True):
        query = select(Subscription.id, Subscription.provider_id).order_by(Subscription.provider_id, Subscription.id)
        known = [(id, provider) for id, provider in db.session.execute(query) if only in (None, id)]
    meters: dict[int, Sequence[Meter]] = {}
    for id, provider in known:
        with db.snapshot():
            if provider not in meters:
                meters[provider] = verification.meters_of(provider)
            for month in verification.months_of(id):
                yield from verification.verify_month(id, month, meters[provider])
        looked.counts["subscriptions"] += 1
        told("counters", len(known), 1)


def _events(looked: Looked, told: Told, only: int | None) -> Iterator[Finding]:
    with db.snapshot():
        total = census.event_count(only)
        months = list(census.event_months())

    def more(number: int) -> None:
        looked.counts["events"] += number
        told("identities", total, number)

    for month in months:
        with db.snapshot():
            yield from census.faults(month, census.owners(), more, subscription_id=only)
