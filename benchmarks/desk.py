"""What a reporting provider holds for the benchmarks: keys, meters, subscriptions; and the events it reports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, select

from market import accounts, audit, catalog, db, providers, resources
from market.catalog import Aggregation, generator
from market.catalog.models import Plan
from market.subscriptions import Subscription, SubscriptionStatus

SOURCE = "/bench"
PROVIDER = "telecom-guangdong"
#: Its plans charge a monthly fee and what was measured.
OFFERING = "cloud-server"
#: A key may ask 2,000 times a second; so many keys of one provider report side by side.
KEYS = 4
PER_FIRM = 4
_REGIONS = ("gz-1", "gz-2", "sz-1", "st-1")


@dataclass(frozen=True)
class Measure:
    """What an event needs to know of the meter it is for."""

    id: int
    type: str
    property: str


@dataclass(frozen=True)
class Desk:
    """The provider's keys, the meters by aggregation, and the subscriptions it reports for (id, public id)."""

    keys: list[str]
    provider_id: int
    measures: dict[str, list[Measure]]
    subscriptions: list[tuple[int, str]]

    @property
    def simple(self) -> list[Measure]:
        """The meters whose counters the database moves by itself: counts, sums, maxima."""
        return [each for kind in ("count", "sum", "max") for each in self.measures.get(kind, [])]

    def of(self, first: int, beyond: int) -> Desk:
        """The same with some of the subscriptions."""
        return replace(self, subscriptions=self.subscriptions[first:beyond])

    def few(self) -> Desk:
        """The same with a handful of subscriptions."""
        return self.of(2, 7)

    def gauges(self) -> Desk:
        """The same with nothing but time-weighted meters."""
        return replace(self, measures={"sum": self.measures.get("time_weighted", [])})


class Stream(Random):
    """A repeatable stream of events; nothing secret comes from it.

    Their ids are random, as UUIDs are; with `counting` they count up, as those of most programs do.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._run, self._number = self.getrandbits(48), 0

    def event(
        self, desk: Desk, before: datetime, *, within: timedelta = timedelta(hours=1), counting: bool = False
    ) -> bytes:
        """One event of about 212 bytes, as a provider's system would write it."""
        measure = self.choice(desk.simple)
        value = f'"{measure.property}":{self.randrange(1, 9999) / 100},' if measure.property else ""
        subject = self.choice(desk.subscriptions)[1]
        when = before.astimezone(UTC) - timedelta(seconds=self.uniform(1, within.total_seconds()))
        return (
            f'{{"specversion":"1.0","id":"{self._id(counting)}","source":"{SOURCE}","type":"{measure.type}","subject":"{subject}",'
            f'"time":"{when:%Y-%m-%dT%H:%M:%S}Z","data":{{{value}"region":"{self.choice(_REGIONS)}"}}}}'
        ).encode()

    def _id(self, counting: bool) -> str:
        if not counting:
            return str(uuid.UUID(int=self.getrandbits(128)))
        self._number += 1
        return f"{self._run:012x}-{self._number:023d}"

    def batch(self, desk: Desk, before: datetime, size: int, **how: Any) -> bytes:
        """So many events as one body."""
        return b"[" + b",".join(self.event(desk, before, **how) for _ in range(size)) + b"]"

    def mixed(self, desk: Desk, before: datetime, earlier: Sequence[bytes], size: int) -> bytes:
        """Of ten events seven are new, one is known already, one differs from a known one, one is for nobody we know."""
        events = []
        for number in range(size):
            kind = number % 10
            event = self.choice(earlier) if kind in (7, 8) else self.event(desk, before)
            if kind == 8:
                event = event.replace(b'"region":"', b'"region":"not-')
            elif kind == 9:
                event = event.replace(b'"subject":"sub_', b'"subject":"nobody_')
            events.append(event)
        self.shuffle(events)
        return b"[" + b",".join(events) + b"]"


def report_time() -> datetime:
    """Events happen within the hour before this."""
    return datetime.now(UTC) - timedelta(seconds=5)


def furnish(subscriptions: int) -> Desk:
    """Keys for the sample operator and live subscriptions to its plans, four for each made-up firm."""
    now, by = resources.clock.now(), audit.system("bench")
    firms = -(-subscriptions // PER_FIRM)
    for _ in generator.generate(listings=0, organizations=firms, seed=7, at=now - timedelta(days=90)):
        pass
    with db.transaction():
        provider = providers.provider_by_slug(PROVIDER)
        keys = [
            accounts.issue_key(
                provider.organization, name=f"bench {number}", source=SOURCE, scopes=["events:write"], by=by, at=now
            )[1]
            for number in range(1, KEYS + 1)
        ]
        user = accounts.add_user(email="bench@market.example", name="示例压测员", password_hash="", at=now)
        db.session.flush()
        rows = list(_rows(provider.id, user.id, subscriptions, now))
        db.session.execute(insert(Subscription), rows)
        query = select(Subscription.id, Subscription.public_id).where(Subscription.accepted_by_id == user.id)
        made = [(id, public_id) for id, public_id in db.session.execute(query.order_by(Subscription.id))]
        measures: dict[str, list[Measure]] = {}
        for meter in catalog.meters_of(provider):
            if meter.event_type is not None:
                measures.setdefault(Aggregation(meter.aggregation).value, []).append(
                    Measure(meter.id, meter.event_type, meter.value_property)
                )
        return Desk(keys, provider.id, measures, made)


def _rows(provider_id: int, user_id: int, number: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Live subscriptions as if set up forty days ago."""
    chance, at = Stream(7), now - timedelta(days=40)
    plan = db.session.scalars(
        select(Plan).join(Plan.offering)
        .where(catalog.Offering.provider_id == provider_id, catalog.Offering.slug == OFFERING).order_by(Plan.id).limit(1)
    ).one()  # fmt: skip
    revision = db.session.scalars(
        select(catalog.OfferingRevision.id).where(catalog.OfferingRevision.offering_id == plan.offering_id).limit(1)
    ).one()
    firms = db.session.scalars(
        select(accounts.Organization.id).where(accounts.Organization.kind == accounts.OrganizationKind.BUYER)
        .order_by(accounts.Organization.id)
    ).all()  # fmt: skip
    for place in range(number):
        yield {
            "public_id": f"sub_{chance.getrandbits(80):020x}", "organization_id": firms[place % len(firms)],
            "provider_id": provider_id, "plan_id": plan.id, "revision_id": revision,
            "status": SubscriptionStatus.ACTIVE, "estimate": {}, "terms_hash": "0" * 64, "accepted_by_id": user_id,
            "ordered_at": at, "started_at": at, "version": 1,
        }  # fmt: skip
