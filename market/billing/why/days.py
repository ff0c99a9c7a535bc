"""The days of a metered line, and the events of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice

from market import db, metering, rating
from market.billing import drafts, usage
from market.billing.lines import fen_of
from market.billing.models import Bill, BillLine
from market.billing.periods import period_of
from market.catalog import Aggregation, Charge
from market.errors import NotFound
from market.kit import period as periods
from market.kit.period import Period
from market.metering import corrections
from market.subscriptions import Subscription

#: Events of one day that a page goes through; a file has all of them.
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Day:
    """What was counted on a day, the period's quantity by its end, and what that came to (None: not said).

    `now` is what the counter says today, where that is something else. Without `events` the counters were read.
    """

    day: date
    quantity: Decimal
    to_date: Decimal
    fen: int | None
    events: int | None = None
    gone: int = 0
    now: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """The events of one day of a line, in order of time; `cut` where there are more than a page goes through.

    `told` says by their numbers which correction takes events back or brings them in.
    """

    day: date
    meter: metering.Proved
    quantity: Decimal
    entries: Sequence[metering.Entry]
    told: dict[int, corrections.UsageCorrection]
    cut: bool


def counted_by_events(
    bill: Bill, line: BillLine, counted: metering.Recount, now: dict[date, Decimal]
) -> Iterator[Day]:
    """The days as they were known at the bill's cutoff."""
    for each in counted.days:
        stands = now.get(each.day, Decimal(0))
        yield Day(
            each.day, each.quantity, each.to_date, _fen(bill, line, each.to_date), each.events, each.gone,
            stands if stands != each.quantity else None,
        )  # fmt: skip


def counted_by_counters(bill: Bill, line: BillLine, days: Sequence[metering.DayUse]) -> Iterator[Day]:
    """The days as the counters say today."""
    for each in days:
        yield Day(each.day, each.quantity, each.to_date, _fen(bill, line, each.to_date))


def counters(bill: Bill, line: BillLine, charge: Charge) -> Sequence[metering.DayUse]:
    """What the day counters say of the line's service period today."""
    service = Period(line.service_start, line.service_end)
    found = metering.courses(
        [line.subscription_id], service, until=bill.cutoff, whole=period_of(bill.organization, line.service_start), only=charge.filter
    )
    return found.get((line.subscription_id, charge.meter_id or 0), [])


def events_on(bill: Bill, line: BillLine, day: date) -> Dated:
    """The events of one day of a metered line, as known at the bill's cutoff. Raises NotFound, EventsArchived."""
    on, service = periods.days(day, day), Period(line.service_start, line.service_end)
    charge = usage.charges_of([line.charge_id]).get(line.charge_id)
    if line.quantity is None or charge is None or charge.meter is None or not service.contains(on.start):
        raise NotFound
    subscription = db.session.get_one(Subscription, line.subscription_id)
    asked = metering.asking(subscription, charge.meter, on, stored_by=bill.cutoff, only=charge.filter)
    entries = list(islice(metering.entries(asked, db.session.connection()), MOST + 1))
    cut = len(entries) > MOST
    quantity = Decimal(0) if cut else _of_the_day(bill, subscription, charge, on, service)
    shown = sorted(entries[:MOST], key=lambda entry: (entry.at, entry.number))
    numbers = [entry.number for entry in shown if entry.corrects or not entry.counted]
    return Dated(day, asked, quantity, shown, corrections.told_of(numbers), cut)


def _of_the_day(bill: Bill, subscription: Subscription, charge: Charge, on: Period, service: Period) -> Decimal:
    """The day's quantity; a `latest` stands from the day it was told, so it is counted from the first one."""
    assert charge.meter is not None, "usage charges have a meter"
    span = Period(service.start, on.end) if charge.meter.aggregation is Aggregation.LATEST else on
    asked = metering.asking(subscription, charge.meter, span, stored_by=bill.cutoff, only=charge.filter)
    return metering.recount(asked, whole=span).days[-1].quantity


def _fen(bill: Bill, line: BillLine, to_date: Decimal) -> int | None:
    """What so much comes to on this line; of a percentage it takes more to know than how much."""
    if isinstance(rating.parse(line.terms), rating.Percentage):
        return None
    return fen_of(line, drafts.recompute(line, bill.organization, quantity=to_date))
