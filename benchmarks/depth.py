"""`depth`: whether taking an event in, and looking at what was used, costs the same however much is stored already.

Two marketplaces of each kind, one with a million events and one with ten, asked in turns, so that both meet the same
machine. `--stored 50` makes it fifty million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import databases, history
from benchmarks.client import CPU_MILLISECONDS, STATEMENTS, Answer, Client
from benchmarks.desk import Desk, Stream, report_time
from benchmarks.figures import Figure, Reference, middle
from benchmarks.history import History
from benchmarks.place import bar
from benchmarks.stand import Load, Stand, stand
from market import accounts, audit, db, demo, policies, resources
from market.config import ROOT
from market.subscriptions import Subscription

_MILLION = 1_000_000
_ORIGINALS, _SUBSCRIPTIONS = 20_000, 500
_BATCH, _CONNECTIONS, _SECONDS, _MOST = 1_000, 4, 3.0, 200
_SMALL_BATCH = 20
_ROUNDS, _WARM_UP, _REQUESTS = 5, 2, 40
_GIGABYTES_PER_MILLION, _LOG_GIGABYTES = 0.7, 9
_AT_MOST, _MEMORY_AT_MOST = 1.25, 1.1
_IDS = {"random ids": False, "ids that count up": True}
_PAGES = {"overview with the running bill": "/console/", "usage page": "/console/usage/"}


@dataclass(frozen=True)
class _Scale:
    """How much is made, and how often it is asked."""

    originals: int
    subscriptions: int
    shallow: int
    deep: int
    batch: int
    rounds: int
    seconds: float
    requests: int
    warm_up: int = _WARM_UP

    @property
    def gigabytes(self) -> float:
        """What all of it may take on the disk."""
        stored = (self.shallow + self.deep) / _MILLION
        return _GIGABYTES_PER_MILLION * stored + (_LOG_GIGABYTES if stored > 1 else 0)


def run(*, quick: bool = False, database: str = "", on: str = "", stored: int = 10) -> Iterator[Figure]:
    """On each kind of database: fill, report in turns, look at pages."""
    scale = _Scale(_ORIGINALS, _SUBSCRIPTIONS, _MILLION, stored * _MILLION, _BATCH, _ROUNDS, _SECONDS, _REQUESTS)
    if quick:
        scale = _Scale(500, 20, 500, 1_500, _SMALL_BATCH, 1, 0.02, 2, warm_up=1)
    with databases.folder(room=scale.gigabytes) as scratch:
        for kind in ("postgresql", "sqlite"):
            if on in ("", kind):
                yield from _on(kind, scratch, database, scale, durable=not quick)


def _on(kind: str, scratch: Path, given: str, scale: _Scale, *, durable: bool) -> Iterator[Figure]:
    home = scratch / kind
    home.mkdir()
    home.chmod(0o711)
    with ExitStack() as held:
        base: databases.Database | None = databases.sqlite(home / "deep")
        if kind == "postgresql":
            base = held.enter_context(databases.postgresql(home, given, durable=durable))
        if base is None:
            return
        beside = held.enter_context(databases.another(base, home / "shallow"))
        places = [(beside, "shallow", scale.shallow), (base, "deep", scale.deep)]
        stands, histories = [], []
        for each, name, events in places:
            at = held.enter_context(
                stand(each, home / name, subscriptions=scale.subscriptions, more=_settle, application="benchmarks.counted:app")
            )
            stands.append(at)
            histories.append(history.live(at, originals=scale.originals, events=events))
        yield from _Reports(stands, histories, scale).figures()
        yield from _pages(stands[1], histories[1], scale)


class _Reports:
    """Reporting to both in turns."""

    def __init__(self, stands: list[Stand], histories: list[History], scale: _Scale) -> None:
        self.stands, self.scale = stands, scale
        self.stored = [f"{each.events:,} stored" for each in histories]
        self.loads: dict[tuple[str, int], list[Load]] = defaultdict(list)
        self.memory: list[float] = []
        self.stream = Stream(6)

    def figures(self) -> Iterator[Figure]:
        """Measure, then tell."""
        name = self.stands[0].database.name
        turns = self.scale.warm_up + self.scale.rounds
        with bar(f"{name}, reporting", turns, "round") as shown:
            for _ in range(turns):
                for ids, counting in _IDS.items():
                    for place in range(len(self.stands)):
                        self._report(ids, place, counting=counting)
                self.memory.append(self.stands[1].megabytes())
                shown.update()
        for ids in _IDS:
            yield from self._told(f"{name}, {ids}", ids)
        before, after = self.memory[self.scale.warm_up - 1], self.memory[-1]
        if after:
            yield Figure(
                f"{name}, memory of the web worker after the run", after, "MB", before * _MEMORY_AT_MOST,
                reference=Reference("before", before),
            )  # fmt: skip

    def _report(self, ids: str, place: int, *, counting: bool) -> None:
        at, loads = self.stands[place], self.loads[ids, place]
        batch = self.scale.batch
        lasting = loads[-1].rate / batch * self.scale.seconds if loads else 0
        requests = min(_MOST, max(round(lasting), 2 * _CONNECTIONS))
        now = report_time()
        bodies = [self.stream.batch(at.desk.few(), now, batch, counting=counting) for _ in range(requests)]
        loads.append(at.send(bodies, events=requests * batch, connections=_CONNECTIONS))

    def _told(self, name: str, ids: str) -> Iterator[Figure]:
        shallow, deep = (self.loads[ids, place][self.scale.warm_up :] for place in range(2))
        yield Figure(
            f"{name}, {self.stored[1]}", middle([load.rate for load in deep]), "events/s",
            reference=Reference(self.stored[0], middle([load.rate for load in shallow])),
        )  # fmt: skip
        pairs = list(zip(shallow, deep, strict=True))
        dearer = middle([before.rate / after.rate for before, after in pairs])
        yield Figure(f"{name}, cost of an event, deep by shallow", dearer, "", _AT_MOST)
        spent = middle([after.busy for _, after in pairs])
        reference = Reference(self.stored[0], middle([before.busy for before, _ in pairs]))
        yield Figure(f"{name}, processor time an event", spent, "µs", reference=reference)


def _settle(desk: Desk) -> None:
    """Owners for the firms of the first two subscriptions, who can look at their pages."""
    now, by = resources.clock.now(), audit.system("bench")
    with db.transaction():
        policies.load(ROOT / "catalog_seed" / "policies", by=by, at=now)
        for place in range(2):
            subscription = db.session.get_one(Subscription, desk.subscriptions[place][0])
            organization = db.session.get_one(accounts.Organization, subscription.organization_id)
            user = accounts.add_user(email=_email(place), name="示例老板", password_hash=accounts.passwords.hash(demo.PASSWORD), at=now)
            user.email_confirmed_at = now
            accounts.join(user, organization, accounts.Role.OWNER, at=now)
            policies.agree(user, at=now)


def _email(place: int) -> str:
    return f"owner-{place}@bench.example"


def _pages(at: Stand, stored: History, scale: _Scale) -> Iterator[Figure]:
    """The same pages of two firms, whose subscriptions have few and many events."""
    visitors = [Client(at.address) for _ in range(2)]
    for place, visitor in enumerate(visitors):
        visitor.sign_in(_email(place), demo.PASSWORD)
    for name, path in _PAGES.items():
        answers: list[list[Answer]] = [[], []]
        for number in range(scale.warm_up + scale.requests):
            for visitor, kept in zip(visitors, answers, strict=True):
                answer = visitor.get(path)
                if number >= scale.warm_up:
                    kept.append(answer)
        yield from _compared(f"{at.database.name}, {name}", stored, *answers)


def _compared(name: str, stored: History, small: list[Answer], large: list[Answer]) -> Iterator[Figure]:
    few, many = f"{stored.small:,} events", f"{stored.large:,} events"
    waits = [middle([answer.milliseconds for answer in each]) for each in (small, large)]
    yield Figure(f"{name}, {many}, p50", waits[1], "ms", reference=Reference(few, waits[0]))
    ratio = middle([many.milliseconds / few.milliseconds for few, many in zip(small, large, strict=True)])
    yield Figure(f"{name}, {many} by {few}", ratio, "", _AT_MOST)
    spent = [middle([float(answer.headers[CPU_MILLISECONDS]) for answer in each]) for each in (small, large)]
    yield Figure(f"{name}, processor time, p50", spent[1], "ms", reference=Reference(few, spent[0]))
    sent = [int(each[-1].headers[STATEMENTS]) for each in (small, large)]
    yield Figure(f"{name}, SQL statements", sent[1], "", sent[0])
