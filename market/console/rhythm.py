"""How use and cost are spread over time: by month, by day, by hour of one day. A table, and bars of its first column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from flask_babel import gettext as _

from market import billing, metering
from market.accounts import Organization
from market.billing import BillLine, Course, Line, LineCourse, LineKind
from market.catalog import Aggregation, Meter, TimeBase
from market.console.remarks import Remarks
from market.console.scope import Scope, address
from market.console.spending import Account
from market.kit.period import Period, local_midnight
from market.kit.quantity import round6
from market.web import charts, errors, formats

#: Metered charges shown side by side; a sheet of paper has room for so many. Files have all.
MOST = 4
#: Months shown, the present one among them.
MONTHS = 12
#: Values of a dimension shown by name.
PARTS = 10
BY = ("hour", "day", "month")

#: A charge of a subscription, under its name, so that it stays the same through versions of its plan.
Key = tuple[int, str]


@dataclass(frozen=True)
class Head:
    """One metered charge: a column. `of` narrows the page to it."""

    key: Key
    service: str
    name: str
    unit: str
    kind: str
    of: str
    meter: Meter | None


@dataclass(frozen=True)
class Row:
    """One hour, day or month; `used` is by column, None where nothing is known."""

    label: str
    iso: str
    fen: int | None
    used: Sequence[Decimal | None]
    note: str = ""
    day: date | None = None


@dataclass(frozen=True)
class Rhythm:
    """The table, oldest row first."""

    by: str
    heads: Sequence[Head]
    rows: Sequence[Row]
    hint: str = ""

    @property
    def shown(self) -> Sequence[Head]:
        """The columns there is room for."""
        return self.heads[:MOST]

    @property
    def priced(self) -> bool:
        """Whether the rows have amounts."""
        return any(row.fen is not None for row in self.rows)

    @property
    def bars(self) -> charts.Columns | None:
        """The first column, drawn; None when there is nothing to draw."""
        if not self.heads or not any(row.used[0] for row in self.rows):
            return None
        return charts.Columns([_bar(row, self.heads[0]) for row in self.rows])


def by_day(course: Course, scope: Scope, remarks: Remarks, *, now: datetime) -> Rhythm:
    """The days so far: what each added to the cost, and what was used."""
    lines = _metered(course)
    used = {key: _days_of(each, now) for key, each in lines.items()}
    rows, before = [], 0
    for day, total in course.days:
        quantities = [used[key].get(day, Decimal(0)) for key in lines]
        rows.append(Row(formats.date(day, short=True), day.isoformat(), total - before, quantities, remarks.on(day), day))
        before = total
    return Rhythm("day", [_head(key, each, scope, _("当天平均"), _("当天最高")) for key, each in lines.items()], rows)


def by_month(organization: Organization, scope: Scope, accounts: Sequence[Account]) -> Rhythm:
    """Issued months as they were billed, and those that are not yet issued (`accounts`) as they are now."""
    open_ = {one.period: [each.line for each in one.course.lines] for one in accounts if one.bill is None}
    bills = billing.bills_with_lines(organization, most=MONTHS)
    billed: dict[int, list[Line]] = {bill.id: [] for bill in bills}
    for line in scope.narrow([line for bill in bills for line in bill.lines]):
        if isinstance(line, BillLine):
            billed[line.bill_id].append(line)
    months = {bill.period.first_day.isoformat(): billed[bill.id] for bill in bills}
    months |= {period.first_day.isoformat(): lines for period, lines in open_.items()}
    heads: dict[Key, Head] = {}
    for one in accounts:
        heads = {key: _head(key, each, scope, _("当月平均"), _("当月最高")) for key, each in _metered(one.course).items()} | heads
    rows = []
    for first, lines in sorted(months.items()):
        used = {key: [line.quantity or Decimal(0) for line in lines if _is(line, key)] for key in heads}
        quantities = [sum(used[key], Decimal(0)) if used[key] else None for key in heads]
        rows.append(Row(formats.month(first), first, sum(line.gross_fen for line in lines), quantities))
    return Rhythm("month", list(heads.values()), rows[-MONTHS:])


def by_hour(course: Course, scope: Scope, day: date, *, now: datetime) -> Rhythm:
    """The hours of a day, from the events themselves; only so many are read."""
    heads = _meters(course, scope)[:MOST]
    asked = [(head.key[0], head.meter) for head in heads if head.meter]
    try:
        known = metering.hours(asked, day, until=now) if asked else {}
    except metering.EventsArchived as refusal:
        return Rhythm("hour", heads, [], errors.translate(refusal))
    if known is None:
        return Rhythm("hour", heads, [], _("这一天的记录太多，这里不按小时算。请看按天的数字，或用接口读取。"))
    rows = []
    for hour in range(24):
        at = local_midnight(day) + timedelta(hours=hour)
        if at < now:
            span = Period(at, at + timedelta(hours=1))
            quantities = [_so_far(meter, known[id, meter.id][hour], span, now) for id, meter in asked]
            rows.append(Row(formats.clock(at), formats.iso(at), None, quantities))
    return Rhythm("hour", heads, rows)


def _meters(course: Course, scope: Scope) -> list[Head]:
    """A column for each meter; several charges may price parts of one."""
    found: dict[tuple[int, int], Head] = {}
    for key, lines in _metered(course).items():
        head = _head(key, lines, scope, _("这一小时平均"), _("这一小时最高"))
        if head.meter:
            found.setdefault((key[0], head.meter.id), replace(head, name=formats.local(head.meter, "name")))
    return list(found.values())


def _metered(course: Course) -> dict[Key, list[LineCourse]]:
    """The lines of each metered charge, what costs most first."""
    found: dict[Key, list[LineCourse]] = {}
    for each in course.lines:
        if each.line.quantity is not None and each.line.kind is LineKind.CHARGE:
            found.setdefault((each.line.subscription_id, each.line.label["charge_zh"]), []).append(each)
    return dict(sorted(found.items(), key=lambda pair: -sum(each.line.gross_fen for each in pair[1])))


def _is(line: Line, key: Key) -> bool:
    return line.kind is LineKind.CHARGE and (line.subscription_id, line.label["charge_zh"]) == key


def _days_of(lines: Sequence[LineCourse], now: datetime) -> dict[date, Decimal]:
    return {
        day: _so_far(each.meter, quantity, Period(local_midnight(day), local_midnight(day + timedelta(days=1))), now)
        for each in lines
        for day, quantity in each.daily
    }


def _so_far(meter: Meter | None, quantity: Decimal, span: Period, now: datetime) -> Decimal:
    """A mean over a stretch that is not over yet, as the mean until now; anything else as it is."""
    if meter is None or meter.time_base is not TimeBase.PERIOD or not span.start < now < span.end:
        return quantity
    passed = max((now - span.start) // timedelta(seconds=1), 1)
    # The quantity was rounded to six places before: more than four are not known of the mean.
    return round6(round(Fraction(quantity) * (span.length // timedelta(seconds=1)) / passed, 4))


def _head(key: Key, lines: Sequence[LineCourse], scope: Scope, mean: str, highest: str) -> Head:
    line, meter, one = lines[-1].line, lines[-1].meter, scope.mine.get(key[0])
    return Head(
        key=key,
        service=formats.local(line.label, "offering"),
        name=formats.local(line.label, "charge"),
        unit=formats.local(line.label, "unit"),
        kind=_kind(meter, mean, highest),
        of=address(one, meter.slug) if one and meter else "",
        meter=meter,
    )


def _kind(meter: Meter | None, mean: str, highest: str) -> str:
    """How a quantity of a stretch of time is to be read, where it is not simply added up."""
    if meter is None:
        return ""
    if meter.aggregation is Aggregation.MAX:
        return highest
    return mean if meter.time_base is TimeBase.PERIOD else ""


@dataclass(frozen=True)
class Split:
    """A month's use of one meter by the values of one of its dimensions, the largest first."""

    dimension: str
    dimensions: Sequence[str]
    bars: Sequence[charts.Bar]

    def links(self, here: Callable[..., str]) -> list[tuple[str, str, bool]]:
        """The dimensions to choose from; `here` makes an address of this page with another one."""
        return [(each, here(split=each), each == self.dimension) for each in self.dimensions]


def split(scope: Scope, course: Course, dimension: str, period: Period, *, until: datetime) -> Split | None:
    """Who or what used it; None unless the page is narrowed to a meter that tells such things apart."""
    meter = next((each.meter for each in course.lines if each.meter), None) if scope.meter else None
    if meter is None or scope.subscription is None or not meter.dimensions:
        return None
    chosen = dimension if dimension in meter.dimensions else meter.dimensions[0]
    used = metering.grouped([scope.subscription.id], meter, period, by=[chosen], until=until, whole=period)
    named = sorted(((quantity, value or _("没有注明")) for (_id, (value,)), quantity in used.items()), key=lambda pair: (-pair[0], pair[1]))
    unit = formats.local(meter, "unit")
    bars = [charts.Bar(value, quantity, formats.quantity(formats.about(quantity), unit)) for quantity, value in named[:PARTS]]
    if len(named) > PARTS:
        rest = sum((quantity for quantity, _value in named[PARTS:]), Decimal(0))
        name = _("其余 %(count)s 个", count=len(named) - PARTS)
        if meter.aggregation not in (Aggregation.MAX, Aggregation.UNIQUE_COUNT):
            bars.append(charts.Bar(name, rest, formats.quantity(formats.about(rest), unit)))
    return Split(chosen, meter.dimensions, bars)


def _bar(row: Row, head: Head) -> charts.Column:
    used = row.used[0] or Decimal(0)
    text = _("%(when)s：%(quantity)s", when=row.label, quantity=formats.quantity(formats.about(used), head.unit))
    return charts.Column(row.label, used, f"{text}{_('，')}{row.note}" if row.note else text, marked=bool(row.note))
