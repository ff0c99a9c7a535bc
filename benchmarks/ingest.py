"""`ingest`: how many usage events a second become durable over HTTP, each checked, counted and with a verdict.

Beside each figure stands the least the same database can do (`limits`), measured in the same run, in turns. On
PostgreSQL and on SQLite; a load generator in a process of its own, bodies made before the clock starts.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks import databases, limits
from benchmarks.desk import Desk, Stream, report_time
from benchmarks.figures import Figure, Reference, middle, percentile
from benchmarks.place import bar
from benchmarks.profiled import profile
from benchmarks.stand import Load, Stand, stand, with_one_process

_ROUNDS = 5
#: How long each part of a round lasts, about.
_SECONDS = 2.0
_MANY = 20_000


@dataclass(frozen=True)
class Size:
    """A size of request: how many a round at most, on how many connections, and what is wanted on PostgreSQL.

    `polar` is the rate of Polar with one worker and four connections on 2 cores (another run).
    """

    events: int
    requests: int
    connections: int
    target: float
    share: float | None
    polar: float

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"batches of {self.events:,}" if self.events > 1 else "single events"


SIZES = (
    Size(1_000, 200, 4, 50_000, 0.45, 1_975),
    Size(100, 1_200, 4, 30_000, 0.40, 1_360),
    Size(1, 4_000, 16, 1_000, None, 48),
)
_P50_AT_ONE = 2.5
_POLAR_P50_AT_ONE = 26
_ONE_PROCESS = "one process"
_MIXED_AT_MOST, _SQLITE_AT_LEAST, _MEMORY_AT_MOST = 1.2, 0.5, 1.1


def run(
    *, quick: bool = False, database: str = "", on: str = "", batch: int = 0, rounds: int = 0, profile_it: bool = False
) -> Iterator[Figure]:
    """All sizes on all databases, in alternating rounds."""
    sizes = [size for size in SIZES if batch in (0, size.events)] or list(SIZES)
    rounds = rounds or (1 if quick else _ROUNDS)
    with databases.folder(room=0 if quick else 6) as scratch, ExitStack() as held:
        stands, alone = [], {}
        for each in _databases(scratch, held, database, on, durable=not quick):
            if profile_it:
                profile(each, scratch, sizes[0].events)
                continue
            stands.append(held.enter_context(stand(each, scratch / each.name.lower(), subscriptions=40 if quick else _MANY)))
            if each.name == "PostgreSQL":
                alone[each.name] = held.enter_context(with_one_process(stands[-1]))
        if stands:
            yield from _Run(stands, alone, sizes, rounds, 0.02 if quick else _SECONDS).figures()


def _databases(
    scratch: Path, held: ExitStack, given: str, on: str, *, durable: bool
) -> Iterator[databases.Database]:
    if on != "sqlite" and (made := held.enter_context(databases.postgresql(scratch, given, durable=durable))):
        yield made
    if on != "postgresql":
        yield databases.sqlite(scratch)


class _Run:
    """The rounds, and what came out of them."""

    def __init__(
        self, stands: list[Stand], alone: dict[str, Stand], sizes: list[Size], rounds: int, seconds: float
    ) -> None:
        self.stands, self.sizes, self.rounds, self.seconds = stands, sizes, rounds, seconds
        #: By the database's name: the same, served by one process.
        self.alone = alone
        #: Requests a second, as last seen.
        self.pace: dict[tuple[str, Size, str], float] = {}
        self.loads: dict[tuple[str, Size, str], list[Load]] = defaultdict(list)
        #: By what they stand beside; `alone` is what one connection reaches.
        self.limits: dict[tuple[str, Size, str], list[limits.Limit]] = defaultdict(list)
        self.stream = Stream(4)
        self.memory: dict[str, list[float]] = defaultdict(list)

    def figures(self) -> Iterator[Figure]:
        """Measure, then tell."""
        with bar("ingest", (self.rounds + 1) * len(self.sizes) * len(self.stands), "round") as shown:
            for turn in range(-1, self.rounds):  # the first one warms up
                for size in self.sizes:
                    for each in self.stands:
                        self._round(each, size, warm=turn >= 0)
                        shown.update()
                for each in self.stands:
                    self.memory[each.database.name].append(each.megabytes())
        for each in self.stands:
            for size in self.sizes:
                yield from self._told(each, size)
            yield from self._memory(each)
        yield from self._compared()

    def _round(self, at: Stand, size: Size, *, warm: bool) -> None:
        self._send(at, size, "new", at.desk.few(), size.connections, warm=warm)
        if one := self.alone.get(at.database.name):
            self._send(one, size, _ONE_PROCESS, at.desk.few(), size.connections, warm=warm)
        if size.events == SIZES[0].events:
            self._send(at, size, "ids that count up", at.desk.few(), size.connections, warm=warm)
            self._send(at, size, "many subscriptions", at.desk, size.connections, warm=warm)
            self._send(at, size, "gauges", at.desk.gauges(), size.connections, warm=warm)
        if size.events == 1:
            self._send(at, size, "one connection", at.desk.few(), 1, warm=warm)

    def _send(self, at: Stand, size: Size, what: str, desk: Desk, connections: int, *, warm: bool) -> None:
        """New events; and, where they are the plain ones, the limit, the same events again, and mixed ones."""
        now, stream = report_time(), self.stream
        lasting = self.pace.get((at.database.name, size, what), 0) * self.seconds
        requests = min(size.requests, max(round(lasting), 2 * connections))
        if size.events == 1:
            bodies = [stream.event(desk, now) for _ in range(requests)]
        else:
            counting = what == "ids that count up"
            bodies = [stream.batch(desk, now, size.events, counting=counting) for _ in range(requests)]
        events = requests * size.events
        name = at.database.name
        sent = {what: at.send(bodies, events=events, connections=connections)}
        self.pace[name, size, what] = sent[what].rate / size.events
        if what in ("new", "one connection"):
            self._limit(at, size, what, bodies, connections, warm=warm)
        if what == "new" and size.events > 1:
            sent["all known"] = at.send(bodies, events=events, connections=connections)
            earlier = list(chain.from_iterable(_split(body) for body in bodies[:3]))
            mixed = [stream.mixed(desk, now, earlier, size.events) for _ in range(requests)]
            sent["mixed"] = at.send(mixed, events=events, connections=connections, expect=400)
        if warm:
            for each, load in sent.items():
                self.loads[name, size, each].append(load)

    def _limit(self, at: Stand, size: Size, what: str, bodies: list[bytes], connections: int, *, warm: bool) -> None:
        """The database alone, on as many connections; and on one, which the shares are shares of. (SQLite has one writer.)"""
        ways = {what: connections}
        if what == "new" and at.database.name != "SQLite":
            ways["alone"] = 1
        for name, number in ways.items():
            limit = limits.measure(at.database, at.folder, bodies, number)
            if warm:
                self.limits[at.database.name, size, name].append(limit)

    def _told(self, at: Stand, size: Size) -> Iterator[Figure]:
        base, key = at.database.name, (at.database.name, size, "new")
        name = f"{base}, {size.name}"
        goal = base == "PostgreSQL"
        rate, limit = self._rate(key), self._most(key)
        yield Figure(
            f"{name}, accepted", rate, "events/s", size.target if goal else None, at_least=True,
            reference=Reference("database alone, same rows", limit),
        )  # fmt: skip
        if size.share is not None:
            yield from self._shares(name, base, size, rate)
        yield Figure(
            f"{name}, accepted", rate, "events/s", reference=Reference("Polar, PostgreSQL", size.polar, elsewhere=True)
        )
        yield from self._costs(name, key)
        if size.events == 1:
            yield from self._alone(base, size, goal=goal)
        else:
            yield from self._verdicts(name, base, size, rate)
        for what in (_ONE_PROCESS, "ids that count up", "many subscriptions", "gauges"):
            if self.loads[base, size, what]:
                reference = Reference("random ids, few subscriptions", rate)
                yield Figure(f"{name}, {what}", self._rate((base, size, what)), "events/s", reference=reference)
                yield self._spent(f"{name}, {what}", (base, size, what))

    def _shares(self, name: str, base: str, size: Size, rate: float) -> Iterator[Figure]:
        """Of what one connection reaches, as the targets were first measured, and of what as many do: held against the same."""
        together, goal = self._most((base, size, "new")), size.share
        if self.limits[base, size, "alone"]:
            alone = self._most((base, size, "alone"))
            reference = Reference("database alone, one connection", alone)
            yield Figure(f"{name}, accepted", rate, "events/s", reference=reference)
            yield Figure(f"{name}, share of the limit", rate / alone, "", goal, at_least=True)
            yield Figure(f"{name}, share of the limit on {size.connections} connections", rate / together, "", goal, at_least=True)
        else:
            yield Figure(f"{name}, share of the limit", rate / together, "")

    def _costs(self, name: str, key: tuple[str, Size, str]) -> Iterator[Figure]:
        """Waiting, and who worked for how long."""
        times, loads = list(chain.from_iterable(load.times for load in self.loads[key])), self.loads[key]
        yield Figure(f"{name}, a request, p50", middle(times), "ms")
        yield Figure(f"{name}, a request, p95", percentile(times, 95), "ms")
        yield self._spent(name, key)
        if key[0] == "PostgreSQL":
            reference = Reference("database alone", middle([limit.database for limit in self.limits[key]]))
            spent = middle([load.database for load in loads])
            yield Figure(f"{name}, of which PostgreSQL's", spent, "µs", reference=reference)
            yield Figure(f"{name}, ceiling by processor time", self._ceiling(key), "events/s")
        share = middle([load.generator for load in loads])
        yield Figure(f"{name}, load generator's share of a core", share, "")

    def _spent(self, name: str, key: tuple[str, Size, str]) -> Figure:
        spent = middle([load.busy for load in self.loads[key]])
        return Figure(f"{name}, processor time an event", spent, "µs")

    def _ceiling(self, key: tuple[str, Size, str]) -> float:
        """The rate at which all cores would be busy with nothing else: what processor time says on a busy machine."""
        busy = [load.busy + load.generator / load.rate * 1e6 for load in self.loads[key]]
        return (os.cpu_count() or 1) * 1e6 / middle(busy)

    def _verdicts(self, name: str, base: str, size: Size, rate: float) -> Iterator[Figure]:
        reference = Reference("new", rate)
        known = self._paired(base, size, "all known")
        mixed = 1 / self._paired(base, size, "mixed")
        yield Figure(f"{name}, all known", self._rate((base, size, "all known")), "events/s", reference=reference)
        yield self._spent(f"{name}, all known", (base, size, "all known"))
        yield Figure(f"{name}, all known, rate by that of new", known, "", 1.0, at_least=True)
        yield Figure(f"{name}, mixed verdicts", self._rate((base, size, "mixed")), "events/s", reference=reference)
        yield self._spent(f"{name}, mixed verdicts", (base, size, "mixed"))
        yield Figure(f"{name}, mixed verdicts, cost by that of new", mixed, "", _MIXED_AT_MOST)

    def _alone(self, base: str, size: Size, *, goal: bool) -> Iterator[Figure]:
        times = list(chain.from_iterable(load.times for load in self.loads[base, size, "one connection"]))
        limit = middle([middle(each.times) for each in self.limits[base, size, "one connection"]])
        name = f"{base}, one connection, p50"
        yield Figure(name, middle(times), "ms", _P50_AT_ONE if goal else None, reference=Reference("a commit", limit))
        peer = Reference("Polar, PostgreSQL", _POLAR_P50_AT_ONE, elsewhere=True)
        yield Figure(name, middle(times), "ms", reference=peer)

    def _memory(self, at: Stand) -> Iterator[Figure]:
        taken = self.memory[at.database.name]
        if taken[0]:
            yield Figure(
                f"{at.database.name}, memory of the web workers after the run", taken[-1], "MB", taken[0] * _MEMORY_AT_MOST,
                reference=Reference("after warming up", taken[0]),
            )  # fmt: skip

    def _compared(self) -> Iterator[Figure]:
        """SQLite, which one process serves, beside what one process reaches on PostgreSQL."""
        if len(self.stands) < 2:
            return
        for size in self.sizes:
            share = self._rate(("SQLite", size, "new")) / self._rate(("PostgreSQL", size, _ONE_PROCESS))
            yield Figure(f"SQLite by one process on PostgreSQL, {size.name}", share, "", _SQLITE_AT_LEAST, at_least=True)

    def _most(self, key: tuple[str, Size, str]) -> float:
        return middle([limit.rate for limit in self.limits[key]])

    def _rate(self, key: tuple[str, Size, str]) -> float:
        return middle([load.rate for load in self.loads[key]])

    def _paired(self, base: str, size: Size, what: str) -> float:
        """The median of the ratios to the new events of the same round."""
        pairs = zip(self.loads[base, size, what], self.loads[base, size, "new"], strict=True)
        return middle([one.rate / other.rate for one, other in pairs])


def _split(body: bytes) -> list[bytes]:
    return [json.dumps(event, separators=(",", ":")).encode() for event in json.loads(body)]
