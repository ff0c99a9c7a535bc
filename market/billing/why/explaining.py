"""One line of a bill, worked out again: the steps, the days, and whether they lead to what is billed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from sqlalchemy import func, select

from market import db, metering, rating
from market.billing import drafts, usage, verification
from market.billing.lines import exact_of, fen_of
from market.billing.models import Bill, BillLine
from market.billing.periods import period_of
from market.billing.verification import BillDifference
from market.billing.why.days import Day, counted_by_counters, counted_by_events, counters
from market.billing.why.history import Booked, News, booked_before, news
from market.catalog import Charge, Meter
from market.kit import money
from market.kit.period import Period
from market.metering import UsageEvent
from market.subscriptions import Subscription

#: Events that are counted again while somebody waits for the page; of more the counters are read.
MOST = 50_000


class Basis(StrEnum):
    """What the quantity was compared with: nothing, since it is a fee; the events; the counters; or what is stored."""

    FEE = "fee"
    EVENTS = "events"
    COUNTERS = "counters"
    STORED = "stored"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line and how it comes about. `differences` is empty when all that was worked out again agrees."""

    bill: Bill
    line: BillLine
    meter: Meter | None
    rated: rating.Rated
    basis: Basis
    differences: tuple[BillDifference, ...]
    days: tuple[Day, ...] = ()
    events: int = 0
    gone: int = 0
    before: tuple[Booked, ...] = ()
    news: News = field(default_factory=News)

    @property
    def service(self) -> Period:
        """The days that are charged."""
        return Period(self.line.service_start, self.line.service_end)

    @property
    def share(self) -> tuple[int, int] | None:
        """(days, of how many) where it is a part of a month or year; None for a whole one and for what is paid once."""
        terms = self.rated.terms
        if self.line.full_days is not None:
            return self.service.days, self.line.full_days
        if isinstance(terms, rating.Flat) and terms.interval != "month":
            return None
        full = period_of(self.bill.organization, self.line.service_start)
        return None if full == self.service else (self.service.days, full.days)

    @property
    def exact(self) -> Fraction:
        """What the service comes to, before rounding."""
        return exact_of(self.line.kind, self.rated)

    @property
    def carried(self) -> Fraction:
        """What the parts before it came to, with which it is rounded."""
        return Fraction(self.line.carried)

    @property
    def carried_fen(self) -> int:
        """The same, rounded."""
        return money.fen(self.carried)

    @property
    def together_fen(self) -> int:
        """With those before it, rounded."""
        return money.fen(self.carried + self.exact)

    @property
    def whole_fen(self) -> int:
        """What the service comes to, rounded; of an adjustment as it is known now, of money back all of it."""
        return fen_of(self.line, self.rated)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def explain(bill: Bill, line: BillLine) -> Explanation:
    """Work one line of a bill out again; the bill's organization and the line are loaded."""
    charge = usage.charges_of([line.charge_id]).get(line.charge_id) if line.quantity is not None else None
    before = tuple(booked_before(bill, line))
    if charge is None or charge.meter is None:
        rated, found = drafts.recompute(line, bill.organization), verification.check_line(bill, line, None)
        return Explanation(bill, line, None, rated, Basis.FEE, tuple(found), before=before)
    late = news(bill, line, charge, before)
    if _number_of(bill, line, charge.meter) > MOST:
        return _by_counters(bill, line, charge, before, late, Basis.COUNTERS)
    subscription = db.session.get_one(Subscription, line.subscription_id)
    try:
        counted = verification.count_again(bill, line, subscription, charge)
    except metering.EventsArchived:
        return _by_counters(bill, line, charge, before, late, Basis.STORED)
    used = verification.told_by(counted, line)
    stands = {each.day: each.quantity for each in counters(bill, line, charge)}
    return Explanation(
        bill, line, charge.meter, drafts.recompute(line, bill.organization, quantity=used), Basis.EVENTS,
        tuple(verification.check_line(bill, line, used)), tuple(counted_by_events(bill, line, counted, stands)),
        counted.events, counted.gone, before, late,
    )  # fmt: skip


def _by_counters(
    bill: Bill, line: BillLine, charge: Charge, before: tuple[Booked, ...], late: News, basis: Basis
) -> Explanation:
    """Days from the counters; they are compared where no more has come in since than they count."""
    days = counters(bill, line, charge)
    rated, found = drafts.recompute(line, bill.organization), verification.check_line(bill, line, None)
    if basis is Basis.COUNTERS and days and days[-1].to_date != line.quantity and not _grown_since(bill, line):
        found.append(BillDifference(line, "quantity", line.quantity, days[-1].to_date))
    return Explanation(
        bill, line, charge.meter, rated, basis, tuple(found), tuple(counted_by_counters(bill, line, days)), before=before, news=late
    )


def _number_of(bill: Bill, line: BillLine, meter: Meter) -> int:
    """How many events there are to go through, as far as that matters."""
    events = select(UsageEvent.id).where(
        UsageEvent.subscription_id == line.subscription_id,
        UsageEvent.type == meter.event_type,
        UsageEvent.at >= line.service_start,
        UsageEvent.at < line.service_end,
        UsageEvent.stored_at <= bill.cutoff,
    )
    return db.session.scalar(select(func.count()).select_from(events.limit(MOST + 1).subquery())) or 0


def _grown_since(bill: Bill, line: BillLine) -> bool:
    """Whether anything about the service came in after the bill was drawn up, so that counters say more than it does."""
    service = Period(line.service_start, line.service_end)
    return any(each.noted_at > bill.cutoff for each in metering.remarks([line.subscription_id], service))
