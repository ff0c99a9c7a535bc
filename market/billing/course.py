"""How a month's cost came about day by day, and where it is going.

Fees count from the first day they pay for. Usage adds up by local day and is rated as it stands at the end of
each day, so the last day says what the bill says. The outlook goes on, line by line, as on the last seven days,
each day of the week once, and is rated with the same terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from market import metering, rating
from market.accounts import Organization
from market.billing import usage
from market.billing.drafts import LineDraft, recompute
from market.billing.models import BillLine, LineKind
from market.catalog import Aggregation, Meter, TimeBase
from market.kit.period import Period, local_day, local_midnight
from market.kit.quantity import round6

#: Before so much of the month is over, nothing is said about its end.
SOONEST = timedelta(days=2)
#: What comes is like what was used since the midnight so long before today's.
RECENT = timedelta(days=7)
#: Quantities that grow with time; the others stay as they are.
GROWING = frozenset({Aggregation.SUM, Aggregation.COUNT, Aggregation.TIME_WEIGHTED})

Line = LineDraft | BillLine
_Counted = Mapping[tuple[int, int, Period], Sequence[tuple[date, Decimal]]]
_ZERO = Decimal(0)
_SECOND = timedelta(seconds=1)


class Stand(NamedTuple):
    """What a line had come to by the end of a day: fen, and the quantity that gave them (None for a fee)."""

    day: date
    fen: int
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class LineCourse:
    """One line: each day's quantity so far, what it had come to by each day, and what is expected (None: nothing said)."""

    line: Line
    rated: rating.Rated
    meter: Meter | None
    daily: tuple[tuple[date, Decimal], ...]
    stands: tuple[Stand, ...]
    expected_fen: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """A month: (day, fen by the end of that day) so far, the same for the days to come, and each line.

    `basis` is the time whose use the outlook goes on with, None where there is no outlook.
    """

    lines: tuple[LineCourse, ...]
    days: tuple[tuple[date, int], ...]
    outlook: tuple[tuple[date, int], ...]
    basis: Period | None

    @property
    def total_fen(self) -> int:
        """What it comes to so far."""
        return sum(each.line.gross_fen for each in self.lines)

    @property
    def expected_fen(self) -> int | None:
        """What it is expected to come to; None if nothing is said about that."""
        return self.outlook[-1][1] if self.outlook else None


def course(organization: Organization, period: Period, lines: Sequence[Line], *, now: datetime) -> Course:
    """The course of a month whose lines were drawn up at `now`, or of an issued bill's month."""
    meters = usage.meters_of([line.charge_id for line in lines])
    counted = _counted(lines, meters, until=now)
    traced = [_Trace(organization, line, meters.get(line.charge_id), counted, period, now) for line in lines]
    today = min(local_day(now), period.last_day)
    dates = [period.first_day + timedelta(days=n) for n in range(period.days)]
    foreseen = today < period.last_day and now - period.start >= SOONEST
    past = [day for day in dates if day <= today]
    stands = [tuple(trace.stand(day) for day in past) for trace in traced]
    return Course(
        tuple(
            LineCourse(t.line, t.rated, t.meter, t.daily, stood, t.expected(period.last_day) if foreseen else None)
            for t, stood in zip(traced, stands, strict=True)
        ),
        tuple((day, sum(stood[n].fen for stood in stands)) for n, day in enumerate(past)),
        tuple((day, sum(t.expected(day) for t in traced)) for day in dates if day > today and foreseen),
        Period(_recently(now, period), now) if foreseen else None,
    )


class _Trace:
    """One line through the days of its month."""

    def __init__(
        self, organization: Organization, line: Line, meter: Meter | None, counted: _Counted, period: Period, now: datetime
    ) -> None:
        self.organization, self.line, self.meter, self.period, self.now = organization, line, meter, period, now
        self.service = Period(line.service_start, line.service_end)
        self.rated = recompute(line, organization)
        self.own = line.kind is LineKind.CHARGE
        self.last_day = min(local_day(now), self.service.last_day)
        key = (line.subscription_id, meter.id, self.service) if meter and self.own else None
        self.daily = tuple(each for each in counted.get(key, ()) if each[0] <= self.last_day) if key else ()
        self.running = dict(_running(self.daily, meter, period)) if meter else {}

    def fen(self, day: date) -> int:
        """What the line came to by the end of a day."""
        if not self.own or day >= self.last_day:
            return self.line.gross_fen if not self.own or day >= self.service.first_day else 0
        if day < self.service.first_day:
            return 0
        if self.line.quantity is None:
            return self.line.gross_fen
        return recompute(self.line, self.organization, quantity=self.running.get(day, _ZERO)).fen

    def stand(self, day: date) -> Stand:
        """Where the line stood at the end of a day."""
        if self.line.quantity is None:
            return Stand(day, self.fen(day), None)
        last = not self.own or day >= self.last_day
        return Stand(day, self.fen(day), self.line.quantity if last else self.running.get(day, _ZERO))

    def expected(self, day: date) -> int:
        """What it comes to by the end of a day to come if it goes on as lately."""
        if not self.own or self.line.quantity is None or self.meter is None or self.meter.aggregation not in GROWING:
            return self.fen(day)
        stop, since = min(self.now, self.service.end), _recently(self.now, self.service)
        past, ahead = (stop - since) // _SECOND, (_end_of(day, self.service) - stop) // _SECOND
        if min(past, ahead) <= 0:
            return self.fen(day)
        used = Fraction(sum((quantity for on, quantity in self.daily if on >= local_day(since)), _ZERO))
        if self.meter.time_base is TimeBase.PERIOD:
            used /= self.period.days
        quantity = Fraction(self.line.quantity) + used * Fraction(ahead, past)
        return recompute(self.line, self.organization, quantity=round6(quantity)).fen


def _recently(now: datetime, span: Period) -> datetime:
    return max(span.start, local_midnight(local_day(now)) - RECENT)


def _end_of(day: date, service: Period) -> datetime:
    return min(service.end, service.start + timedelta(days=(day - service.first_day).days + 1))


def _counted(lines: Sequence[Line], meters: Mapping[int, Meter], *, until: datetime) -> _Counted:
    """Each day's quantities, asked once for each distinct service period."""
    wanted: dict[Period, set[int]] = {}
    for line in lines:
        if line.kind is LineKind.CHARGE and line.charge_id in meters and line.quantity is not None:
            wanted.setdefault(Period(line.service_start, line.service_end), set()).add(line.subscription_id)
    return {
        (subscription_id, meter_id, service): days
        for service, ids in wanted.items()
        for (subscription_id, meter_id), days in metering.dailies(ids, service, until=until).items()
    }


def _running(daily: Sequence[tuple[date, Decimal]], meter: Meter, period: Period) -> list[tuple[date, Decimal]]:
    """The period's quantity as it stood at the end of each day."""
    total, highest, known = _ZERO, _ZERO, []
    for day, quantity in daily:
        total, highest = total + quantity, max(highest, quantity)
        if meter.aggregation is Aggregation.MAX:
            known.append((day, highest))
        elif meter.time_base is TimeBase.PERIOD:
            known.append((day, round6(Fraction(total) / period.days)))
        else:
            known.append((day, total))
    return known
