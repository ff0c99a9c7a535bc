"""Taking usage in: one set-based write, a verdict for every event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from market.catalog.models import Meter
from market.kit.period import local_day, local_midnight, month_of
from market.metering import counters, envelope, queries, refused, store
from market.metering.counts import Count
from market.metering.envelope import Envelope
from market.metering.identity import Keys
from market.metering.models import Band
from market.metering.queries import Subject
from market.metering.verdicts import BadEvent, EventRefused, Outcome, Receipt, Verdict
from market.providers.models import Provider

#: How far a provider's clock may be ahead of ours, and how late its first reading may seem to be early.
SKEW = timedelta(minutes=5)
#: How old usage may be once the bill of its month is final.
REACH = timedelta(days=35)

#: `billing.closed_until`: organization → the end of its last final bill.
ClosedUntil = Callable[[Collection[int]], Mapping[int, datetime]]


class _Arrival:
    """One event of a request on its way to its verdict."""

    __slots__ = ("counts", "envelope", "key", "lane", "raw", "verdict")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.envelope: Envelope | None = None
        self.verdict: Verdict | None = None
        self.key = b""
        self.lane: _Lane | None = None
        self.counts: list[Count] = []

    def refuse(self, refusal: EventRefused) -> None:
        id, source = envelope.outline(self.raw)
        self.verdict = Verdict(id, source, Outcome.REFUSED, refusal.code, refusal.message, refusal.params)

    @property
    def event(self) -> Envelope:
        """The event; only asked of arrivals that could be read."""
        assert self.envelope is not None
        return self.envelope


@dataclass(slots=True)
class _Lane:
    """What events of one type for one subscription have in common."""

    subject: Subject
    meters: list[Meter]
    closed: datetime | None
    #: From `first` until `last` an event is on time, and nothing speaks against its time.
    first: datetime
    last: datetime


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
    arrivals = [_Arrival(raw) for raw in events]
    for arrival in arrivals:
        _read(arrival, key_source, now)
    readable = [arrival for arrival in arrivals if arrival.envelope]
    _judge(provider, readable, now, closed_until)
    keys = Keys(provider.id, key_source)
    for arrival in readable:
        arrival.key = keys.of(arrival.event.id)
    fresh, repeats = _first_of_each(arrival for arrival in readable if not arrival.verdict)
    taken = set(fresh) if dry_run else _store(provider, key_source, list(fresh.values()), now)
    _settle(provider, readable, fresh, repeats, taken, now, receipts=receipts)
    if not dry_run:
        counters.apply([count for arrival in fresh.values() if not arrival.verdict for count in arrival.counts])
        _keep_refused(provider, key_source, arrivals, now)
    return [arrival.verdict or _accepted(arrival) for arrival in arrivals]


def _read(arrival: _Arrival, key_source: str, now: datetime) -> None:
    try:
        if isinstance(arrival.raw, BadEvent):
            raise EventRefused(arrival.raw.code, arrival.raw.message, **arrival.raw.params)
        read = envelope.read(arrival.raw, now=now)
        if read.source != key_source:
            raise EventRefused("wrong_source", "这个密钥只能用 source “%(source)s”。", source=key_source)
        arrival.envelope = read
    except EventRefused as refusal:
        arrival.refuse(refusal)


def _judge(provider: Provider, arrivals: list[_Arrival], now: datetime, closed_until: ClosedUntil) -> None:
    """Refuse all that cannot be counted; the rest stays without a verdict."""
    lanes = _lanes(provider, {(each.event.type, each.event.subject) for each in arrivals}, now, closed_until)
    days = _Days()
    for arrival in arrivals:
        try:
            _check(arrival, lanes, now, days)
        except EventRefused as refusal:
            arrival.refuse(refusal)
    _refuse_overfull([arrival for arrival in arrivals if not arrival.verdict])


def _lanes(
    provider: Provider, wanted: Collection[tuple[str, str]], now: datetime, closed_until: ClosedUntil
) -> dict[tuple[str, str], _Lane | str]:
    """The lane of each type and subject, or the code of what is wrong with it."""
    meters = queries.meters_by_type(provider, {type for type, _ in wanted}, at=now)
    alone = any(counters.reworks(meter) for each in meters.values() for meter in each)
    subjects = queries.hold(provider, {subject for _, subject in wanted}, alone=alone)
    closed = closed_until({subject.organization_id for subject in subjects.values()})
    month = month_of(now).start
    lanes: dict[tuple[str, str], _Lane | str] = {}
    for type, name in wanted:
        subject = subjects.get(name)
        if type not in meters or subject is None:
            lanes[type, name] = "unknown_subscription" if type in meters else "unknown_type"
        else:
            lanes[type, name] = _lane(subject, meters[type], closed.get(subject.organization_id), month, now)
    return lanes


def _lane(subject: Subject, meters: list[Meter], closed: datetime | None, month: datetime, now: datetime) -> _Lane:
    last = min(now + SKEW, subject.ended_at or now + SKEW)
    first = max(month, closed or month, _opened(subject) or last)
    return _Lane(subject, meters, closed, first, last)


class _Days:
    """The local day of instants that mostly lie in the same one."""

    def __init__(self) -> None:
        self.start = self.end = datetime.min.replace(tzinfo=UTC)
        self.day = date.min

    def of(self, at: datetime) -> date:
        if not self.start <= at < self.end:
            self.day = local_day(at)
            self.start = local_midnight(self.day)
            self.end = local_midnight(self.day + timedelta(days=1))
        return self.day


def _check(arrival: _Arrival, lanes: Mapping[tuple[str, str], _Lane | str], now: datetime, days: _Days) -> None:
    event = arrival.event
    lane = lanes[event.type, event.subject]
    if isinstance(lane, str):
        raise EventRefused(lane)
    if not lane.first <= event.at < lane.last:
        _check_time(event.at, lane.subject, lane.closed, now)
    arrival.lane = lane
    day = days.of(event.at)
    arrival.counts = [counters.count(lane.subject.id, meter, day, event.at, event.data) for meter in lane.meters]


def _first_of_each(arrivals: Iterable[_Arrival]) -> tuple[dict[str, _Arrival], list[_Arrival]]:
    """The first event of a request under each id, and those that come after it under the same one."""
    first: dict[str, _Arrival] = {}
    repeats = [arrival for arrival in arrivals if first.setdefault(arrival.event.id, arrival) is not arrival]
    return first, repeats


def _settle(
    provider: Provider,
    readable: list[_Arrival],
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


def _opened(subject: Subject) -> datetime | None:
    """Since when there can be usage: the provider may have set its clock a little behind ours, but not a day."""
    if subject.started_at is None:
        return None
    return max(subject.started_at - SKEW, local_midnight(local_day(subject.started_at)))


def _check_time(at: datetime, subject: Subject, closed: datetime | None, now: datetime) -> None:
    if at > now + SKEW:
        raise EventRefused("future")
    if subject.started_at is None:
        raise EventRefused("subscription_not_live", "这个订阅还没有开通。")
    opened = _opened(subject) or at
    if now - at > REACH and (at < opened or (closed is not None and at < closed)):
        raise EventRefused("expired")
    if at < opened or (subject.ended_at is not None and at >= subject.ended_at):
        raise EventRefused("subscription_not_live")


def _refuse_overfull(arrivals: list[_Arrival]) -> None:
    overfull = counters.overfull(count for arrival in arrivals for count in arrival.counts)
    crowded = counters.crowded(count for arrival in arrivals for count in arrival.counts)
    for arrival in arrivals:
        if overfull and any(count.key in overfull for count in arrival.counts):
            arrival.refuse(EventRefused("too_large", "这一天的用量合计超出了上限，请检查单位。"))
        elif crowded and any(count.key in crowded for count in arrival.counts):
            arrival.refuse(EventRefused("too_many_slices"))


def _store(provider: Provider, source: str, arrivals: list[_Arrival], now: datetime) -> set[str]:
    """Insert what is new; returns the ids that were taken. The unique key decides, whoever else reports at this moment."""
    month = month_of(now).start
    rows = [_row(arrival, month) for arrival in arrivals]
    return store.insert(provider.id, source, rows, stored_at=now) if rows else set()


def _row(arrival: _Arrival, month: datetime) -> store.EventRow:
    event, lane = arrival.event, arrival.lane
    assert lane is not None
    band = Band.ON_TIME if event.at >= lane.first else _band(event.at, lane.closed, month)
    return store.EventRow(arrival.key, event.digest, event.id, event.type, lane.subject.id, event.at, event.written, band)


def _band(at: datetime, closed: datetime | None, month: datetime) -> Band:
    if closed is not None and at < closed:
        return Band.VERY_LATE
    return Band.ON_TIME if at >= month else Band.LATE


def _keep_refused(provider: Provider, key_source: str, arrivals: Iterable[_Arrival], now: datetime) -> None:
    lost = [(each.raw, each.verdict) for each in arrivals if each.verdict and not each.verdict.counted]
    if lost:
        refused.keep(provider, key_source, lost, at=now)


def _repeated(arrival: _Arrival, payload: bytes, first: Receipt | None) -> Verdict:
    event = arrival.event
    if payload == event.digest:
        return Verdict(event.id, event.source, Outcome.DUPLICATE, first=first)
    refusal = EventRefused("conflict")
    return Verdict(event.id, event.source, Outcome.CONFLICT, refusal.code, refusal.message, first=first)


def _accepted(arrival: _Arrival) -> Verdict:
    return Verdict(arrival.event.id, arrival.event.source, Outcome.ACCEPTED)
