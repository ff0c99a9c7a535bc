"""What the usage page shows: the month's cost by service and charge, its course, and why it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from flask_babel import gettext as _

from market import billing, rating, subscriptions
from market.accounts import Organization
from market.billing import Bill, BillStatus, LineCourse, LineKind, Words
from market.kit.period import Period
from market.subscriptions import Subscription
from market.web import charts, formats

#: Months offered in the switch, the present one among them.
MOST_MONTHS = 4


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
class Month:
    """A month as the page shows it. `bill` is there once it is issued, `before` is the bill of the month before."""

    period: Period
    bill: Bill | None
    cutoff: datetime
    course: billing.Course
    services: Sequence[Service]
    chart: charts.Cumulative
    before: Bill | None
    driver: str

    @property
    def running(self) -> bool:
        """Whether the month is not over."""
        return self.cutoff < self.period.end

    @property
    def fees_fen(self) -> int:
        """The part that does not depend on usage."""
        return sum(each.line.gross_fen for each in self.course.lines if each.line.quantity is None)


def month_of(organization: Organization, period: Period, *, now: datetime) -> Month:
    """The running bill of a month, or the issued one."""
    bill = billing.bill_for(organization, period)
    issued = bill if bill is not None and bill.status is not BillStatus.DRAFT else None
    lines = issued.lines if issued else billing.draw_up(organization, period, cutoff=now)
    course = billing.course(organization, period, lines, now=now)
    before = billing.bill_for(organization, billing.period_of(organization, period.start - timedelta(seconds=1)))
    mine = {one.id: one for one in subscriptions.subscriptions_of(organization)}
    return Month(
        period=period,
        bill=issued,
        cutoff=issued.cutoff if issued else now,
        course=course,
        services=_services(course, mine),
        chart=_chart(period, course),
        before=before,
        driver=_driver(before, course),
    )


def periods_of(organization: Organization, *, now: datetime) -> list[Period]:
    """Months with something to see, newest first, the present one always."""
    started = [one.started_at for one in subscriptions.subscriptions_of(organization) if one.started_at]
    month = billing.period_of(organization, now)
    found = [month]
    while started and found[-1].start > min(started) and len(found) < MOST_MONTHS:
        found.append(billing.period_of(organization, found[-1].start - timedelta(seconds=1)))
    return found


def _services(course: billing.Course, mine: Mapping[int, Subscription]) -> list[Service]:
    words = Words(formats.language())
    services = []
    for id, lines in groupby(course.lines, key=lambda each: each.line.subscription_id):
        items = list(lines)
        label = items[0].line.label
        services.append(
            Service(mine.get(id), words.local(label, "offering"), words.local(label, "plan"), [_item(each, words) for each in items])
        )
    return services


def _item(each: LineCourse, words: Words) -> Item:
    line, rated, label = each.line, each.rated, each.line.label
    unit, metered = words.local(label, "unit"), line.quantity is not None
    return Item(
        name=_("免费试用") if "trial" in label else words.local(label, "charge"),
        note=_note(each),
        trial="trial" in label,
        metered=metered,
        used=line.quantity or Decimal(0),
        included=rated.included if metered else Decimal(0),
        over=rated.billable if metered else Decimal(0),
        unit=unit,
        price=() if "trial" in label else rating.describe(_without_included(line.terms), unit, words.locale),
        working=billing.working(line, words),
        fen=line.gross_fen,
    )


def _without_included(terms: Mapping[str, object]) -> rating.Terms:
    parsed = rating.parse(terms)
    return parsed if isinstance(parsed, rating.Flat) else replace(parsed, included=Decimal(0))


def _note(each: LineCourse) -> str:
    if each.line.kind is LineKind.ADJUSTMENT:
        return _("补记 %(month)s 的用量", month=formats.month(each.line.service_start))
    return ""


def _chart(period: Period, course: billing.Course) -> charts.Cumulative:
    days, before = [], 0
    for day, total in course.days:
        days.append(charts.Day(day, total - before, total))
        before = total
    return charts.Cumulative(period.first_day, period.last_day, days, course.outlook)


def _driver(before: Bill | None, course: billing.Course) -> str:
    """What makes the month dearer or cheaper than the one before, in a sentence; empty if that cannot be said."""
    total = course.total_fen if course.expected_fen is None else course.expected_fen
    if before is None or total == before.gross_fen:
        return ""
    more = total > before.gross_fen
    said = {"month": formats.month(before.period), "amount": formats.money(abs(total - before.gross_fen))}
    text = _("比 %(month)s多 %(amount)s", **said) if more else _("比 %(month)s少 %(amount)s", **said)
    charge, change = max(_changes(before, course), key=lambda named: named[1] if more else -named[1], default=("", 0))
    much = formats.money(abs(change))
    if more and change > 0:
        return _("%(text)s，主要是%(charge)s多了 %(much)s。", text=text, charge=charge, much=much)
    if not more and change < 0:
        return _("%(text)s，主要是%(charge)s少了 %(much)s。", text=text, charge=charge, much=much)
    return _("%(text)s。", text=text)


def _changes(before: Bill, course: billing.Course) -> list[tuple[str, int]]:
    """(charge, fen more than the month before) of every charge that either month has."""
    words = Words(formats.language())
    names: dict[tuple[int, int], str] = {}
    sums: dict[tuple[int, int], int] = {}
    now = [(each.line, each.line.gross_fen if each.expected_fen is None else each.expected_fen) for each in course.lines]
    for line, fen in [*now, *((line, -line.gross_fen) for line in before.lines)]:
        key = line.subscription_id, line.charge_id
        names.setdefault(key, words.local(line.label, "charge"))
        sums[key] = sums.get(key, 0) + fen
    return [(names[key], fen) for key, fen in sums.items()]


def daily_rows(month: Month) -> list[list[str]]:
    """The daily quantities as rows of a table file: a head, then a row for each day and line."""
    words = Words(formats.language())
    rows = [[_("日期"), _("订阅编号"), _("服务"), _("套餐"), _("收费项目"), _("当日用量"), _("单位")]]
    for each in month.course.lines:
        label = each.line.label
        about = [label["subscription"], words.local(label, "offering"), words.local(label, "plan"), words.local(label, "charge")]
        rows += [
            [_day(day), *map(_harmless, about), f"{quantity:f}", _harmless(words.local(label, "unit"))]
            for day, quantity in each.daily
        ]
    return rows


def _day(day: date) -> str:
    return day.isoformat()


def _harmless(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
