"""Taking usage in: one set-based write, a verdict for every event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from market.db import on_postgresql
from market.metering import counters, envelope, lanes, moves, queries, refused, store, tallies
from market.metering.arrivals import Arrival, refused_as
from market.metering.counts import Key
from market.metering.envelope import Envelope, Plain
from market.metering.identity import Keys
from market.metering.lanes import ClosedUntil, Days, Lane, Name, Reporter
from market.metering.store import Payloads
from market.metering.tallies import Tally
from market.metering.verdicts import EventRefused, Outcome, Receipt, Verdict, Verdicts
from market.statements import finish, pay, undo

#: So many events are worth a look at the first of them before all are tried.
_MANY = 50

#: What plain meters count of several events.
Sums = dict[Key, Tally]


#: An event as it was read, with its key; or the verdict on what cannot be read.
Legible = tuple[Envelope, bytes] | Verdict


class Disappointed(Exception):
    """Not all events were new."""


class Intake:
    """The events of a request, read, while what they need is being asked for."""

    def __init__(
        self, provider: Reporter, key_source: str, events: Sequence[Any], legible: Iterable[Legible], *,
        now: datetime, knowing: bool = False, hopeful: bool = False,
    ) -> None:  # fmt: skip
        """`events` as they came, and as `read` has read them; `knowing` asks which of them are known, `hopeful` does not care."""
        self.provider, self.source, self.events, self.now = provider, key_source, events, now
        self.others: dict[int, Verdict] = {}
        self.readable: list[Arrival] = []
        for place, each in enumerate(legible):
            if isinstance(each, Verdict):
                self.others[place] = each
            else:
                self.readable.append(Arrival(place, *each))
        self.groups: dict[Name, list[Arrival]] = defaultdict(list)
        for arrival in self.readable:
            self.groups[arrival.event.type, arrival.event.subject].append(arrival)
        #: Whether the first one is known: then a whole batch was most likely sent again, not tried.
        self._first = store.ask_payloads([self.readable[0].key]) if len(self.readable) >= _MANY and not (knowing or hopeful) else dict
        #: What all of them have taken, where that was asked.
        self.payloads = store.ask_payloads([arrival.key for arrival in self.readable]) if knowing else None
        self.asked = lanes.ask(provider, self.groups.keys(), now=now)

    def sent_before(self) -> bool:
        """Whether it looks as if all of them were known."""
        return any(self._first().values())

    def lanes(self, closed_until: ClosedUntil) -> tuple[dict[Name, Lane | str], datetime]:
        """`lanes.of` them."""
        return lanes.of(self.provider, self.groups.keys(), self.asked, now=self.now, closed_until=closed_until)


def read(provider: Reporter, key_source: str, events: Iterable[Any], *, now: datetime) -> list[Legible]:
    """What can be told of events before anything is asked; they are loaded JSON, or as `split` gives them."""
    legible: list[Legible] = []
    key_of, read, sealed = Keys(provider.id, key_source).of, envelope.read, envelope.sealed
    for raw in events:
        try:
            event = sealed(raw, now) if raw.__class__ is Plain else read(raw, now=now)
            if event.source != key_source:
                raise EventRefused("wrong_source", "source 只能是 “%(source)s”。", source=key_source)
        except EventRefused as refusal:
            legible.append(refused_as(*envelope.outline(raw), refusal))
        else:
            legible.append((event, key_of(event.id)))
    return legible


def ingest(
    provider: Reporter,
    key_source: str,
    events: Sequence[Any],
    *,
    now: datetime,
    closed_until: ClosedUntil,
    dry_run: bool = False,
    receipts: bool = True,
) -> Verdicts:
    """Take in what a provider reports; one verdict per event, in the order sent.

    What is accepted is stored and counted in this transaction;
    an event that is already known under its (source, id) is a duplicate or a conflict whatever else may be wrong with
    it by now, so a whole batch can always be sent again. An event counts for the meters there are at `now`, whenever
    it happened; of what waited for a bill, `now` is the moment after that bill's cutoff. `dry_run` judges and stores nothing; without `receipts` nobody is told what came first.
    """
    intake = Intake(provider, key_source, events, read(provider, key_source, events, now=now), now=now)
    verdicts = take_in(intake, closed_until=closed_until, dry_run=dry_run, receipts=receipts)
    pay()
    return verdicts


def take_in(
    intake: Intake, *, closed_until: ClosedUntil, dry_run: bool = False, receipts: bool = True, hopeful: bool = False
) -> Verdicts:
    """The same for events that have been read; some of it is written no sooner than with COMMIT.

    If nothing speaks against any event, `hopeful` stores them all and commits at once, and so is done with what is new where
    it was asked what is known. Raises Disappointed where that was wrong: then nothing was stored, and the transaction is over.
    """
    provider, readable, events = intake.provider, intake.readable, intake.events
    now = _judge(intake, closed_until)
    if intake.payloads and not any(each.counts for each in readable):
        return _take_in_unknown(intake, intake.payloads(), now)
    fresh, repeats = _first_of_each(readable)
    known: Payloads = {}
    # PostgreSQL looks for itself, as it stores, whether plain counters have room.
    sums = _refuse_overfull(fresh.values(), plain=dry_run or not on_postgresql())
    if hopeful and len(fresh) == len(events) and not any(each.verdict or each.counts for each in readable):
        with _all_or_nothing():
            store.ask_to_store_all(provider.id, intake.source, readable, tallies.moved(sums), stored_at=now)
        return _verdicts(intake)
    if dry_run:
        taken = {id for id, arrival in fresh.items() if not arrival.verdict}
    else:
        # What is refused may be known as well; asked for now, that is told with what is stored.
        refused_too = store.ask_payloads([] if receipts else [arrival.key for arrival in readable if arrival.verdict])
        try:
            taken, known = _store(intake, fresh.values(), sums, now)
        except store.Overfull:
            sums = _refuse_overfull(fresh.values(), plain=True)
            taken, known = _store(intake, fresh.values(), sums, now, room=True)
        known = {**refused_too(), **known}
    fresh = {id: arrival for id, arrival in fresh.items() if not arrival.verdict}
    _settle(provider, readable, fresh, repeats, taken, known, now, receipts=receipts)
    if not dry_run:
        _count(fresh.values(), taken)
    verdicts = _verdicts(intake)
    if not dry_run:
        _keep(intake, verdicts, now)
    return verdicts


def _take_in_unknown(intake: Intake, known: Payloads, now: datetime) -> Verdicts:
    """Have everything that is new stored, and what is lost kept, with COMMIT."""
    for arrival in intake.readable:
        if (payload := known[arrival.key]) is not None:
            arrival.verdict = _repeated(arrival, payload, None)
    fresh, repeats = _first_of_each(intake.readable)
    for arrival in repeats:
        arrival.verdict = _repeated(arrival, fresh[arrival.event.id].event.digest, None)
    new = [*fresh.values()]
    verdicts, moving = _verdicts(intake), tallies.moved(_sums(new))
    with _all_or_nothing():
        store.ask_to_store_all(intake.provider.id, intake.source, new, moving, stored_at=now)
        _keep(intake, verdicts, now)
    return verdicts


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """What is asked for in here ends the transaction. Raises Disappointed where that was too much."""
    try:
        yield
        finish()
    except store.NOT_ALL as trouble:
        undo()
        raise Disappointed from trouble


def _verdicts(intake: Intake) -> Verdicts:
    named: list[Envelope | None] = [None] * len(intake.events)
    for arrival in intake.readable:
        if arrival.verdict:
            intake.others[arrival.place] = arrival.verdict
        else:
            named[arrival.place] = arrival.event
    return Verdicts(named, intake.others)


def _keep(intake: Intake, verdicts: Verdicts, now: datetime) -> None:
    """Have the lost ones kept."""
    if not verdicts.lost:
        return
    written = getattr(intake.events, "written", intake.events.__getitem__)
    keys = {arrival.place: arrival.key for arrival in intake.readable if arrival.verdict}
    lost = [(written(place), verdict, keys.get(place)) for place, verdict in verdicts.lost]
    refused.keep(intake.provider, intake.source, lost, at=now)


def _judge(intake: Intake, closed_until: ClosedUntil) -> datetime:
    """Refuse all that cannot be counted; the rest stays without a verdict. Tells when it is stored."""
    found, now = intake.lanes(closed_until)
    days = Days()
    for name, group in intake.groups.items():
        lane = found[name]
        for arrival in group:
            try:
                if isinstance(lane, str):
                    raise EventRefused(lane)
                _weigh(arrival, lane, now, days)
            except EventRefused as refusal:
                arrival.refuse(refusal)
    return now


def _weigh(arrival: Arrival, lane: Lane, now: datetime, days: Days) -> None:
    event = arrival.event
    at = event.at
    if not lane.first <= at < lane.last:
        lane.check(at, now)
        arrival.band = lane.band(at)
    arrival.day = day = days.of(at)
    for scale in lane.scales:
        arrival.weights.append(scale.weigh(event.data))
    if lane.others:
        arrival.counts = [counters.count(lane.subject.id, meter, day, at, event.data) for meter in lane.others]
    arrival.lane = lane


def _first_of_each(arrivals: Sequence[Arrival]) -> tuple[dict[str, Arrival], list[Arrival]]:
    """The first event of a request under each id, and those that come after it under the same one."""
    first: dict[str, Arrival] = {}
    repeats = []
    for arrival in arrivals:
        if not arrival.verdict and first.setdefault(arrival.event.id, arrival) is not arrival:
            repeats.append(arrival)
    return first, repeats


def _settle(
    provider: Reporter,
    readable: Sequence[Arrival],
    fresh: Mapping[str, Arrival],
    repeats: list[Arrival],
    taken: Collection[str],
    known: Payloads,
    now: datetime,
    *,
    receipts: bool,
) -> None:
    """Verdicts for all that is known already: stored before, or ahead in the same request."""
    if not taken and len(fresh) == len(readable):
        return
    stored_now = fresh.keys() - taken
    doubtful = [each for each in readable if (each.verdict or each.event.id in taken) and each.event.id not in stored_now]
    keys = [arrival.key for arrival in doubtful]
    known, told = _known(provider, keys) if receipts else (_payloads(keys, known), {})
    for arrival in doubtful:
        if (payload := known.get(arrival.key)) is not None:
            arrival.verdict = _repeated(arrival, payload, told.get(arrival.key))
    for arrival in repeats:
        if not arrival.verdict:
            event = fresh[arrival.event.id].event
            first_here = Receipt(now, event.at, event.type, event.subject, event.data)
            arrival.verdict = _repeated(arrival, event.digest, first_here)


def _payloads(keys: Sequence[bytes], known: Payloads) -> Payloads:
    """The digests of the events that have taken these keys; what is known of some stays as it is."""
    rest = [key for key in keys if key not in known]
    return {**known, **store.ask_payloads(rest)()} if rest else known


def _known(provider: Reporter, keys: Sequence[bytes]) -> tuple[Payloads, dict[bytes, Receipt]]:
    """The digests and receipts of the events that have taken these keys."""
    found = store.identities(keys) if keys else {}
    receipts = queries.receipts(provider, found.values())
    return (
        {key: identity.payload for key, identity in found.items()},
        {key: receipts[identity.event] for key, identity in found.items()},
    )


def _refuse_overfull(arrivals: Collection[Arrival], *, plain: bool) -> Sums:
    """Refuse what no counter has room for, those of `plain` meters if they are asked; what these count of all others."""
    sums = _sums(arrivals)
    counts = [count for arrival in arrivals if arrival.counts for count in arrival.counts]
    overfull = counters.overfull(counts)
    if plain:
        overfull |= {*tallies.overfull(sums)}
    crowded = counters.crowded(counts)
    if not overfull and not crowded:
        return sums
    for arrival in arrivals:
        keys = {*(count.key for count in arrival.counts), *_sums([arrival])}
        if keys & overfull:
            arrival.refuse(EventRefused("too_large", "这一天的用量合计超出了上限，请检查单位。"))
        elif keys & crowded:
            arrival.refuse(EventRefused("too_many_slices"))
    return _sums(arrivals)


def _sums(arrivals: Iterable[Arrival]) -> Sums:
    return tallies.of(arrival for arrival in arrivals if not arrival.verdict)


def _store(
    intake: Intake, arrivals: Iterable[Arrival], sums: Sums, now: datetime, *, room: bool = False
) -> tuple[set[str], Payloads]:
    """Insert what is new; returns the ids that were taken, and by what as far as that was seen. Raises store.Overfull.

    The unique key decides, whoever else reports at this moment.
    """
    asked = [arrival for arrival in arrivals if not arrival.verdict]
    before = store.ask_payloads([arrival.key for arrival in asked])() if intake.sent_before() else {}
    known: dict[bytes, bytes | None] = {key: payload for key, payload in before.items() if payload}
    new = [arrival for arrival in asked if arrival.key not in known] if known else asked
    if new:
        known |= store.insert(
            intake.provider.id, intake.source, new, tallies.moved(sums), at_once=not known, room=room, stored_at=now
        )  # fmt: skip
    taken = {arrival.event.id for arrival in asked if arrival.key in known} if known else set()
    return taken, {key: payload for key, payload in known.items() if payload}


def _count(arrivals: Collection[Arrival], taken: Collection[str]) -> None:
    """Move the counters that did not move with the events."""
    if taken:
        moves.add(tallies.moved(_sums(arrivals)))
    counters.apply([count for arrival in arrivals if not arrival.verdict for count in arrival.counts])


def _repeated(arrival: Arrival, payload: bytes, first: Receipt | None) -> Verdict:
    event = arrival.event
    if payload == event.digest:
        return Verdict(event.id, event.source, Outcome.DUPLICATE, first=first)
    refusal = EventRefused("conflict")
    return Verdict(event.id, event.source, Outcome.CONFLICT, refusal.code, refusal.message, first=first)
