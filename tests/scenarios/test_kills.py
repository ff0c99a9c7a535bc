"""Usage while servers and databases die: what was acknowledged is there once, and the counters say what the events say."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from glob import glob
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from market import accounts, db, metering, resources, schema
from market.accounts import Organization
from market.catalog.models import Aggregation, Meter, TimeBase
from market.config import Settings
from market.metering import Looked, UsageEvent
from market.metering.models import EventIdentity
from tests.builders.accounts import EARLY, an_actor
from tests.builders.catalog import a_meter, a_plan
from tests.builders.metering import SOURCE
from tests.builders.subscriptions import a_subscription
from tests.conftest import DATABASES
from tests.support.kills import Database, Ruin, Sender, own_postgresql, pairs, servers

EVENTS = 60
KINDS: dict[str, tuple[Aggregation, list[str]]] = {
    "requests": (Aggregation.SUM, []),
    "peak": (Aggregation.MAX, ["region"]),
    "disk": (Aggregation.TIME_WEIGHTED, []),
    "seats": (Aggregation.LATEST, ["region"]),
    "users": (Aggregation.UNIQUE_COUNT, []),
}


@dataclass(frozen=True)
class Shop:
    """A provider's meters, its key, and subscriptions of its customers."""

    secret: str
    types: dict[str, str]
    subjects: list[str]
    now: datetime
    seed: int

    def batch(self, pair: int, turn: int) -> bytes:
        """The same for ever; some events stand twice in it, some stood in the one before."""
        chance = random.Random(f"{self.seed} {pair} {turn}")
        numbers = [*range(turn * EVENTS, (turn + 1) * EVENTS), *(chance.randrange((turn + 1) * EVENTS) for _ in range(6))]
        chance.shuffle(numbers)
        return json.dumps([self.event(pair, number) for number in numbers]).encode()

    def event(self, pair: int, number: int) -> dict[str, Any]:
        chance = random.Random(f"{self.seed} {pair} {number}")
        kind = chance.choice(sorted(KINDS))
        at = self.now - timedelta(seconds=chance.randrange(3 * 24 * 3600))
        value: object = f"user-{chance.randrange(40)}" if kind == "users" else chance.randrange(1000)
        return {
            "specversion": "1.0", "id": f"{pair}-{number}", "source": SOURCE, "type": self.types[kind],
            "subject": chance.choice(self.subjects), "time": at.isoformat(),
            "data": {"value": value, "region": chance.choice(["gz", "sz"])},
        }  # fmt: skip


def a_shop(seed: int) -> Shop:
    plan = a_plan(monthly="1.00")
    provider = plan.offering.provider
    meters: dict[str, Meter] = {
        name: a_meter(
            provider, name, aggregation=aggregation, dimensions=dimensions,
            time_base=TimeBase.HOUR if aggregation is Aggregation.TIME_WEIGHTED else TimeBase.NONE,
        )
        for name, (aggregation, dimensions) in KINDS.items()
    }  # fmt: skip
    subjects = [a_subscription(plan).public_id for _ in range(4)]
    organization = db.session.get_one(Organization, provider.organization_id)
    _key, secret = accounts.issue_key(organization, name="test", source=SOURCE, scopes=["events:write"], by=an_actor(), at=EARLY)
    types = {name: meter.event_type for name, meter in meters.items()}
    return Shop(secret, types, subjects, datetime.now(UTC) - timedelta(minutes=1), seed)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of its own, on a server of its own."""
    if request.param == "sqlite":
        yield Database(f"sqlite:///{tmp_path / 'market.db'}")
        return
    if not glob("/usr/lib/postgresql/*/bin/initdb"):
        pytest.skip("no PostgreSQL to kill")
    with TemporaryDirectory(prefix="market-kills-") as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as another user
        folder = Path(made) / "postgres"
        with own_postgresql(folder) as url:
            yield Database(url, folder)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[Settings]:
    folder = tmp_path / "data"
    folder.mkdir()
    settings = Settings(data_dir=folder, database_url=database.url, secret_key="0123456789abcdef" * 3)
    resources.install(settings)
    db.connect(settings.database_url)
    schema.upgrade()
    yield settings
    db.disconnect()


def rounds(seed: int, database: Database, settings: Settings, *, kills: int, pause: float, web: int = 2, rest: float = 0) -> str:
    """Batches by four clients through independent servers, with so many kills; checks everything, tells the figures."""
    with db.transaction():
        shop = a_shop(seed)
    db.disconnect()
    stop = Event()
    with servers(replace(settings), web) as running, ThreadPoolExecutor(1) as pool:
        senders = [Sender(running, shop.secret, seed * 100 + number) for number in range(4)]
        sending = pool.submit(pairs, senders, shop.batch, stop, rest)
        ruin = Ruin(seed, running, database)
        try:
            ruin.go(kills, pause, lambda: sum(each.heard for each in senders))
        finally:
            stop.set()
        batches = sending.result()
    db.connect(settings.database_url)
    return check(shop, senders, ruin, batches)


def check(shop: Shop, senders: list[Sender], ruin: Ruin, batches: int) -> str:
    new = sum((each.accepted for each in senders), Counter[str]())
    acknowledged = set(new).union(*(each.known for each in senders))
    assert not [each.others for each in senders if each.others]
    with db.transaction(readonly=True):
        stored = Counter(db.session.scalars(select(UsageEvent.event_id)))
        assert set(stored.values()) <= {1}, "an event is there twice"
        assert not acknowledged - stored.keys(), "an acknowledged event is missing"
        assert set(new.values()) <= {1}, "an event was new twice"
        assert len(stored) == batches * EVENTS == db.session.scalar(select(func.count()).select_from(EventIdentity))
    findings = list(metering.inspect(Looked(), lambda *_: None))
    assert not findings, findings[:5]
    tries = sum(each.tries for each in senders)
    return f"{dict(ruin.done)}: {len(stored)} events, {2 * batches} batches acknowledged in {tries} tries"


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_or_doubled(database: Database, place: Settings) -> None:
    kills = 3 if database.folder else 2  # each kind of kill once, and a server twice where there is no other
    # Servers start sooner when they are not asked all the time.
    rounds(11, database, place, kills=kills, pause=0.2, rest=0.1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1, 5))
def test_hundreds_of_kills(database: Database, place: Settings, seed: int, record_property: Callable[[str, object], None]) -> None:
    said = rounds(seed, database, place, kills=50, pause=1.0, web=3)
    record_property("figures", said)
    print(said)
