"""What the usage page shows: the month's cost by service and charge, its course, and how it differs from the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from flask_babel import gettext as _

from market import billing, rating, subscriptions
from market.accounts import Organization
from market.billing import Bill, BillStatus, Course, Line, LineCourse, LineKind, Words
from market.console import drivers
from market.console.remarks import Remarks
from market.console.scope import Scope
from market.kit.period import Period, local_day
from market.subscriptions import Subscription
from market.web import charts, formats

#: Months offered as a switch beside the list of all, the present one among them.
SWITCHED = 3
#: Months in the list.
MOST_MONTHS = 36
#: Dearer than the month before by this share is worth a warning.
WARNED = Decimal("1.2")


@dataclass(frozen=True)
class Item:
    """One line: what was used, what the plan includes, what is over, the price and the amount."""

    name: str
    note: str
    trial: bool
    metered: bool
    used: Decimal
    included: Decimal
    over: Decimal
    unit: str
    price: Sequence[str]
    working: Sequence[str]
    fen: int
    last_used_at: datetime | None


@dataclass(frozen=True)
class Service:
    """One subscription's lines of the month."""

    subscription: Subscription | None
    name: str
    plan: str
    items: Sequence[Item]

    @property
    def fen(self) -> int:
        """What the service comes to."""
        return sum(item.fen for item in self.items)


@dataclass(frozen=True)
class Account:
    """The lines of a month with the bill they stand on once it is issued, and their course."""

    period: Period
    bill: Bill | None
    cutoff: datetime
    course: Course


@dataclass(frozen=True)
class Month:
    """A month as the page shows it; `before` is the month before, where it had lines."""

    now: Account
    before: Account | None
    services: Sequence[Service]
    chart: charts.Cumulative
    comparison: drivers.Comparison | None
    remarks: Remarks

    @property
    def period(self) -> Period:
        """Which month it is."""
        return self.now.period

    @property
    def bill(self) -> Bill | None:
        """The issued bill."""
        return self.now.bill

    @property
    def cutoff(self) -> datetime:
        """When the figures were taken."""
        return self.now.cutoff

    @property
    def course(self) -> Course:
        """How it came about."""
        return self.now.course

    @property
    def running(self) -> bool:
        """Whether the month is not over."""
        return self.cutoff < self.period.end

    @property
    def fees_fen(self) -> int:
        """The part that does not depend on usage."""
        return sum(each.line.gross_fen for each in self.course.lines if each.line.quantity is None)

    @property
    def days_based(self) -> int:
        """From how many days the outlook is drawn, today not counted."""
        basis = self.course.basis
        return (basis.last_day - basis.first_day).days or 1 if basis else 0

    @property
    def dearer(self) -> bool:
        """Whether it will be so much dearer than the month before that somebody should look."""
        expected, before = self.course.expected_fen, self.before.course.total_fen if self.before else 0
        return bool(before) and expected is not None and expected > before * WARNED


def month_of(organization: Organization, period: Period, scope: Scope, *, now: datetime) -> Month:
    """The running bill of a month, or the issued one, narrowed to a scope."""
    account = account_of(organization, period, scope, now=now)
    last = earlier(organization, period)
    # Nothing is asked about a month in which nothing ran yet.
    ran = account.course.lines and any(subscriptions.was_live(one, last) for one in scope.mine.values())
    before = account_of(organization, last, scope, now=now) if ran else None
    before = before if before and before.course.lines else None
    remarks = Remarks.of(scope, period, account.course)
    return Month(
        now=account,
        before=before,
        services=_services(account.course, scope),
        chart=_chart(account, before, remarks),
        comparison=_comparison(organization, account, before),
        remarks=remarks,
    )


def account_of(organization: Organization, period: Period, scope: Scope, *, now: datetime) -> Account:
    """One month's lines and course: as billed once the bill is issued, else as they are now."""
    bill = billing.bill_for(organization, period)
    issued = bill if bill is not None and bill.status is not BillStatus.DRAFT else None
    lines: Sequence[Line] = ()
    if issued:
        lines = issued.lines
    elif period.start <= now:
        lines = billing.draw_up(organization, period, cutoff=now, subscribed=scope.mine.values())
    course = billing.course(organization, period, scope.narrow(lines), now=now, subscribed=scope.mine.values())
    return Account(period, issued, issued.cutoff if issued else now, course)


def earlier(organization: Organization, period: Period) -> Period:
    """The billing month before this one."""
    return billing.period_of(organization, period.start - timedelta(seconds=1))


def periods_of(organization: Organization, mine: Sequence[Subscription], *, now: datetime) -> list[Period]:
    """Months with something to see, newest first, the present one always."""
    started = [one.started_at for one in mine if one.started_at]
    found = [billing.period_of(organization, now)]
    while started and found[-1].start > min(started) and len(found) < MOST_MONTHS:
        found.append(earlier(organization, found[-1]))
    return found


def _services(course: Course, scope: Scope) -> list[Service]:
    words = Words(formats.language())
    seen = scope.last_used(course)
    services = []
    for id, lines in groupby(course.lines, key=lambda each: each.line.subscription_id):
        items = list(lines)
        label = items[0].line.label
        services.append(
            Service(
                scope.mine.get(id), words.local(label, "offering"), words.local(label, "plan"),
                [_item(each, words, seen) for each in items],
            )
        )  # fmt: skip
    return services


def _item(each: LineCourse, words: Words, seen: Mapping[tuple[int, int], datetime]) -> Item:
    line, rated, label = each.line, each.rated, each.line.label
    unit, metered = words.local(label, "unit"), line.quantity is not None
    return Item(
        name=_("免费试用") if "trial" in label else words.local(label, "charge"),
        note=_("补记 %(month)s 的用量", month=formats.month(line.service_start)) if line.kind is LineKind.ADJUSTMENT else "",
        trial="trial" in label,
        metered=metered,
        used=line.quantity or Decimal(0),
        included=rated.included if metered else Decimal(0),
        over=rated.billable if metered else Decimal(0),
        unit=unit,
        price=() if "trial" in label else rating.describe(_without_included(line.terms), unit or words.local(label, "units"), words.locale),
        working=billing.working(line, words),
        fen=line.gross_fen,
        last_used_at=seen.get((line.subscription_id, each.meter.id)) if each.meter else None,
    )


def _without_included(terms: Mapping[str, object]) -> rating.Terms:
    parsed = rating.parse(terms)
    return parsed if isinstance(parsed, rating.Flat) else replace(parsed, included=Decimal(0))


def _chart(account: Account, before: Account | None, remarks: Remarks) -> charts.Cumulative:
    days, total_before = [], 0
    for day, total in account.course.days:
        days.append(charts.Day(day, total - total_before, total, remarks.on(day)))
        total_before = total
    totals = [fen for _day, fen in before.course.days] if before else []
    first, last = account.period.first_day, account.period.last_day
    return charts.Cumulative(first, last, days, account.course.outlook, before=totals)


def _comparison(organization: Organization, account: Account, before: Account | None) -> drivers.Comparison | None:
    """A running month is compared up to the end of yesterday, the last whole day; on its first day not at all."""
    if before is None:
        return None
    until: date | None = None
    if account.cutoff < account.period.end:
        until = local_day(account.cutoff) - timedelta(days=1)
        if until < account.period.first_day:
            return None
    return drivers.compare(organization, account.course, before.course, of=before.period, until=until)
