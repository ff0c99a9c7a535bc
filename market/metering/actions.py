"""Taking usage in: one set-based write, a verdict for every event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from market.metering import counters, envelope, lanes, queries, refused, store, tallies
from market.metering.counts import Count, Key
from market.metering.envelope import Envelope
from market.metering.identity import Keys
from market.metering.lanes import ClosedUntil, Days, Lane
from market.metering.tallies import Counted, Tally
from market.metering.verdicts import BadEvent, EventRefused, Outcome, Receipt, Verdict
from market.providers.models import Provider

#: What plain meters count of several events.
Sums = dict[Key, Tally]


class _Arrival:
    """One event of a request that could be read, on its way to its verdict."""

    __slots__ = ("counted", "counts", "event", "key", "lane", "place", "verdict")

    def __init__(self, place: int, event: Envelope) -> None:
        self.place = place
        self.event = event
        self.key = b""
        self.verdict: Verdict | None = None
        self.lane: Lane | None = None
        self.counted: Counted | None = None
        self.counts: Sequence[Count] = ()

    def refuse(self, refusal: EventRefused) -> None:
        self.verdict = _refused(self.event.id, self.event.source, refusal)


def ingest(
    provider: Provider,
    key_source: str,
    events: Sequence[Any],
    *,
    now: datetime,
    closed_until: ClosedUntil,
    dry_run: bool = False,
    receipts: bool = True,
) -> list[Verdict]:
    """Take in what a provider reports; one verdict per event, in the order sent.

    `events` are loaded JSON, or as `split` gives them. What is accepted is stored and counted in this transaction;
    an event that is already known under its (source, id) is a duplicate or a conflict whatever else may be wrong with
    it by now, so a whole batch can always be sent again. An event counts for the meters there are at `now`, whenever
    it happened. `dry_run` judges and stores nothing; without `receipts` nobody is told what came first.
    """
    verdicts, readable = _read(provider, key_source, events, now)
    _judge(provider, readable, now, closed_until)
    fresh, repeats = _first_of_each(readable)
    sums = _refuse_overfull(fresh.values())
    fresh = {id: arrival for id, arrival in fresh.items() if not arrival.verdict}
    taken = set(fresh) if dry_run else _store(provider, key_source, fresh.values(), now)
    _settle(provider, readable, fresh, repeats, taken, now, receipts=receipts)
    if not dry_run:
        _count(sums, fresh.values(), taken)
    for arrival in readable:
        verdicts[arrival.place] = arrival.verdict or Verdict(arrival.event.id, arrival.event.source, Outcome.ACCEPTED)
    told = [verdict for verdict in verdicts if verdict]
    lost = [(raw, verdict) for raw, verdict in zip(events, told, strict=True) if not verdict.counted]
    if lost and not dry_run:
        refused.keep(provider, key_source, lost, at=now)
    return told


def _read(
    provider: Provider, key_source: str, events: Sequence[Any], now: datetime
) -> tuple[list[Verdict | None], list[_Arrival]]:
    """The verdicts on what cannot be read, in the places of the events, and all others."""
    verdicts: list[Verdict | None] = [None] * len(events)
    readable, keys = [], Keys(provider.id, key_source)
    for place, raw in enumerate(events):
        try:
            if raw.__class__ is BadEvent:
                raise EventRefused(raw.code, raw.message, **raw.params)
            event = envelope.read(raw, now=now)
            if event.source != key_source:
                raise EventRefused("wrong_source", "这个密钥只能用 source “%(source)s”。", source=key_source)
        except EventRefused as refusal:
            verdicts[place] = _refused(*envelope.outline(raw), refusal)
        else:
            arrival = _Arrival(place, event)
            arrival.key = keys.of(event.id)
            readable.append(arrival)
    return verdicts, readable


def _judge(provider: Provider, arrivals: Sequence[_Arrival], now: datetime, closed_until: ClosedUntil) -> None:
    """Refuse all that cannot be counted; the rest stays without a verdict."""
    wanted = {(arrival.event.type, arrival.event.subject) for arrival in arrivals}
    found = lanes.of(provider, wanted, now=now, closed_until=closed_until)
    days = Days()
    for arrival in arrivals:
        event = arrival.event
        try:
            lane = found[event.type, event.subject]
            if isinstance(lane, str):
                raise EventRefused(lane)
            _weigh(arrival, lane, now, days)
        except EventRefused as refusal:
            arrival.refuse(refusal)


def _weigh(arrival: _Arrival, lane: Lane, now: datetime, days: Days) -> None:
    event = arrival.event
    lane.check(event.at, now)
    arrival.lane, day = lane, days.of(event.at)
    arrival.counted = Counted(lane, day, [scale.weigh(event.data) for scale in lane.scales])
    if lane.others:
        arrival.counts = [counters.count(lane.subject.id, meter, day, event.at, event.data) for meter in lane.others]


def _first_of_each(arrivals: Sequence[_Arrival]) -> tuple[dict[str, _Arrival], list[_Arrival]]:
    """The first event of a request under each id, and those that come after it under the same one."""
    first: dict[str, _Arrival] = {}
    repeats = []
    for arrival in arrivals:
        if not arrival.verdict and first.setdefault(arrival.event.id, arrival) is not arrival:
            repeats.append(arrival)
    return first, repeats


def _settle(
    provider: Provider,
    readable: Sequence[_Arrival],
    fresh: Mapping[str, _Arrival],
    repeats: list[_Arrival],
    taken: Collection[str],
    now: datetime,
    *,
    receipts: bool,
) -> None:
    """Verdicts for all that is known already: stored before, or ahead in the same request."""
    stored_now = fresh.keys() - taken
    doubtful = [each for each in readable if (each.verdict or each.event.id in taken) and each.event.id not in stored_now]
    known = store.identities([arrival.key for arrival in doubtful]) if doubtful else {}
    told = queries.receipts(provider, known.values()) if receipts else {}
    for arrival in doubtful:
        if first := known.get(arrival.key):
            arrival.verdict = _repeated(arrival, first.payload, told.get(first.event))
    for arrival in repeats:
        if not arrival.verdict:
            event = fresh[arrival.event.id].event
            first_here = Receipt(now, event.at, event.type, event.subject, event.data)
            arrival.verdict = _repeated(arrival, event.digest, first_here)


def _refuse_overfull(arrivals: Collection[_Arrival]) -> Sums:
    """Refuse what no counter has room for; what plain meters count of all others."""
    sums = _sums(arrivals)
    overfull = {*tallies.overfull(sums), *counters.overfull(count for arrival in arrivals for count in arrival.counts)}
    crowded = counters.crowded(count for arrival in arrivals for count in arrival.counts)
    if not overfull and not crowded:
        return sums
    for arrival in arrivals:
        keys = {*(count.key for count in arrival.counts), *_sums([arrival])}
        if keys & overfull:
            arrival.refuse(EventRefused("too_large", "这一天的用量合计超出了上限，请检查单位。"))
        elif keys & crowded:
            arrival.refuse(EventRefused("too_many_slices"))
    return _sums(arrivals)


def _sums(arrivals: Iterable[_Arrival]) -> Sums:
    return tallies.of(arrival.counted for arrival in arrivals if arrival.counted and not arrival.verdict)


def _store(provider: Provider, source: str, arrivals: Collection[_Arrival], now: datetime) -> set[str]:
    """Insert what is new; returns the ids that were taken. The unique key decides, whoever else reports at this moment."""
    rows = [_row(arrival) for arrival in arrivals]
    return store.insert(provider.id, source, rows, stored_at=now) if rows else set()


def _row(arrival: _Arrival) -> store.EventRow:
    event, lane = arrival.event, arrival.lane
    assert lane is not None
    subscription, band = lane.subject.id, lane.band(event.at)
    return store.EventRow(arrival.key, event.digest, event.id, event.type, subscription, event.at, event.written, band)


def _count(sums: Sums, arrivals: Collection[_Arrival], taken: Collection[str]) -> None:
    """Move the counters of what has just been stored."""
    tallies.apply(_sums(arrivals) if taken else sums)
    counters.apply([count for arrival in arrivals if not arrival.verdict for count in arrival.counts])


def _refused(id: str, source: str, refusal: EventRefused) -> Verdict:
    return Verdict(id, source, Outcome.REFUSED, refusal.code, refusal.message, refusal.params)


def _repeated(arrival: _Arrival, payload: bytes, first: Receipt | None) -> Verdict:
    event = arrival.event
    if payload == event.digest:
        return Verdict(event.id, event.source, Outcome.DUPLICATE, first=first)
    refusal = EventRefused("conflict")
    return Verdict(event.id, event.source, Outcome.CONFLICT, refusal.code, refusal.message, first=first)
