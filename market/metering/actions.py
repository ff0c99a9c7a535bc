"""Taking usage in: one set-based write, a verdict for every event."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from market import db
from market.catalog.models import Aggregation, Meter
from market.kit.period import local_day, local_midnight, month_of
from market.metering import counters, envelope, queries, store, values
from market.metering.counters import Count
from market.metering.envelope import Envelope
from market.metering.models import Band, RefusedEvent
from market.metering.queries import Known, Subject
from market.metering.verdicts import BadEvent, EventRefused, Outcome, Receipt, Verdict
from market.providers.models import Provider

#: How far a provider's clock may be ahead of ours, and how late its first reading may seem to be early.
SKEW = timedelta(minutes=5)
#: How old usage may be once the bill of its month is final.
REACH = timedelta(days=35)

#: `billing.closed_until`: organization → the end of its last final bill.
ClosedUntil = Callable[[Collection[int]], Mapping[int, datetime]]


@dataclass(slots=True, eq=False)
class _Arrival:
    """One event of a request on its way to its verdict."""

    raw: Any
    envelope: Envelope | None = None
    verdict: Verdict | None = None
    subject: Subject | None = None
    counts: list[Count] = field(default_factory=list)

    def refuse(self, refusal: EventRefused) -> None:
        id, source = envelope.outline(self.raw)
        self.verdict = Verdict(id, source, Outcome.REFUSED, refusal.code, refusal.message, dict(refusal.params))

    @property
    def event(self) -> Envelope:
        """The event; only asked of arrivals that could be read."""
        assert self.envelope is not None
        return self.envelope


def ingest(
    provider: Provider,
    key_source: str,
    events: Sequence[Any],
    *,
    now: datetime,
    closed_until: ClosedUntil,
    dry_run: bool = False,
) -> list[Verdict]:
    """Take in what a provider reports; one verdict per event, in the order sent.

    What is accepted is stored and counted in this transaction; an event that is already known under
    its (source, id) is a duplicate or a conflict whatever else may be wrong with it by now, so a whole
    batch can always be sent again. An event counts for the meters there are at `now`, whenever it
    happened. `dry_run` judges and stores nothing.
    """
    arrivals = [_Arrival(raw) for raw in events]
    for arrival in arrivals:
        _read(arrival, key_source, now)
    readable = [arrival for arrival in arrivals if arrival.envelope]
    closed = _judge(provider, readable, now, closed_until)
    fresh, repeats = _first_of_each(arrival for arrival in readable if not arrival.verdict)
    taken = set(fresh) if dry_run else _store(provider, key_source, list(fresh.values()), now, closed)
    _settle(provider, key_source, readable, fresh, repeats, taken, now)
    if not dry_run:
        counters.apply([count for arrival in fresh.values() if not arrival.verdict for count in arrival.counts])
        _keep_refused(provider, arrivals, now)
    return [arrival.verdict or _accepted(arrival) for arrival in arrivals]


def _read(arrival: _Arrival, key_source: str, now: datetime) -> None:
    try:
        if isinstance(arrival.raw, BadEvent):
            raise EventRefused(arrival.raw.code)
        read = envelope.read(arrival.raw, now=now)
        if read.source != key_source:
            raise EventRefused("wrong_source", "这个密钥只能用 source “%(source)s”。", source=key_source)
        arrival.envelope = read
    except EventRefused as refusal:
        arrival.refuse(refusal)


def _judge(
    provider: Provider, arrivals: list[_Arrival], now: datetime, closed_until: ClosedUntil
) -> Mapping[int, datetime]:
    """Refuse all that cannot be counted; the rest stays without a verdict."""
    meters = queries.meters_by_type(provider, {arrival.event.type for arrival in arrivals}, at=now)
    alone = any(meter.aggregation is Aggregation.TIME_WEIGHTED for each in meters.values() for meter in each)
    subjects = queries.hold(provider, {arrival.event.subject for arrival in arrivals}, alone=alone)
    closed = closed_until({subject.organization_id for subject in subjects.values()})
    days = _Days()
    for arrival in arrivals:
        try:
            _check(arrival, subjects, meters, closed, now, days)
        except EventRefused as refusal:
            arrival.refuse(refusal)
    _refuse_overfull([arrival for arrival in arrivals if not arrival.verdict])
    return closed


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


def _check(
    arrival: _Arrival,
    subjects: Mapping[str, Subject],
    meters: Mapping[str, list[Meter]],
    closed: Mapping[int, datetime],
    now: datetime,
    days: _Days,
) -> None:
    event = arrival.event
    counting = meters.get(event.type)
    if counting is None:
        raise EventRefused("unknown_type")
    subject = subjects.get(event.subject)
    if subject is None:
        raise EventRefused("unknown_subscription")
    _check_time(event.at, subject, closed.get(subject.organization_id), now)
    arrival.subject = subject
    day = days.of(event.at)
    arrival.counts = [
        Count((subject.id, meter.id, day), meter, event.at, values.value_of(meter, event.data)) for meter in counting
    ]


def _first_of_each(arrivals: Iterable[_Arrival]) -> tuple[dict[str, _Arrival], list[_Arrival]]:
    """The first event of a request under each id, and those that come after it under the same one."""
    first: dict[str, _Arrival] = {}
    repeats = [arrival for arrival in arrivals if first.setdefault(arrival.event.id, arrival) is not arrival]
    return first, repeats


def _settle(
    provider: Provider,
    source: str,
    readable: list[_Arrival],
    fresh: Mapping[str, _Arrival],
    repeats: list[_Arrival],
    taken: Collection[str],
    now: datetime,
) -> None:
    """Verdicts for all that is known already: stored before, or ahead in the same request."""
    stored_now = fresh.keys() - taken
    doubtful = ({arrival.event.id for arrival in readable if arrival.verdict} - stored_now).union(taken)
    known = queries.known(provider, source, doubtful) if doubtful else {}
    for arrival in readable:
        if first := known.get(arrival.event.id):
            arrival.verdict = _repeated(arrival, first)
    for arrival in repeats:
        if not arrival.verdict:
            arrival.verdict = _repeated(arrival, _as_known(fresh[arrival.event.id].event, now))


def _check_time(at: datetime, subject: Subject, closed: datetime | None, now: datetime) -> None:
    if at > now + SKEW:
        raise EventRefused("future")
    if subject.started_at is None:
        raise EventRefused("subscription_not_live", "这个订阅还没有开通。")
    # The provider may have set its clock a little behind ours; usage never falls on a day before the first.
    opened = max(subject.started_at - SKEW, local_midnight(local_day(subject.started_at)))
    if now - at > REACH and (at < opened or (closed is not None and at < closed)):
        raise EventRefused("expired")
    if at < opened or (subject.ended_at is not None and at >= subject.ended_at):
        raise EventRefused("subscription_not_live")


def _refuse_overfull(arrivals: list[_Arrival]) -> None:
    overfull = counters.overfull(count for arrival in arrivals for count in arrival.counts)
    for arrival in arrivals:
        if overfull and any(count.key in overfull for count in arrival.counts):
            arrival.refuse(EventRefused("too_large", "这一天的用量合计超出了上限，请检查单位。"))


def _store(
    provider: Provider, source: str, arrivals: list[_Arrival], now: datetime, closed: Mapping[int, datetime]
) -> set[str]:
    """Insert what is new; returns the ids that were taken. The unique key decides, whoever else reports at this moment."""
    month = month_of(now).start
    rows = [_row(arrival, closed, month) for arrival in arrivals]
    return store.insert(provider.id, source, rows, stored_at=now) if rows else set()


def _row(arrival: _Arrival, closed: Mapping[int, datetime], month: datetime) -> store.EventRow:
    event, subject = arrival.event, arrival.subject
    assert subject is not None
    band = _band(event.at, closed.get(subject.organization_id), month)
    return store.EventRow(event.id, event.type, subject.id, event.at, event.written, event.digest, band)


def _band(at: datetime, closed: datetime | None, month: datetime) -> Band:
    if closed is not None and at < closed:
        return Band.VERY_LATE
    return Band.ON_TIME if at >= month else Band.LATE


def _keep_refused(provider: Provider, arrivals: Iterable[_Arrival], now: datetime) -> None:
    rows = [
        {
            "provider_id": provider.id,
            "source": arrival.verdict.source,
            "event_id": arrival.verdict.id,
            "received_at": now,
            "code": arrival.verdict.code,
            "reason": arrival.verdict.reason,
            "body": arrival.raw.body if isinstance(arrival.raw, BadEvent) else envelope.excerpt(arrival.raw),
        }
        for arrival in arrivals
        if arrival.verdict and not arrival.verdict.counted
    ]
    if rows:
        db.session.execute(insert(RefusedEvent), rows)


def _repeated(arrival: _Arrival, first: Known) -> Verdict:
    event = arrival.event
    if first.digest == event.digest:
        return Verdict(event.id, event.source, Outcome.DUPLICATE, first=first.receipt)
    refusal = EventRefused("conflict")
    return Verdict(event.id, event.source, Outcome.CONFLICT, refusal.code, refusal.message, first=first.receipt)


def _accepted(arrival: _Arrival) -> Verdict:
    return Verdict(arrival.event.id, arrival.event.source, Outcome.ACCEPTED)


def _as_known(event: Envelope, now: datetime) -> Known:
    return Known(event.digest, Receipt(now, event.type, event.subject, event.at, event.data))
