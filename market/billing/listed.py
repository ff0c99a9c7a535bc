"""Use that somebody lists in a file, read and forgotten: `month, what, quantity`, or the events providers report.

The first is written by hand; the second is what `market usage import` takes in. Each thing is one that plans of the
sub-category price, under the name of its meter. What is wrong is said by line and column. Nothing is stored.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from market.accounts import Organization
from market.billing.periods import period_of
from market.billing.uses import Month, Source, Usage, Used
from market.catalog import Aggregation, Meter, Plan
from market.catalog.measures import measure_of
from market.errors import Invalid
from market.kit import period as periods
from market.kit import quantity
from market.kit.period import Period
from market.kit.refusal import Refusal
from market.metering import BadEvent, EventRefused, envelope, uploads, values
from market.metering.replay import Reading, worked_out
from market.metering.uploads import FileUnreadable

LARGEST = 2 * 1024 * 1024
MOST_LINES = 20_000
MOST_MONTHS = 12
OLDEST = timedelta(days=5 * 366)
#: Problems told at once.
MOST_PROBLEMS = 10
_COLUMNS = {
    "month": "month", "月份": "month", "账期": "month",
    "what": "what", "项目": "what", "收费项目": "what",
    "quantity": "quantity", "数量": "quantity", "用量": "quantity",
}  # fmt: skip
_NEEDED = ("month", "what", "quantity")
_MONTH = re.compile(r"(\d{4})\s*[-/.\u5e74]\s*(\d{1,2})\s*\u6708?", re.ASCII)
_SEPARATED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)


class FileProblems(Invalid):
    """Lines that cannot be used; `problems` says which and why."""

    code = "usage_file_wrong"
    message = "文件里有几行读不懂。"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(field="file")
        self.problems = tuple(problems)


class Wrong(Refusal):
    """A cell that cannot be used."""

    def __init__(self, column: str, message: str, **params: object) -> None:
        super().__init__(message, **params)
        self.column = column


class Problem(NamedTuple):
    """Where something is wrong, and what; `column` is empty where it is the line as a whole."""

    line: int
    column: str
    refusal: Refusal


class Thing(NamedTuple):
    """Something that plans price: any meter that stands for it."""

    meter: Meter

    @property
    def names(self) -> set[str]:
        """What it may be called in a file."""
        return {_plain(name) for name in (self.meter.name_zh, self.meter.name_en, self.meter.slug)}


def things(plans: Iterable[Plan]) -> list[Thing]:
    """What plans price, each name in each unit once, in the order in which plans name it."""
    found: dict[tuple[str, str], Thing] = {}
    for plan in plans:
        for charge in plan.charges:
            if charge.meter is not None:
                found.setdefault((_plain(charge.meter.name_zh), charge.meter.unit_zh), Thing(charge.meter))
    return list(found.values())


def read(content: bytes, plans: Sequence[Plan], organization: Organization, *, now: datetime) -> Usage:
    """The usage in a file, for these plans. Raises FileUnreadable, FileProblems."""
    if len(content) > LARGEST:
        raise FileUnreadable("文件太大：最多 %(megabytes)s MB。", megabytes=LARGEST // 1024**2)
    if not content.strip():
        raise FileUnreadable("选择一个文件，或者在框里写上用量。")
    if not (known := things(plans)):
        raise FileUnreadable("这一类服务现在没有按用量收费的套餐。")
    text = _text(content)
    first = text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    columns = {_COLUMNS.get(_plain(cell)) for cell in re.split("[,\t;，]", first)}
    months = _by_hand(text, known, organization, now) if "month" in columns else _events(content, plans, organization, now)
    return _usage(months, organization)


def written(usage: Usage) -> str:
    """The same, as it is written by hand."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_NEEDED)
    for each in usage.used:
        for month, amount in zip(usage.months, each.quantities, strict=True):
            name = each.meter.name_zh if each.meter else each.measure.unit
            writer.writerow((f"{month.whole.first_day:%Y-%m}", name, quantity.text(amount)))
    return out.getvalue()


#: What was used of each thing in each month.
_Listed = dict[Thing, dict[Period, Decimal]]


def _usage(listed: _Listed, organization: Organization) -> Usage:
    known = sorted({month for each in listed.values() for month in each}, key=lambda month: month.start)
    if not known:
        raise FileUnreadable("文件里没有用量。")
    span = [known[0]]
    while span[-1].start < known[-1].start:
        span.append(period_of(organization, span[-1].end))
    if len(span) > MOST_MONTHS:
        raise FileUnreadable("从第一个月到最后一个月最多 %(months)s 个月。", months=MOST_MONTHS)
    months = tuple(Month(each, each) for each in span)
    used = tuple(
        Used(measure_of(thing.meter), tuple(amounts.get(m.whole, Decimal(0)) for m in months), Source.LISTED, thing.meter)
        for thing, amounts in listed.items()
    )
    return Usage(months, used)


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileUnreadable("文件里的文字读不出来。请另存为“CSV UTF-8（逗号分隔）”，再上传。")


def _plain(name: str) -> str:
    return " ".join(name.casefold().split()).strip("\ufeff\"'")


# --- by hand -----------------------------------------------------------------------------


def _by_hand(text: str, known: Sequence[Thing], organization: Organization, now: datetime) -> _Listed:
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text.replace("，", ",")), delimiter=max(",\t;", key=head.replace("，", ",").count))
    columns = [_COLUMNS.get(_plain(cell), "") for cell in next(rows)]
    if missing := [name for name in _NEEDED if name not in columns]:
        raise FileUnreadable("第一行须是表头，要有这几列：month, what, quantity。缺少：%(missing)s。", missing=", ".join(missing))
    reader = _Reader(known, organization, now)
    try:
        for row in islice(rows, MOST_LINES + 1):
            if rows.line_num - 1 > MOST_LINES:
                raise FileUnreadable("行数太多：最多 %(lines)s 行。", lines=f"{MOST_LINES:,}")
            if any(cell.strip() for cell in row):
                reader.take(rows.line_num, dict(zip(columns, map(str.strip, row), strict=False)))
    except csv.Error as error:
        raise FileUnreadable("第 %(line)s 行的引号不成对，读不下去。", line=rows.line_num) from error
    if reader.problems:
        raise FileProblems(reader.problems)
    return reader.listed


class _Reader:
    """Takes lines and keeps what is wrong with them."""

    def __init__(self, known: Sequence[Thing], organization: Organization, now: datetime) -> None:
        self.known, self.organization, self.now = known, organization, now
        self.listed: _Listed = {}
        self.problems: list[Problem] = []
        self._lines: dict[tuple[Thing, Period], int] = {}

    def take(self, line: int, cells: dict[str, str]) -> None:
        """One line."""
        if len(self.problems) >= MOST_PROBLEMS:
            return
        try:
            thing, month = self._thing(cells.get("what", "")), self._month(cells.get("month", ""))
            amount = _amount(cells.get("quantity", ""))
            if before := self._lines.get((thing, month)):
                raise Wrong("", "和第 %(before)s 行写的是同一个月的同一个项目。", before=before)
        except Wrong as problem:
            self.problems.append(Problem(line, problem.column, problem))
            return
        self._lines[thing, month] = line
        self.listed.setdefault(thing, {})[month] = amount

    def _thing(self, written: str) -> Thing:
        named = [thing for thing in self.known if _plain(written) in thing.names]
        if not named:
            raise Wrong("what", "这一类服务里没有叫“%(what)s”的收费项目。", what=written[:40])
        if len({measure_of(thing.meter) for thing in named}) > 1:
            units = "、".join(thing.meter.unit_zh for thing in named)
            raise Wrong("what", "叫“%(what)s”的项目有几种单位（%(units)s），请改用代号。", what=written[:40], units=units)
        return named[0]

    def _month(self, written: str) -> Period:
        found = _MONTH.fullmatch(written)
        if not found or not 1 <= int(found[2]) <= 12 or not int(found[1]):
            raise Wrong("month", "“%(month)s”不是月份，请写成 2026-08 的样子。", month=written[:20])
        month = periods.month(f"{int(found[1]):04}-{int(found[2]):02}")
        if not timedelta(0) <= self.now - month.start <= OLDEST:
            raise Wrong("month", "只能写最近 5 年里、已经开始的月份。")
        # A month that begins on another day than the first is named after the month it begins in.
        return period_of(self.organization, month.end - timedelta(microseconds=1))


def _amount(written: str) -> Decimal:
    try:
        amount = quantity.parse(written.replace(",", "") if _SEPARATED.fullmatch(written) else written)
    except Refusal as refusal:
        raise Wrong("quantity", "“%(quantity)s”不是数量，请写成 1234.5 的样子，最多 6 位小数。", quantity=written[:40]) from refusal
    if amount < 0:
        raise Wrong("quantity", "不能小于 0。")
    return amount


# --- as providers report it --------------------------------------------------------------


def _events(content: bytes, plans: Sequence[Plan], organization: Organization, now: datetime) -> _Listed:
    """Events, counted by the meters of these plans that read their type; each subject counts for itself."""
    meters = {c.meter.counter_id: c.meter for plan in reversed(plans) for c in plan.charges if c.meter is not None}
    by_type: dict[str, list[Meter]] = defaultdict(list)
    for meter in meters.values():
        by_type[meter.event_type].append(meter)
    file = uploads.opened(io.BytesIO(content))
    records = list(islice(file.records, MOST_LINES + 1))
    if len(records) > MOST_LINES:
        raise FileUnreadable("行数太多：最多 %(lines)s 行。", lines=f"{MOST_LINES:,}")
    properties = {
        type: {meter.value_property: meter.aggregation is not Aggregation.UNIQUE_COUNT for meter in those if meter.value_property}
        for type, those in by_type.items()
    }
    events = uploads.events_in(file.layout, records, source="file", properties=properties)
    readings: dict[tuple[Meter, str], list[Reading]] = defaultdict(list)
    problems: list[Problem] = []
    seen: set[str] = set()
    for record, raw in zip(records, events, strict=True):
        try:
            for meter, subject, reading in _readings(raw, by_type, seen, now):
                readings[meter, subject].append(reading)
        except EventRefused as refusal:
            problems.append(Problem(record.line, "", refusal))
    if problems:
        raise FileProblems(problems[:MOST_PROBLEMS])
    return _counted(readings, organization, now)


def _readings(raw: object, by_type: dict[str, list[Meter]], seen: set[str], now: datetime) -> Iterator[tuple[Meter, str, Reading]]:
    """What an event says to each meter of its type; the same id counts once. Raises EventRefused."""
    if isinstance(raw, BadEvent):
        raise EventRefused(raw.code, raw.message or "这一行读不懂。", **(raw.params or {}))
    event = envelope.read(raw, now=now)
    if event.type not in by_type:
        raise EventRefused("unknown_type", "类型 %(type)s 不是这一类服务的计量项认得的。", type=event.type)
    if event.id in seen:
        return
    seen.add(event.id)
    if event.at > now:
        raise EventRefused("future", "时间在以后，还没有到。")
    for meter in by_type[event.type]:
        yield meter, event.subject, Reading(
            event.at.replace(microsecond=0), values.slice_of(meter, event.data), values.value_of(meter, event.data),
            values.member_of(meter, event.data),
        )  # fmt: skip


def _counted(
    readings: dict[tuple[Meter, str], list[Reading]], organization: Organization, now: datetime
) -> _Listed:
    instants = [each.at for those in readings.values() for each in those]
    listed: _Listed = {}
    if not instants:
        return listed
    months = [period_of(organization, min(instants))]
    while months[-1].end <= max(instants):
        months.append(period_of(organization, months[-1].end))
        if len(months) > MOST_MONTHS:
            raise FileUnreadable("从第一个月到最后一个月最多 %(months)s 个月。", months=MOST_MONTHS)
    for (meter, _subject), those in readings.items():
        those.sort(key=lambda each: each.at)
        amounts = listed.setdefault(Thing(meter), {})
        for month in months:
            inside = [each for each in those if each.at < month.end]
            amount = worked_out(meter, inside, month, stop=min(month.end, now.astimezone(UTC)), whole=month)
            amounts[month] = amounts.get(month, Decimal(0)) + amount
    return listed

