"""What events of one type for one subscription have in common, looked up once for a request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from market.catalog.models import Aggregation, Meter
from market.kit.period import local_day, local_midnight, month_of
from market.metering import queries, values
from market.metering.models import Band
from market.metering.queries import Counting, Reporter, Subject
from market.metering.verdicts import EventRefused

#: How far a provider's clock may be ahead of ours, and how late its first reading may seem to be early.
SKEW = timedelta(minutes=5)
#: How old usage may be once the bill of its month is final.
REACH = timedelta(days=35)

_MOMENT = timedelta(microseconds=1)


class Billed(NamedTuple):
    """How far an organization's bills reach."""

    #: The end of the last final one.
    until: datetime | None
    #: Up to when the last one, or a draft, knows what was stored.
    cutoff: datetime | None


#: `billing.closed_until`: of organizations that have bills, how far these reach.
ClosedUntil = Callable[[Collection[int]], Mapping[int, Billed]]
#: Type and subject of events.
Name = tuple[str, str]

MILLIONTHS = 10**6
#: So many digits are surely no more than any meter's limit.
_SHORT = 8
_SCALES = [10**places for places in range(7)]


class Scale:
    """A plain meter for one request: its columns read once, what it weighs as whole millionths."""

    __slots__ = ("aggregation", "counter_id", "meter", "property")

    def __init__(self, meter: Counting) -> None:
        self.meter = meter
        self.aggregation = meter.aggregation
        self.counter_id = meter.id
        self.property = "" if meter.aggregation is Aggregation.COUNT else meter.value_property

    def weigh(self, data: Mapping[str, Any]) -> int:
        """`values.value_of` in millionths; short plain numbers, which most are, need no decimal. Raises EventRefused."""
        if not self.property:
            return MILLIONTHS
        value = data.get(self.property)
        if value.__class__ is str:
            if value.isdecimal() and value.isascii() and len(value) <= _SHORT:
                return int(value) * MILLIONTHS
            whole, _, places = value.partition(".")
            digits = whole + places
            if whole and 0 < len(places) <= 6 and len(whole) <= _SHORT and digits.isdecimal() and digits.isascii():
                return int(digits) * _SCALES[6 - len(places)]
        elif value.__class__ is int and 0 <= value < 10**_SHORT:
            return value * MILLIONTHS
        return int(values.value_of(self.meter, data).scaleb(6))


@dataclass(slots=True)
class Lane:
    """One type of events for one subscription."""

    #: Its place among those of the request.
    number: int
    subject: Subject
    closed: datetime | None
    month: datetime
    #: From `first` until `last`, both in UTC, an event is on time, and nothing speaks against its time.
    first: datetime
    last: datetime
    #: The meters that count these events: those whose counters the database moves by itself, and all others.
    scales: list[Scale] = field(default_factory=list)
    others: list[Meter] = field(default_factory=list)

    def check(self, at: datetime, now: datetime) -> None:
        """Raise EventRefused for an event that cannot have happened then, or that comes too late."""
        if self.first <= at < self.last:
            return
        if at > now + SKEW:
            raise EventRefused("future")
        opened = _opened(self.subject)
        if opened is None:
            raise EventRefused("subscription_not_live", "这个订阅还没有开通。")
        if now - at > REACH and (at < opened or (self.closed is not None and at < self.closed)):
            raise EventRefused("expired")
        if at < opened or (self.subject.ended_at is not None and at >= self.subject.ended_at):
            raise EventRefused("subscription_not_live")

    def band(self, at: datetime) -> Band:
        """When an event of that time arrives, seen from its bill."""
        return Band.ON_TIME if at >= self.first else band_of(at, self.closed, self.month)


class Days:
    """The local day of instants that mostly lie in the same one or two.

    Its bounds are in UTC, as events are: comparing instants of different zones takes twenty times as long.
    """

    def __init__(self) -> None:
        self._known: list[tuple[datetime, datetime, date]] = []

    def of(self, at: datetime) -> date:
        """The day."""
        for start, end, day in self._known:
            if start <= at < end:
                return day
        day = local_day(at)
        start, end = (local_midnight(each).astimezone(UTC) for each in (day, day + timedelta(days=1)))
        self._known = [(start, end, day), *self._known[:3]]
        return day


def band_of(at: datetime, closed: datetime | None, month: datetime) -> Band:
    """The band of an event's time: `closed` is where final bills end, `month` where the running month begins."""
    if closed is not None and at < closed:
        return Band.VERY_LATE
    return Band.ON_TIME if at >= month else Band.LATE


def later(now: datetime, billed: Iterable[Billed]) -> datetime:
    """When something is stored for firms that are held: `now`, or the moment after the last cutoff of their bills.

    What waited while a bill was drawn up is not on it, though it may have come before the bill's cutoff.
    """
    return max([now, *(each.cutoff + _MOMENT for each in billed if each.cutoff is not None)])


def ask(provider: Reporter, wanted: Collection[Name], *, now: datetime) -> queries.Asking:
    """Ask for what lanes are made of."""
    return queries.Asking(provider, {type for type, _ in wanted}, {subject for _, subject in wanted}, at=now)


def of(
    provider: Reporter, wanted: Collection[Name], asked: queries.Asking, *, now: datetime, closed_until: ClosedUntil
) -> tuple[dict[Name, Lane | str], datetime]:
    """The lane of each type and subject, or the code of what is wrong with it; and when they are stored: `later`.

    The subscriptions are held until the transaction ends.
    """
    meters, subjects = asked.answered()
    closed = closed_until({subject.organization_id for subject in subjects.values()})
    if (stored_at := later(now, closed.values())) > now:
        return of(provider, wanted, ask(provider, wanted, now=stored_at), now=stored_at, closed_until=closed_until)
    month = month_of(now).start
    scales = {type: [Scale(meter) for meter in counting if meter.plain] for type, counting in meters.items()}
    whole = queries.whole_meters([meter.id for counting in meters.values() for meter in counting if not meter.plain])
    others = {type: [whole[meter.id] for meter in counting if not meter.plain] for type, counting in meters.items()}
    lanes: dict[Name, Lane | str] = {}
    until = {id: billed.until for id, billed in closed.items()}
    bounds = {name: _bounds(subject, until.get(subject.organization_id), month, now) for name, subject in subjects.items()}
    for name in wanted:
        subject = subjects.get(name[1])
        if name[0] not in meters:
            lanes[name] = "unknown_type"
        elif subject is None:
            lanes[name] = "unknown_subscription"
        else:
            lanes[name] = Lane(
                len(lanes), subject, until.get(subject.organization_id), month, *bounds[name[1]], scales[name[0]], others[name[0]]
            )  # fmt: skip
    return lanes, now


def _bounds(subject: Subject, closed: datetime | None, month: datetime, now: datetime) -> tuple[datetime, datetime]:
    """From when until when its events are on time."""
    last = min(now + SKEW, subject.ended_at or now + SKEW)
    first = max(month, closed or month, _opened(subject) or last)
    return first.astimezone(UTC), last.astimezone(UTC)


def _opened(subject: Subject) -> datetime | None:
    """Since when there can be usage: the provider may have set its clock a little behind ours, but not a day."""
    if subject.started_at is None:
        return None
    return max(subject.started_at - SKEW, local_midnight(local_day(subject.started_at)))
