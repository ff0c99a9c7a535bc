"""How a month's cost came about day by day, and where it is going.

Fees count from the first day they pay for. Usage adds up by local day and is rated as it stands at the end of
each day, so the last day says what the bill says. The outlook goes on, line by line, as on the last seven days,
each day of the week once, and is rated with the same terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from market import metering, rating
from market.accounts import Organization
from market.billing import usage
from market.billing.drafts import LineDraft, recompute
from market.billing.lines import fen_of
from market.billing.models import BillLine, LineKind
from market.catalog import Aggregation, Charge, Filter, Meter, TimeBase
from market.kit.period import Period, local_day, local_midnight
from market.kit.quantity import round6
from market.subscriptions import Subscription

#: Before so much of the month is over, nothing is said about its end.
SOONEST = timedelta(days=2)
#: What comes is like what was used since the midnight so long before today's.
RECENT = timedelta(days=7)
#: Quantities that grow with time; the others stay as they are.
GROWING = frozenset({Aggregation.SUM, Aggregation.COUNT, Aggregation.TIME_WEIGHTED})

Line = LineDraft | BillLine
_ZERO = Decimal(0)
_SECOND = timedelta(seconds=1)


class _Counted(NamedTuple):
    """Each day's quantities by line, and where a percentage is taken its transactions."""

    days: Mapping[usage.Key, Sequence[metering.DayUse]]
    transactions: Mapping[usage.Key, Mapping[date, rating.Transactions]]


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


def course(
    organization: Organization, period: Period, lines: Sequence[Line], *, now: datetime, subscribed: Iterable[Subscription] = ()
) -> Course:
    """The course of a month whose lines were drawn up at `now`, or of an issued bill's month.

    Who has the subscriptions already, with their plans, hands them in.
    """
    known = (charge for one in subscribed for charge in one.plan.charges)
    charges = usage.charges_of([line.charge_id for line in lines], known)
    counted = _counted(lines, charges, period, until=now)
    traced = [_Trace(organization, line, charges.get(line.charge_id), counted, period, now) for line in lines]
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
        self, organization: Organization, line: Line, charge: Charge | None, counted: _Counted, period: Period, now: datetime
    ) -> None:
        self.organization, self.line, self.period, self.now = organization, line, period, now
        self.meter = charge.meter if charge else None
        self.service = Period(line.service_start, line.service_end)
        self.rated = recompute(line, organization)
        self.own = line.kind is not LineKind.ADJUSTMENT
        # What an end on a month's last day gives back is for days after the month.
        self.first_day = min(self.service.first_day, period.last_day)
        self.last_day = min(local_day(now), self.service.last_day)
        known = counted.days.get(usage.key_of(line, charge), ()) if charge and self.own else ()
        self.daily = tuple((each.day, each.quantity) for each in known if each.day <= self.last_day)
        self.running: dict[date, rating.Used] = {each.day: each.to_date for each in known if each.day <= self.last_day}
        if charge and self.own:
            self.running |= dict(_running_transactions(self.rated.terms, counted.transactions.get(usage.key_of(line, charge), {}), self.running))

    def fen(self, day: date) -> int:
        """What the line came to by the end of a day."""
        if not self.own or day >= self.last_day:
            return self.line.gross_fen if not self.own or day >= self.first_day else 0
        if day < self.first_day:
            return 0
        if self.line.quantity is None:
            return self.line.gross_fen
        return self._rated(self.running.get(day, _ZERO))

    def stand(self, day: date) -> Stand:
        """Where the line stood at the end of a day."""
        if self.line.quantity is None:
            return Stand(day, self.fen(day), None)
        last = not self.own or day >= self.last_day
        return Stand(day, self.fen(day), self.line.quantity if last else usage.total_of(self.running.get(day, _ZERO)))

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
        stands = usage.used_of(self.line)
        if isinstance(stands, rating.Transactions):
            factor = quantity / Fraction(stands.total) if stands.total else Fraction(1)
            return self._rated(stands.grown(factor))
        return self._rated(round6(quantity))

    def _rated(self, used: rating.Used) -> int:
        return fen_of(self.line, recompute(self.line, self.organization, quantity=used))


def _recently(now: datetime, span: Period) -> datetime:
    return max(span.start, local_midnight(local_day(now)) - RECENT)


def _end_of(day: date, service: Period) -> datetime:
    return min(service.end, service.start + timedelta(days=(day - service.first_day).days + 1))


def _counted(lines: Sequence[Line], charges: Mapping[int, Charge], period: Period, *, until: datetime) -> _Counted:
    """Each day's quantities, asked once for each distinct service period and filter."""
    wanted: dict[tuple[Period, Filter | None], set[int]] = {}
    for line in lines:
        if line.kind is LineKind.CHARGE and line.charge_id in charges and line.quantity is not None:
            span = Period(line.service_start, line.service_end)
            wanted.setdefault((span, charges[line.charge_id].filter), set()).add(line.subscription_id)
    days = {
        (subscription_id, meter_id, service, only): days
        for (service, only), ids in wanted.items()
        for (subscription_id, meter_id), days in metering.courses(ids, service, until=until, whole=period, only=only).items()
    }
    return _Counted(days, usage.daily_transactions(_percentages(lines, charges)))


def _percentages(
    lines: Sequence[Line], charges: Mapping[int, Charge]
) -> Iterator[tuple[usage.Key, Meter, rating.Percentage]]:
    for line in lines:
        charge = charges.get(line.charge_id)
        if charge and charge.meter and line.kind is LineKind.CHARGE and line.transactions is not None:
            terms = rating.parse(line.terms)
            if isinstance(terms, rating.Percentage):
                yield usage.key_of(line, charge), charge.meter, terms


def _running_transactions(
    terms: rating.Terms, counted: Mapping[date, rating.Transactions], days: Iterable[date]
) -> Iterator[tuple[date, rating.Used]]:
    """By the end of each day, in as few groups as the price needs; nothing for other charges."""
    if isinstance(terms, rating.Percentage):
        so_far = rating.Transactions()
        for day in sorted(days):
            more = rating.Transactions.together([so_far, counted.get(day, rating.Transactions())])
            so_far = rating.rate(terms, more).transactions or more
            yield day, so_far
